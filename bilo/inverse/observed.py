"""What data would see of the numerical solution."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from bilo.inverse.fields import as_tuple
from bilo.inverse.objective import Objective, interleaved
from bilo.inverse.point_jets import PointJets, asked_by
from bilo.inverse.points import EXACT, Points
from bilo.inverse.problem import Problem
from bilo.taylor.jets import Jet

STEP = 1e-4
"""Of the differences that derivatives of a numerical solution are, over a side of the box."""


def solution_at_data(problem: Problem, theta: Mapping[str, Any], data: Objective) -> Tensor | None:
    """What the data see of the numerical solution at their points (N,).

    Derivatives that they see are central differences of the solution. None: the problem has none,
    or has unknown functions and data that see more than the field.
    """
    solution = problem.numerical(theta)
    return None if solution is None else seen_of(solution, problem, theta, data)


def required_at_data(
    problem: Problem, theta: Mapping[str, Any], data: Objective, purpose: str
) -> Tensor:
    """`solution_at_data` at scalars, for what cannot do without: to "fit with".

    Raises
    ------
    ValueError
        If the problem has no numerical solution.
    """
    u = seen_of(problem.require_numerical(theta, purpose), problem, theta, data)
    assert u is not None  # nothing but an unknown function hides what data see
    return u


def seen_of(
    solution: Callable[[Points], Tensor],
    problem: Problem,
    theta: Mapping[str, Any],
    data: Objective,
) -> Tensor | None:
    """`solution_at_data` of a numerical solution that is there already."""
    if data.seen is None:
        return solution(data.points).flatten()
    if problem.functions:
        return None
    points, params = data.points.to(EXACT), problem.to_params(theta)
    also = asked_by(problem, data.seen, points, params)
    at = PointJets(problem, points, params, tangents=False, derivatives=bool(also), also=also)
    pick = range(len(problem.fields))
    fields = tuple(_jet(lambda p, k=k: _column(solution(p), k), problem, at) for k in pick)  # type: ignore[misc]
    return interleaved(as_tuple(data.seen(problem.together(fields), at))).value


def _column(values: Tensor, k: int) -> Tensor:
    return values if values.ndim == 1 else values[:, k]


def _jet(solution: Callable[[Points], Tensor], problem: Problem, at: PointJets) -> Jet:
    """A numerical solution with its derivatives by differences."""
    streams, points, box = at.streams, at.points, problem.domain
    steps = {c: STEP * (high - low) for c, (low, high) in box.intervals.items()}

    def moved(**by: float) -> Tensor:
        rows = {c: points.coordinates[c] + by.get(c, 0.0) for c in problem.coordinates}
        return solution(problem.place(rows))

    first = {
        c: (moved(**{c: steps[c]}) - moved(**{c: -steps[c]})) / (2 * steps[c])
        for c in streams.first
    }
    second = {}
    for op in streams.second:
        for a, b, _ in op.diffusion:
            second[a, b] = _second(moved, a, b, steps)
    return Jet.tabulated(solution(points), first, second, streams)


def _second(moved: Callable[..., Tensor], a: str, b: str, steps: Mapping[str, float]) -> Tensor:
    """d_a d_b by central differences."""
    h, k = steps[a], steps[b]
    if a == b:
        h *= 10.0  # the difference is divided by the square of the step
        return (moved(**{a: h}) - 2 * moved() + moved(**{a: -h})) / h**2
    corners = sum(
        (s * t * moved(**{a: s * h, b: t * k}) for s in (1, -1) for t in (1, -1)), torch.zeros(())
    )
    return corners / (4 * h * k)
