"""First guesses, truths and output transforms of unknown functions."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from bilo.inverse.coordinate_jets import CoordinateJets
from bilo.inverse.points import Points
from bilo.inverse.unknown import PointFunction
from bilo.taylor.jets import Jet

ROUNDING = 1e-9
"""How far from zero a function that vanishes there may be."""
Transform = Callable[[Jet, CoordinateJets], Jet]


def of(expression: Callable[..., Tensor]) -> PointFunction:
    """A function of points from one of its coordinates, in their order, float64.

    >>> of(lambda x: 2 * x)(Points({"x": [0.0, 0.5]})).tolist()
    [0.0, 1.0]
    """

    def function(points: Points) -> Tensor:
        return expression(*(v.double() for v in points.coordinates.values()))

    return function


def everywhere(value: float) -> PointFunction:
    """A constant."""
    return of(lambda x, *others: torch.full_like(x, value))


def tent(height: float, ends: float = 0.0) -> PointFunction:
    """From `ends` at 0 and 1 to `height` at 1/2, linear between."""
    slope = 2 * (height - ends)
    return of(lambda x: torch.minimum(ends + slope * x, ends + slope - slope * x))


def zero_at_ends(N: Jet, at: CoordinateJets) -> Jet:
    """f = N x (1 - x)."""
    return N * at.vanishing("x")


def positive_zero_at_ends(N: Jet, at: CoordinateJets) -> Jet:
    """f = softplus(N) x (1 - x)."""
    return N.softplus() * at.vanishing("x")


def pinned_at_ends(value: float) -> Transform:
    """f = N x (1 - x) + value."""
    return lambda N, at: zero_at_ends(N, at) + value


def between(low: float, high: float) -> Transform:
    """f = low + (high - low) sigmoid(N)."""
    return lambda N, at: N.sigmoid() * (high - low) + low


def nodal_values(f: PointFunction, n: int, *, vanishing: bool = False) -> np.ndarray:
    """f at n equidistant x of (0, 1), ends included.

    Raises
    ------
    ValueError
        If f ought to be `vanishing` at both ends, and is not to rounding; it is exactly after that.
    """
    values = f(Points({"x": torch.linspace(0, 1, n, dtype=torch.float64)})).numpy().copy()
    if vanishing:
        if np.abs(values[[0, -1]]).max() > ROUNDING:
            raise ValueError("a function f must be zero at both ends, and is not")
        values[[0, -1]] = 0.0
    return values
