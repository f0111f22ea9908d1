"""First-order descent of the lower level: an optimiser along the gradient of one loss."""

from __future__ import annotations

import logging
from collections.abc import Callable

import torch
from torch import Tensor

from bilo.inverse.points import Points
from bilo.inverse.problem import Problem
from bilo.training.checkpoint import State
from bilo.training.loop import Lower, Pretrained
from bilo.training.recipes import Descent
from bilo.training.state import Record, Run

log = logging.getLogger(__name__)
UNSOLVED = 0.5
"""Relative residual beyond which pretraining led to no solution: terms that have nothing to do with
each other leave about 1."""
LEAST_JUDGED = 200
"""Steps of a pretraining that is judged by what it left; a shorter one had not the time."""
Loss = Callable[[Run, Points, bool], tuple[Tensor, Record]]
"""(run, points, pretraining) -> a scalar for the lower optimiser to descend, and numbers.

A scalar outside any graph leaves the network as it is.
"""


def descending(descent: Descent, total: int, loss: Loss) -> Lower:
    """Steps of ``run.optimisers["lower"]`` at the rate of the schedule over `total` steps."""

    def lower(run: Run, points: Points, pretraining: bool) -> tuple[bool, Record]:
        optimiser = run.optimisers["lower"]
        rate = descent.rate * descent.schedule(run.step / total) * run.slower
        for group in optimiser.param_groups:
            group["lr"] = rate * group["relative_rate"]
        surrogate, record = loss(run, points, pretraining)
        optimiser.zero_grad(set_to_none=True)
        if surrogate.requires_grad:
            surrogate.backward()
        gradients = [p.grad for p in run.network.parameters() if p.grad is not None]
        sound = run.finite() and all(bool(torch.isfinite(v).all()) for v in (surrogate, *gradients))
        if sound:
            optimiser.step()
        return sound, record

    return lower


def pretrained(first: State, residual: Callable[[Run], float]) -> Pretrained:
    """Whether pretraining led to a solution; if not, the run begins again, once, at half the rate.

    In its first steps a rate that suits most random weights throws some of them to where the
    activations, or the transform, are saturated, and no gradient leads back from there. Such a
    network knows nothing of the unknowns, and fine-tuning would move them by chance. Half the rate
    threw away none of them; where the equation is merely hard, a third time would not mend it.

    Parameters
    ----------
    first : dict
        State of the run before its first step.
    residual : callable
        run -> its relative residual.
    """

    def judge(run: Run) -> bool:
        found = residual(run)
        if found <= UNSOLVED or run.slower < 1.0:
            return True
        log.info("pretraining left a residual of %.2g of its terms: again, slower", found)
        run.restore(first)
        run.slower = 0.5
        return False

    return judge


def with_pretraining_misfit(
    problem: Problem, weight: float, points: Points, loss: Tensor, u: Tensor, record: Record
) -> tuple[Tensor, Record]:
    """A loss and, where known, the misfit to the numerical solution at the start.

    Parameters
    ----------
    weight : float
        Of the misfit; 0 leaves it out.
    loss : Tensor
        Of the lower level.
    u : Tensor (N,)
        The represented field at the points and the start's unknowns, inside a graph with `loss`.
    record : mapping
        Numbers of the step, to which the misfit is added.
    """
    known = problem.pretraining_target(points) if weight else None
    if known is None:
        return loss, record
    local, square = problem.pretraining_weight(known, points), (u - known.to(u)) ** 2
    misfit = (square if local is None else local * square).mean()
    return loss + weight * misfit, {**record, "start": misfit.item()}
