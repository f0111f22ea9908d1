"""Where searches start: the problem's own guess, and a grid inside the bounds."""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

from bilo.inverse.problem import Problem

Array = NDArray[np.float64]

STARTS_OF_ONE, STARTS = 12, 3
MOST = 30


def starts_of(problem: Problem, per_axis: int) -> list[Array]:
    """The problem's own start (m,), and a grid of `per_axis` starts along each unknown."""
    low, high = np.array([k.bounds for k in problem.scalars]).T
    own = np.array([k.start for k in problem.scalars])
    return [own, *(s for s in grid_of(low, high, per_axis) if not np.allclose(s, own))]


def usual_starts(problem: Problem) -> list[Array]:
    """The problem's own start, and a grid: 12 along one unknown, 3 along several, at most 30."""
    m = len(problem.scalars)
    return starts_of(problem, STARTS_OF_ONE if m == 1 else min(STARTS, int(MOST ** (1 / m))))


def grid_of(low: Array, high: Array, per_axis: int) -> list[Array]:
    """Starts inside the bounds, of equal spacing in ln theta where theta is positive.

    >>> [start.round(3).tolist() for start in grid_of(np.array([0.1]), np.array([10.0]), 3)]
    [[0.215], [1.0], [4.642]]
    """
    inside = (np.arange(per_axis) + 0.5) / per_axis
    axes = [
        lo * (hi / lo) ** inside if lo > 0 else lo + (hi - lo) * inside
        for lo, hi in zip(low, high, strict=True)
    ]
    return [np.array(theta) for theta in itertools.product(*axes)] if per_axis else []
