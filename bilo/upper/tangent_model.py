"""One step of the unknowns along the tangent model of a network: Adam, or the objective's own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from bilo.inverse.coordinate_jets import CoordinateJets
from bilo.inverse.objective import LAST_REACH, MAX_MOVE, Objective
from bilo.inverse.points import Points
from bilo.inverse.problem import Problem
from bilo.inverse.regulariser import regularisation
from bilo.networks.network import Network, seen
from bilo.taylor.streams import VALUE
from bilo.training.state import Record, Run
from bilo.upper.function_step import GaussNewton, function_step

PART = 0.1
"""Of a Gauss-Newton step of functions, after each step of the weights, unless a fit says more."""

Predict = Callable[[Run], tuple[Tensor, Tensor]]
"""run -> the field at the data (N,) and its derivative by the operator's inputs (m, N), float64."""


def tangent_model(network: Network, data: Objective) -> Predict:
    """What a network says of the data at the run's unknowns, to first order around them."""

    @torch.no_grad()
    def predict(run: Run) -> tuple[Tensor, Tensor]:
        u = seen(network, data, run.params.to(network.like), tangents=True)
        return u.value.double().cpu(), u.tangents.double().cpu()

    return predict


@torch.enable_grad()
def through_inputs(
    problem: Problem,
    points: Points,
    params: Tensor,
    by_inputs: Tensor,
    w_reg: float = 0.0,
    prior: Callable[[Tensor], Tensor] | None = None,
) -> tuple[Tensor, float]:
    """The gradient by all params (size,) from that by the operator's inputs at points (m, N).

    Or from that by all params (size, N). With `w_reg` that of the weighted regulariser too, and its
    value; with `prior` that of the objective's prior too.
    """
    moving = params.detach().clone().requires_grad_()
    if len(by_inputs) == len(params):
        total = moving @ by_inputs.sum(1)
    else:
        at = CoordinateJets(points.to(moving), VALUE)
        # of several numbers at a point, those of one point side by side
        at_points = by_inputs.view(len(by_inputs), len(points), -1).sum(2)
        parts = zip(problem.unknowns, problem.split(moving), at_points, strict=True)
        total = torch.stack([(k.input(part, at)[0, 0] * by).sum() for k, part, by in parts]).sum()
    R = regularisation(problem, moving) if w_reg else moving.new_zeros(())
    if prior is not None:
        total = total + prior(moving)
    (gradient,) = torch.autograd.grad(total + w_reg * R, moving)
    return gradient, R.item()


@dataclass(frozen=True)
class UpperLevel:
    """What the unknowns descend, and how a function's step is damped.

    Attributes
    ----------
    data : Objective
    w_reg : float
        Weight of the regulariser.
    damping : float
        Levenberg's parameter of a function's Gauss-Newton step, relative to the largest eigenvalue.
    relaxation : float
        Part of such a step that is taken.
    """

    data: Objective
    w_reg: float = 0.0
    damping: float = 1e-5
    relaxation: float = PART


@torch.no_grad()
def upper_step(run: Run, level: UpperLevel, u: Tensor, J: Tensor, progress: float) -> Record:
    """Move the unknowns and the objective's own parameters, inside the bounds.

    ``run.optimisers["upper"]`` descends the gradient through the network's input where there is
    one; else `Objective.step` is taken for scalars, and a part of `function_step` for functions.

    Parameters
    ----------
    u : Tensor (N,)
        The field at the data, float64.
    J : Tensor (m, N)
        Its derivative by the operator's inputs; or (size, N), by all params.
    progress : float
        Of the fine-tuning, in [0, 1).
    """
    problem, data, w_reg = run.network.problem, level.data, level.w_reg
    value, by_u, by_nuisance = data.gradient(u, run.nuisance, progress)
    record: dict[str, float] = {"objective": value + data.prior(run.params).item()}
    if "upper" in run.optimisers:
        departure_points = problem.departure_points(data.points, u)
        by_params, R = through_inputs(
            problem, departure_points, run.params, J * by_u, w_reg, data.prior
        )
        run.params.grad, run.nuisance.grad = by_params, by_nuisance
        record |= {"regulariser": R} if w_reg else {}
        run.optimisers["upper"].step()
    elif problem.functions:
        step = GaussNewton(
            damping=level.damping,
            relaxation=level.relaxation,
            max_step=MAX_MOVE * max(1.0 - progress, LAST_REACH),
        )
        record |= function_step(run, data, w_reg, u, J, step)
    else:
        params, nuisance = data.step(u, J, run.params, run.nuisance, progress)
        run.params.copy_(params)
        run.nuisance.copy_(nuisance)
    run.params.copy_(problem.project(run.params))
    run.mark()
    return {**record, **problem.numbers(run.params), **data.describe(run.nuisance)}
