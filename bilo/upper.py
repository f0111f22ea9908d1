"""One step of the unknowns along the tangent model of a network: Adam, or the objective's own."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from bilo.chart import Chart
from bilo.losses import field
from bilo.network import Network
from bilo.objective import Objective
from bilo.points import Points
from bilo.problem import Problem
from bilo.streams import VALUE
from bilo.training import Record, Run

Predict = Callable[[Run], tuple[Tensor, Tensor]]
"""run -> the field at the data (N,) and its derivative by the unknowns (m, N), float64."""


def tangent_model(network: Network, points: Points) -> Predict:
    """What a network says of the data at the run's unknowns, to first order around them."""
    there = points.to(network.like)
    problem = network.problem

    def predict(run: Run) -> tuple[Tensor, Tensor]:
        with torch.no_grad():
            u = field(network, there, run.codes.to(network.like), tangents=True)
        run.memory['uz'] = u.tangents[0].double().cpu()
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
    run: Run, problem: Problem, data: Objective, u: Tensor, J: Tensor, progress: float, w_reg: float = 0.0
) -> Record:
    """Move the unknowns and the objective's own parameters, inside the bounds.

    ``run.optimisers["upper"]`` descends the gradient through the network's input where there is
    one; else `Objective.step` is taken.

    Parameters
    ----------
    u : Tensor (N,)
        The field at the data, float64.
    J : Tensor (m, N)
        Its derivative by the unknowns.
    progress : float
        Of the fine-tuning, in [0, 1).
    """
    value, gradient, by_auxiliary = data.gradient(u, J, run.auxiliary, progress)
    if problem.fields:
        return function_step(run, problem, data, w_reg, u, J, progress)
    if "upper" in run.optimisers:
        run.codes.grad, run.auxiliary.grad = gradient, by_auxiliary
        run.optimisers["upper"].step()
    else:
        codes, auxiliary = data.step(u, J, run.codes, run.auxiliary, progress)
        run.codes.copy_(codes)
        run.auxiliary.copy_(auxiliary)
    run.codes.copy_(problem.project(run.codes))
    run.trace()
    return {"objective": value, **problem.numbers(run.codes), **data.describe(run.auxiliary)}


MU = 1e-6
ETA = 0.1
REACH = 0.05
SECANT = 1e-4


def function_step(run, problem, data, w_reg, u, J, progress, secant=False):
    """A part of a Gauss-Newton step of the functions' weights."""
    first, second = data.derivatives(u)
    (f,) = problem.fields
    at = Chart(data.points.to(run.codes), VALUE)
    z = f.input(run.codes, at)[0, 0]
    F = f.input_by_codes(run.codes, at)
    value = float(data.value(u, run.auxiliary))
    record = {"objective": value}
    root = second.sqrt()
    X, Y, b = [J * root], [J * root], [first / root]
    if w_reg:
        br, rows = problem.regulariser.rows(f, run.codes)
        scale = (2 * w_reg) ** 0.5
        X.append(scale * rows)
        Y.append(scale * rows)
        b.append(scale * br)
        record["regulariser"] = float(br @ br)
    X, Y, b = torch.cat(X, 1), torch.cat(Y, 1), torch.cat(b)
    G = Y.t() @ X
    mu = MU * torch.linalg.matrix_norm(X, 2) ** 2
    d = -X @ torch.linalg.solve(G + mu * torch.eye(len(G), dtype=G.dtype), b)
    dz = d @ F
    record["move"] = float(dz.abs().max())
    eta = min(ETA, REACH * max(1 - progress, 1e-3) / float(dz.abs().max()))
    before = run.codes.clone()
    run.codes.add_(eta * d)
    if secant and "before" in run.memory:
        run.codes.add_(MOMENTUM * (before - run.memory["before"]))
    run.memory["before"] = before
    run.trace()
    return record

MOMENTUM=0.8
