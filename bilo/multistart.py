"""Multi-start at the upper level: scouts from every start, whole fits from the best minima.

With few data the upper objective has several minima (Fisher-KPP with truth (2, 2) has one near
(3.9, 2.4)), and a local operator sees only the one it falls into. A scout is a fit with a small
network: its minimum is good to a few per cent, its basin is right. Distinct minima, judged by the
numerical solution, get a whole fit each, and the best of these, judged in the same way, is it.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from torch import Tensor

from bilo.objective import Objective, Pointwise
from bilo.problem import Problem
from bilo.settings import Settings
from bilo.solution import Solution
from bilo.starts import Array, starts_of

Fit = Callable[[Problem, Objective, Settings], Solution]

SCOUT_WIDTH, SCOUT_POINTS = 32, 100
SCOUT_STEPS = (120, 330)
"""Steps of pretraining and fine-tuning."""
SCOUT_ERROR = 2e-3
"""Relative error of a scout's field, by which its minimum may be misplaced."""
SAME = 0.25
"""Largest relative difference of the unknowns between scouts of one minimum."""
WHOLE_FITS = 3
"""Most minima that get a whole fit."""


@dataclass(frozen=True)
class Minimum:
    """A minimum found by scouts.

    Attributes
    ----------
    theta : ndarray (m,)
    value : float
        Objective of the numerical solution there.
    scouts : int
        How many ended here.
    """

    theta: Array
    value: float
    scouts: int = 1


def multi_start(fit: Fit, problem: Problem, data: Objective, settings: Settings) -> Solution:
    """The best of whole fits that start at the minima found by scouts.

    Parameters
    ----------
    fit : callable
        A fit from the problem's one start.
    problem : Problem
        With a numerical solution, which judges.
    data : Objective
    settings : Settings
        `start_grid` is the number of starts along each unknown, beside the problem's own.

    Raises
    ------
    ValueError
        If the problem has no numerical solution, or the objective is no sum over points.
    """
    if not isinstance(data, Pointwise):
        raise ValueError(f"no multi-start for the objective {type(data).__name__}")
    small = replace(
        settings,
        start_grid=0,
        width=min(SCOUT_WIDTH, settings.width),
        pretrain_steps=SCOUT_STEPS[0],
        finetune_steps=SCOUT_STEPS[1],
        points=SCOUT_POINTS,
        checkpoint=None,
        progress=_named(settings, "scout"),
    )
    scouts = [
        fit(starting_at(problem, theta), data, small)
        for theta in starts_of(problem, settings.start_grid)
    ]
    minima = _distinct(problem, data, scouts)
    best = minima[0]
    hopeful = [m for m in minima if m.value <= best.value + 4 * _misplaced(problem, data, best)]
    whole = []
    for k, minimum in enumerate(hopeful[:WHOLE_FITS]):
        own = replace(settings, start_grid=0, progress=_named(settings, f"minimum {k + 1}"))
        if settings.checkpoint is not None:
            own = replace(own, checkpoint=settings.checkpoint.with_suffix(f".{k}.safetensors"))
        whole.append(fit(starting_at(problem, minimum.theta), data, own))
    values = [judged(problem, data, s.unknowns) for s in whole]
    return _joined(whole[int(np.argmin(values))], min(values), [*scouts, *whole], minima)


def starting_at(problem: Problem, theta: Array) -> Problem:
    """The same problem with another start (m,)."""
    moved = copy.copy(problem)
    moved.unknowns = tuple(
        replace(k, start=float(value)) for k, value in zip(problem.unknowns, theta, strict=True)
    )
    moved._at_start = None
    return moved


def judged(problem: Problem, data: Pointwise, theta: Mapping[str, float]) -> float:
    """The objective of the numerical solution."""
    return data.value(_numerical(problem, data, theta), data.start).item()


def _numerical(problem: Problem, data: Pointwise, theta: Mapping[str, float]) -> Tensor:
    reference = problem.reference(theta)
    if reference is None:
        raise ValueError(f"{problem.name} has no numerical solution to judge several starts by")
    return reference(data.points).double()


def _distinct(problem: Problem, data: Pointwise, scouts: Sequence[Solution]) -> list[Minimum]:
    """Different minima, the best first."""
    ends = [(judged(problem, data, s.unknowns), list(s.unknowns.values())) for s in scouts]
    found: list[Minimum] = []
    for value, end in sorted(ends):
        theta = np.array(end)
        for k, other in enumerate(found):
            if np.all(np.abs(theta - other.theta) <= SAME * np.abs(other.theta)):
                found[k] = replace(other, scouts=other.scouts + 1)
                break
        else:
            found.append(Minimum(theta, value))
    return found


def _misplaced(problem: Problem, data: Pointwise, minimum: Minimum) -> float:
    """What a scout's error adds to the objective, sum_n l_n'' (error u_n)^2 / 2."""
    names = [k.name for k in problem.unknowns]
    u = _numerical(problem, data, dict(zip(names, minimum.theta.tolist(), strict=True)))
    return float((data.derivatives(u)[1] * (SCOUT_ERROR * u) ** 2).sum() / 2)


def _joined(
    chosen: Solution, value: float, fits: Sequence[Solution], minima: Sequence[Minimum]
) -> Solution:
    """The chosen fit with the cost of all, and what they found."""
    warnings, status = chosen.warnings, chosen.status
    if minima[0].value < value:
        warnings += ("a scout had found a better place",)
        status = "not converged" if status == "converged" else status
    steps, seconds = sum(s.steps for s in fits), sum(s.seconds for s in fits)
    found = [{"theta": m.theta.tolist(), "data_loss": m.value, "starts": m.scouts} for m in minima]
    return replace(
        chosen,
        status=status,
        converged=status == "converged",
        warnings=warnings,
        steps=steps,
        seconds=seconds,
        seconds_per_step=seconds / steps,
        assessment={**chosen.assessment, "minima": found},
    )


def _named(settings: Settings, what: str) -> str | None:
    return None if settings.progress is None else f"{settings.progress}, {what}"
