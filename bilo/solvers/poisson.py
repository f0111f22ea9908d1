"""Reference solution of Poisson's equation with a variable diffusivity: linear finite elements.

    -(D u')' = f  on (0, 1),   u(0) = u(1) = 0,   f = pi^2 sin(pi x) unless another is given

D and u are continuous and piecewise linear on n equal cells of width h = 1/n, so the stiffness of
cell e, between nodes e and e + 1, is exact: k_e = (D_e + D_(e+1)) / (2 h). The load is integrated
by five Gauss points a cell, exact for f of degree 8 and to rounding for the default.

In one dimension A u = b integrates by hand: the flux q_e = k_e (u_(e+1) - u_e) falls by b_i at
node i, and its first value follows from u(1) = 0. That is a solver of O(n) without a matrix, for
batches of D at once. The error of u in L2 is of second order in h.

The discrete solution is what is differentiated: `adjoint`, `sensitivity` and `jacobian` are exact
derivatives of `solve`, to rounding.

References: Vogel 2002, Computational Methods for Inverse Problems, ch. 6 (adjoint); Strang and
Fix 1973, An Analysis of the Finite Element Method, ch. 1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bilo.solvers.discretised import Array, Discretised, Pull
from bilo.solvers.interpolation import interpolate, interpolation
from bilo.solvers.solution import NumericalSolution

_GAUSS = np.polynomial.legendre.leggauss(5)


def source(x: Array) -> Array:
    """The default right-hand side, f = pi^2 sin(pi x): u = sin(pi x) where D = 1."""
    return np.asarray(np.pi**2 * np.sin(np.pi * x))


def load(n: int, f: Callable[[Array], Array] = source) -> Array:
    """Integrals of f times the hat functions of the inner nodes, (n - 1,)."""
    points, weights = (_GAUSS[0] + 1) / 2, _GAUSS[1] / 2
    values = f((np.arange(n)[:, None] + points) / n)
    rising, falling = values @ (weights * points) / n, values @ (weights * (1 - points)) / n
    return np.asarray(rising[:-1] + falling[1:])


def solve(D: ArrayLike, f: Callable[[Array], Array] = source) -> Array:
    """The finite element solution.

    Parameters
    ----------
    D : array_like (..., n + 1)
        Diffusivity at the nodes 0, 1/n, .., 1; positive.
    f : callable
        Right-hand side, from an array of x to an array of the same shape.

    Returns
    -------
    ndarray (..., n + 1)
        u at the nodes.

    Raises
    ------
    ValueError
        If D is not positive everywhere.

    Examples
    --------
    >>> round(float(solve(np.ones(101))[50]), 3)
    1.0
    """
    k = _stiffness(D)
    return _invert(k, load(k.shape[-1], f))


@dataclass(frozen=True, eq=False)
class Solution(NumericalSolution):
    """The finite element solution at any x.

    Parameters
    ----------
    D : ndarray (n + 1,)
        As of `solve`.

    Raises
    ------
    ValueError
        If D is not positive everywhere.
    """

    D: Array

    def __post_init__(self) -> None:
        _stiffness(self.D)

    @cached_property
    def u(self) -> Array:
        """At the nodes."""
        return solve(self.D)

    def __call__(self, x: Array) -> Array:
        """u (N,), linear between the nodes."""
        return interpolate(self.u, x)

    @classmethod
    def together(cls, solutions: Sequence[Self], x: Array) -> Array:
        """As one batch, (B, N)."""
        return interpolate(solve(np.stack([solution.D for solution in solutions])), x)


def adjoint(D: ArrayLike, u: ArrayLike, c: ArrayLike) -> Array:
    """dJ/dD for a function J of the nodal values of u, from c = dJ/du.

        A p = c,   dJ/dD_i = -p^T (dA/dD_i) u

    Parameters
    ----------
    D, u, c : array_like (..., n + 1)
        u is the solution for D. The shapes broadcast; c at the two ends has no effect.

    Returns
    -------
    ndarray (..., n + 1)
    """
    p = _invert(_stiffness(D), np.asarray(c, float)[..., 1:-1])
    n = p.shape[-1] - 1
    of_cell = -np.diff(p) * np.diff(np.asarray(u, float)) * n / 2
    return _pad(of_cell, 0, 1) + _pad(of_cell, 1, 0)


def sensitivity(D: ArrayLike, u: ArrayLike, direction: ArrayLike) -> Array:
    """The derivative of the nodal values of u as D moves along a direction.

        A du = -(dA) u

    Parameters
    ----------
    D, u, direction : array_like (..., n + 1)
        u is the solution for D. The shapes broadcast.

    Returns
    -------
    ndarray (..., n + 1)
    """
    change = _of_cells(np.asarray(direction, float)) * np.diff(np.asarray(u, float))
    return _invert(_stiffness(D), np.diff(change))


def jacobian(D: ArrayLike, x: ArrayLike, f: Callable[[Array], Array] = source) -> Array:
    """du(x)/dD at m points, one adjoint solution a point.

    Parameters
    ----------
    D : array_like (n + 1,)
    x : array_like (m,)

    Returns
    -------
    ndarray (m, n + 1)
    """
    D = np.asarray(D, float)
    return adjoint(D, solve(D, f), interpolation(len(D) - 1, x))


def _stiffness(D: ArrayLike) -> Array:
    """k_e of every cell, (..., n)."""
    D = np.asarray(D, float)
    if not ((D > 0) & (D < np.inf)).all():
        raise ValueError("the diffusivity D must be positive and finite at every node")
    return _of_cells(D)


def _of_cells(D: Array) -> Array:
    """The mean of every cell over its width, (..., n); linear in D."""
    n = D.shape[-1] - 1
    return np.asarray((D[..., :-1] + D[..., 1:]) * n / 2)


def _invert(k: Array, b: Array) -> Array:
    """Solve A u = b with u = 0 at the ends; k (..., n), b (..., n - 1), u (..., n + 1)."""
    fallen = _pad(np.cumsum(b, -1), 1, 0)
    first = (fallen / k).sum(-1, keepdims=True) / (1 / k).sum(-1, keepdims=True)
    return _pad(np.cumsum((first - fallen) / k, -1)[..., :-1], 1, 1)


def _pad(values: Array, before: int, after: int) -> Array:
    """Zeros before and after, along the last axis."""
    return np.pad(values, [(0, 0)] * (values.ndim - 1) + [(before, after)])


NODAL = 200
"""Cells of classical methods."""
POSITIVE = 0.01
"""Least D of classical methods."""


def discretised(x: NDArray[np.float64]) -> Discretised:
    """u at points by D at 201 nodes, D = 1 at the ends, D >= 0.01; elements on the same cells."""
    C = interpolation(NODAL, x)

    def forward(D: Array) -> tuple[Array, Pull]:
        u = solve(D)
        return C @ u, lambda by_data: adjoint(D, u, by_data @ C)

    low, high = np.full(NODAL + 1, POSITIVE), np.full(NODAL + 1, np.inf)
    low[[0, -1]] = high[[0, -1]] = 1.0
    return Discretised(forward, low, high)
