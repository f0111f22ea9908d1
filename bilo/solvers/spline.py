"""Cubic splines of one variable, linear in their values at nodes and going on linearly."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.interpolate import CubicSpline

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Spline:
    """The cubic spline through values at nodes, linear beyond the outermost; not-a-knot.

    Attributes
    ----------
    nodes : ndarray (K,)
        Increasing.
    values : ndarray (K, ...)
    """

    nodes: Array
    values: Array

    def __call__(self, u: ArrayLike) -> Array:
        """r(u)."""
        u = np.asarray(u, float)
        inside = u.clip(self.nodes[0], self.nodes[-1])
        beyond = (u - inside).reshape(u.shape + (1,) * (self.values.ndim - 1))
        value: Array = self._inside(inside)
        return value + beyond * self.slope(u) if beyond.any() else value

    def slope(self, u: ArrayLike) -> Array:
        """r'(u)."""
        found: Array = self._slope(np.clip(u, self.nodes[0], self.nodes[-1]))
        return found

    @functools.cached_property
    def _inside(self) -> CubicSpline:
        return CubicSpline(self.nodes, self.values)

    @functools.cached_property
    def _slope(self) -> CubicSpline:
        return self._inside.derivative()


def basis(nodes: ArrayLike) -> Spline:
    """B: the splines that are one at a node and zero at the others, u -> (..., K)."""
    nodes = np.asarray(nodes, float)
    return Spline(nodes, np.eye(len(nodes)))
