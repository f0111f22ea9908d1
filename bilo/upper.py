"""One step of the unknowns along the tangent model of a network: Adam, or the objective's own."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from bilo.chart import Chart
from bilo.function_step import function_step, regulariser_rows
from bilo.losses import field
from bilo.network import Network
from bilo.objective import LAST_REACH, MAX_MOVE, Objective
from bilo.points import Points
from bilo.problem import Problem
from bilo.streams import VALUE
from bilo.training import Record, Run

PART = 0.1
"""Of a Gauss-Newton step of functions, after each step of the weights."""

Predict = Callable[[Run], tuple[Tensor, Tensor]]
"""run -> the field at the data (N,) and its derivative by the codes (size, N), float64."""


def tangent_model(network: Network, points: Points) -> Predict:
    """What a network says of the data at the run's unknowns, to first order around them."""
    there = points.to(network.like)
    problem = network.problem

    def predict(run: Run) -> tuple[Tensor, Tensor]:
        with torch.no_grad():
            u = field(network, there, run.codes.to(network.like), tangents=True)
        return u.value.double().cpu(), by_codes(problem, points, run.codes, u.tangents)

    return predict


def by_codes(problem: Problem, points: Points, codes: Tensor, tangents: Tensor) -> Tensor:
    """Derivative of the field by all codes (size, N) from that by the operator's inputs (m, N)."""
    codes = codes.detach().double().cpu()
    at = Chart(points.to(codes), VALUE)
    parts = zip(problem.unknowns, problem.split(codes), tangents.double().cpu(), strict=True)
    return torch.cat([du * k.input_by_codes(part, at) for k, part, du in parts])


@torch.no_grad()
def upper_step(
    run: Run,
    problem: Problem,
    data: Objective,
    u: Tensor,
    J: Tensor,
    progress: float,
    w_reg: float = 0.0,
) -> Record:
    """Move the unknowns and the objective's own parameters, inside the bounds.

    ``run.optimisers["upper"]`` descends the gradient through the network's input where there is
    one; else `Objective.step` is taken for scalars, and a part of `function_step` for functions.

    Parameters
    ----------
    u : Tensor (N,)
        The field at the data, float64.
    J : Tensor (size, N)
        Its derivative by the codes.
    progress : float
        Of the fine-tuning, in [0, 1).
    w_reg : float
        Weight of the regulariser of an unknown function.
    """
    value, by_codes, by_auxiliary = data.gradient(u, J, run.auxiliary, progress)
    record: dict[str, float] = {"objective": value}
    if "upper" in run.optimisers:
        if w_reg:
            b, X = regulariser_rows(problem, run.codes)
            by_codes = by_codes + 2 * w_reg * X @ b
            record["regulariser"] = float(b @ b)
        run.codes.grad, run.auxiliary.grad = by_codes, by_auxiliary
        run.optimisers["upper"].step()
    elif problem.fields:
        reach = MAX_MOVE * max(1.0 - progress, LAST_REACH)
        record |= function_step(run, problem, data, w_reg, u, J, part=PART, reach=reach)
    else:
        codes, auxiliary = data.step(u, J, run.codes, run.auxiliary, progress)
        run.codes.copy_(codes)
        run.auxiliary.copy_(auxiliary)
    run.codes.copy_(problem.project(run.codes))
    run.trace()
    return {**record, **problem.numbers(run.codes), **data.describe(run.auxiliary)}
