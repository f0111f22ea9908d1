"""One step of the unknowns along the tangent model of a network: Adam, or the objective's own."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from bilo.losses import field
from bilo.network import Network
from bilo.objective import Objective
from bilo.points import Points
from bilo.problem import Problem
from bilo.training import Record, Run

Predict = Callable[[Run], tuple[Tensor, Tensor]]
"""run -> the field at the data (N,) and its derivative by the unknowns (m, N), float64."""


def tangent_model(network: Network, points: Points) -> Predict:
    """What a network says of the data at the run's unknowns, to first order around them."""
    points = points.to(network.like)

    @torch.no_grad()
    def predict(run: Run) -> tuple[Tensor, Tensor]:
        u = field(network, points, run.codes.to(network.like), tangents=True)
        return u.value.double().cpu(), u.tangents.double().cpu()

    return predict


@torch.no_grad()
def upper_step(
    run: Run, problem: Problem, data: Objective, u: Tensor, J: Tensor, progress: float
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
    value, by_codes, by_auxiliary = data.gradient(u, J, run.auxiliary, progress)
    if "upper" in run.optimisers:
        run.codes.grad, run.auxiliary.grad = by_codes, by_auxiliary
        run.optimisers["upper"].step()
    else:
        codes, auxiliary = data.step(u, J, run.codes, run.auxiliary, progress)
        run.codes.copy_(codes)
        run.auxiliary.copy_(auxiliary)
    run.codes.copy_(problem.project(run.codes))
    run.trace()
    return {"objective": value, **problem.decode(run.codes), **data.describe(run.auxiliary)}
