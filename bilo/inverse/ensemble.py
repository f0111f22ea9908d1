"""Random functions that a neural operator is trained on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from scipy.interpolate import CubicSpline
from torch import Tensor

from bilo.inverse.points import Points
from bilo.inverse.random_fields import Array, conditioned_1d

INTERVALS = 200
"""Of the grid on which a function is drawn; cubic splines between its nodes."""
WIDTH = 2.0
"""Standard deviations on either side of the mean that count as an ensemble's range."""


@dataclass(frozen=True)
class Ensemble:
    """Gaussian random functions on (0, 1) with known values at the ends, and above a floor.

        f ~ N(mean, s^2 exp(-|x - y|^2 / (2 l^2)))   given f(0), f(1) and min f > floor

    Parameters
    ----------
    mean, variance : float
        Mean and s^2, before the conditioning.
    ends : two floats
        f(0) and f(1).
    lengths : sequence of float
        The l of each choice; its name is ``length0.2``.
    floor : float
        Functions that do not stay above it, where the equation may have no solution, are drawn
        again.

    Raises
    ------
    ValueError
        If the ends are not above the floor.
    """

    mean: float
    variance: float
    ends: tuple[float, float]
    lengths: Sequence[float]
    floor: float = -math.inf

    def __post_init__(self) -> None:
        if not min(self.ends) > self.floor:
            raise ValueError(f"functions above {self.floor:g} do not end at {self.ends}")

    @property
    def range(self) -> tuple[float, float]:
        """Usual values: two standard deviations about the mean."""
        width = WIDTH * math.sqrt(self.variance)
        return self.mean - width, self.mean + width

    @property
    def choices(self) -> dict[str, float]:
        """Lengths by name."""
        return {f"length{length:g}": length for length in self.lengths}

    def draw(self, name: str, count: int, seed: int | Sequence[int]) -> list[Tabulated]:
        """Independent functions of one length; the first ones do not depend on their number.

        Raises
        ------
        KeyError
            If there is no length of that name.
        """
        length, generator = self.choices[name], np.random.default_rng(seed)
        found: list[Array] = []
        while len(found) < count:
            drawn = conditioned_1d(
                INTERVALS, self.variance, length, count, generator, mean=self.mean, ends=self.ends
            )
            found += [f for f in drawn if f.min() > self.floor]
        return [Tabulated(f) for f in found[:count]]


@dataclass(frozen=True, eq=False)
class Tabulated:
    """A function of x in [0, 1] by the cubic spline through its values at equidistant nodes.

    Parameters
    ----------
    values : ndarray (n + 1,)
    """

    values: Array

    @cached_property
    def spline(self) -> CubicSpline:
        """What interpolates."""
        return CubicSpline(np.linspace(0, 1, len(self.values)), self.values)

    def __call__(self, points: Points) -> Tensor:
        """f (N,) at points, float64."""
        return torch.from_numpy(self.spline(points.coordinates["x"].double().cpu().numpy()))
