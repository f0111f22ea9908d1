"""One step of the unknowns along the tangent model of a network: Adam, or the objective's own."""

from __future__ import annotations

import torch
from torch import Tensor

from bilo.objective import Objective
from bilo.problem import Problem
from bilo.training import Record, Run


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
