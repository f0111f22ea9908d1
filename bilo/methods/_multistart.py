"""Multi-start at the upper level: one fit, a check, and where it fails scouts and whole fits.

With few data the upper objective has several minima (Fisher-KPP with truth (2, 2) has one near
(3.9, 2.4)), and a local operator sees only the one it falls into. So the answer of a first fit is
checked by a classical search from several starts. Where that knows a better minimum, scouts go out
from the same starts: fits with a small network, whose minimum is good to a few per cent and whose
basin is right. Distinct minima, judged by the numerical solution, get a whole fit each, and the
best of all fits, judged in the same way, is it. A better minimum that the networks missed is named,
and the fit not called converged.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from bilo.classical.search import Minimum, distinct, optima
from bilo.classical.starts import Array, starts_of
from bilo.inverse.objective import Objective, SeparableObjective
from bilo.inverse.observed import required_at_data
from bilo.inverse.problem import Problem
from bilo.methods._network_method import NetworkMethod
from bilo.training.budget import ENOUGH
from bilo.training.checks import CONVERGED, NOT_CONVERGED, UNVERIFIED
from bilo.training.session import Session
from bilo.training.solution import Solution

SCOUT_WIDTH, SCOUT_POINTS = 48, 144
SCOUT_STEPS = (120, 400)
"""Steps of pretraining and fine-tuning."""
SCOUT_ERROR, WHOLE_ERROR = 5e-3, 1e-3
"""Relative error of the field of a scout, and of a whole fit, by which a minimum is misplaced."""
SAME = 0.25
"""Largest relative difference of the unknowns between scouts of one minimum."""
WHOLE_FITS = 3
"""Most minima that get a whole fit."""
JUDGES = "judge several starts by (start_grid)"
"""What the numerical solution is asked for."""


def multi_start(
    method: NetworkMethod, problem: Problem, data: Objective, session: Session, per_axis: int
) -> Solution:
    """The best fit from several starts.

    Parameters
    ----------
    method : NetworkMethod
        A fit from the problem's one start.
    problem : Problem
        With a numerical solution, which judges.
    data : Objective
    session : Session
    per_axis : int
        Number of starts along each unknown, beside the problem's own.

    Raises
    ------
    ValueError
        If the problem has no numerical solution, or the objective is no sum over points.
    """
    if not isinstance(data, SeparableObjective):
        raise ValueError(f"no multi-start for the objective {type(data).__name__}")
    problem.require_scalars("multi-start (start_grid)")
    problem.require_numerical(problem.start(), JUDGES)
    starts = starts_of(problem, per_axis)
    first = method.fit(problem, data, session)
    if first.interrupted:
        return first
    try:
        # one Ctrl-C ends all that follows, and not the next fit alone
        return _best(method, problem, data, replace(session, interruptible=False), starts, first)
    except KeyboardInterrupt:
        if not session.interruptible:
            raise
        warnings = (*first.warnings, "interrupted while other starts were tried")
        ended = NOT_CONVERGED if first.status in (CONVERGED, UNVERIFIED) else first.status
        return replace(first, warnings=warnings, converged=False, status=ended, interrupted=True)


def _best(
    method: NetworkMethod,
    problem: Problem,
    data: SeparableObjective,
    session: Session,
    starts: Sequence[Array],
    first: Solution,
) -> Solution:
    """The first fit, or a better one from another start."""
    check = optima(problem, data, starts)
    classical = check.minima[0]
    if not _beaten(problem, data, first, classical):
        return _joined(first, [first], check.minima, check.seconds)
    scouting = replace(session, checkpoint=None, progress=_named(session, "scout"))
    small = _scout(method)
    scouts = [small.fit(starting_at(problem, theta), data, scouting) for theta in starts]
    minima = _minima(problem, data, scouts)
    margin = 4 * _cost_of_error(problem, data, minima[0], SCOUT_ERROR)
    hopeful = [m for m in minima if m.data_loss <= minima[0].data_loss + margin]
    whole = [first]
    for k, minimum in enumerate(hopeful[:WHOLE_FITS]):
        own = replace(session, progress=_named(session, f"minimum {k + 1}"))
        if session.checkpoint is not None:
            own = replace(own, checkpoint=session.checkpoint.with_suffix(f".{k}.safetensors"))
        whole.append(method.fit(starting_at(problem, minimum.theta), data, own))
    best = min(whole, key=lambda s: judged(problem, data, s.unknowns))
    joined = _joined(best, [*whole, *scouts], minima, check.seconds)
    if not _beaten(problem, data, best, classical):
        return joined
    there = ", ".join(f"{v:.3g}" for v in classical.theta)
    warning = f"the numerical solution has a better minimum, at {there}"
    return replace(
        joined,
        warnings=(*joined.warnings, warning),
        converged=False,
        status=NOT_CONVERGED if joined.converged else joined.status,
    )


def _scout(method: NetworkMethod) -> NetworkMethod:
    """The same method with a small network and few steps."""
    budget = method.budget
    return replace(
        method,
        width=min(SCOUT_WIDTH, method.architecture.width),
        pretrain_steps=min(SCOUT_STEPS[0], budget.pretrain_steps),
        finetune_steps=min(SCOUT_STEPS[1], budget.finetune_steps),
        points=ENOUGH if budget.points == ENOUGH else SCOUT_POINTS,
    )


def _minima(
    problem: Problem, data: SeparableObjective, scouts: Sequence[Solution]
) -> list[Minimum]:
    """Different minima that the scouts found, the best first."""
    ends = [
        Minimum(np.array(list(s.unknowns.values())), judged(problem, data, s.unknowns))
        for s in scouts
    ]
    return distinct(ends, _same)


def _beaten(problem: Problem, data: SeparableObjective, fit: Solution, other: Minimum) -> bool:
    """Whether another minimum is better by more than the error of a fit and what data can tell."""
    margin = _cost_of_error(problem, data, other, WHOLE_ERROR) + data.resolution(other.data_loss)
    return other.data_loss < judged(problem, data, fit.unknowns) - margin


def starting_at(problem: Problem, theta: Array) -> Problem:
    """The same problem with another start (m,)."""
    moved = copy.copy(problem)
    moved.unknowns = tuple(
        replace(k, start=float(value), scale=k.unit)
        for k, value in zip(problem.scalars, theta, strict=True)
    )
    moved._at_start = None
    return moved


def judged(problem: Problem, data: SeparableObjective, theta: Mapping[str, float]) -> float:
    """The objective of the numerical solution."""
    return data.value(required_at_data(problem, theta, data, JUDGES), data.start).item()


def _same(theta: Array, other: Array) -> bool:
    return bool(np.all(np.abs(theta - other) <= SAME * np.abs(other)))


def _cost_of_error(
    problem: Problem, data: SeparableObjective, minimum: Minimum, error: float
) -> float:
    """What a relative error of the field adds to the objective, sum_n l_n'' (error u_n)^2 / 2."""
    u = required_at_data(problem, problem.named(minimum.theta), data, JUDGES)
    return float((data.derivatives(u)[1] * (error * data.combine(u)) ** 2).sum() / 2)


def _joined(
    chosen: Solution, fits: Sequence[Solution], minima: Sequence[Minimum], check_seconds: float
) -> Solution:
    """The chosen fit with the cost of everything, and the minima that were found."""
    steps, seconds = sum(s.steps for s in fits), sum(s.seconds for s in fits)
    return replace(
        chosen,
        steps=steps,
        seconds=seconds + check_seconds,
        seconds_per_step=seconds / steps,
        assessment={
            **chosen.assessment,
            "fits": len(fits),
            "minima": [m.to_json() for m in minima],
        },
    )


def _named(session: Session, what: str) -> str | None:
    return None if session.progress is None else f"{session.progress}, {what}"
