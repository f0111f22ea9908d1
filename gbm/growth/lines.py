"""Crank-Nicolson along the lines of one axis: the tridiagonal systems of the solver."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from scipy.linalg.lapack import dpttrf, dpttrs

from gbm.growth.growth_map import GrowthMap

Box = tuple[slice, ...]
"""A part of a grid."""


class Lines(Protocol):
    """Factors of (phi - a K) for all lines along an axis, K its flux operator.

    A Crank-Nicolson step is x = 2 (phi - a K)^-1 phi u - u.
    """

    def step(self, u: np.ndarray, box: Box) -> None:
        """One step on the box of u (n_1, .., n_d), in place."""


@dataclass(frozen=True)
class _Chain:
    """Lines chained into one symmetric positive definite tridiagonal matrix, for LAPACK.

    Its couplings vanish between the lines. The fastest in the plane, where lines are short of
    neighbours; it knows no box.
    """

    order: tuple[int, ...]
    twice_phi: np.ndarray
    diagonal: np.ndarray
    off_diagonal: np.ndarray

    @classmethod
    def factor(cls, grid: GrowthMap, axis: int, a: float) -> _Chain:
        order = (*(k for k in range(grid.dimensions) if k != axis), axis)
        phi, face = (np.ascontiguousarray(v.transpose(order)) for v in (grid.phi, grid.faces[axis]))
        diagonal, coupling = phi.copy(), np.zeros_like(phi)
        diagonal[..., 1:] += a * face
        diagonal[..., :-1] += a * face
        coupling[..., :-1] = -a * face
        d, e, info = dpttrf(diagonal.ravel(), coupling.ravel()[:-1])
        if info != 0:
            raise ArithmeticError(f"tridiagonal factorisation failed (LAPACK info {info})")
        return cls(order, 2.0 * phi, d, e)

    def step(self, u: np.ndarray, box: Box) -> None:
        here = u.transpose(self.order)
        rhs = (self.twice_phi * here).ravel()
        solution, _ = dpttrs(self.diagonal, self.off_diagonal, rhs, overwrite_b=True)
        here[...] = solution.reshape(here.shape) - here


@dataclass(frozen=True)
class _Planes:
    """Lines eliminated together, plane after plane, axis first: the fastest in a volume,

        y_i = c_i u_i + m_i y_(i-1),        x_i = y_i + w_i x_(i+1),

    which starts exactly at any place below which u vanishes.
    """

    order: tuple[int, ...]
    c: np.ndarray
    m: np.ndarray
    w: np.ndarray

    @classmethod
    def factor(cls, grid: GrowthMap, axis: int, a: float, dtype: Any) -> _Planes:
        order = (axis, *(k for k in range(grid.dimensions) if k != axis))
        phi = np.asarray(grid.phi.transpose(order), dtype=np.float64)
        face = a * np.asarray(grid.faces[axis].transpose(order), dtype=np.float64)
        c, m, w = (np.zeros(phi.shape, dtype) for _ in range(3))
        below, carried = np.zeros(phi.shape[1:]), np.zeros(phi.shape[1:])  # face, w of i - 1
        for i, row in enumerate(phi):
            above = face[i] if i < len(face) else np.zeros_like(below)
            inverse = 1.0 / (row + above + below * (1.0 - carried))
            carried = above * inverse
            c[i], m[i], w[i] = 2.0 * row * inverse, below * inverse, carried
            below = above
        return cls(order, c, m, w)

    def step(self, u: np.ndarray, box: Box) -> None:
        part = tuple(box[k] for k in self.order)
        c, m, w = self.c[part], self.m[part], self.w[part]
        here = u[box].transpose(self.order)
        y, t = np.empty(here.shape, u.dtype), np.empty(here.shape[1:], u.dtype)
        np.multiply(here, c, out=y)
        for i in range(1, len(y)):
            np.multiply(m[i], y[i - 1], out=t)
            y[i] += t
        for i in range(len(y) - 2, -1, -1):
            np.multiply(w[i], y[i + 1], out=t)
            y[i] += t
        y -= here
        here[...] = y


def lines_of(grid: GrowthMap, axis: int, a: float, dtype: Any) -> Lines:
    """The lines of a grid along an axis, for steps of a = dt DT / 2 h^2; volumes in a dtype."""
    if grid.dimensions < 3:
        return _Chain.factor(grid, axis, a)
    return _Planes.factor(grid, axis, a, dtype)
