"""Nonlinear least squares with quadratic penalties.

    min_z  mean (u(z) - d)^2 + |R z|^2

by scipy's trust-region method with exact derivatives; R is the root of the penalties, weights
included.

Reference: Vogel 2002, Computational Methods for Inverse Problems, ch. 7.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import least_squares

Array = NDArray[np.float64]
Forward = Callable[[Array], tuple[Array, Array]]
"""z (n,) -> u (m,) at the data and its Jacobian (m, n)."""

_TOLERANCE = 1e-10


@dataclass(frozen=True)
class Minimum:
    """Where the objective is least.

    Attributes
    ----------
    z : ndarray (n,)
    residual : ndarray (m,)
        u - d.
    J : ndarray (m, n)
        du/dz.
    root : ndarray (q, n)
        R.
    converged : bool
    """

    z: Array
    residual: Array
    J: Array
    root: Array
    converged: bool

    def spread(self, sigma: float = 1.0) -> Array:
        """Standard deviations of z, (n,): Gauss-Newton, the penalties taken for a prior."""
        stacked = np.concatenate([self.J / np.sqrt(len(self.J)), self.root])
        inverse = np.linalg.inv(np.linalg.qr(stacked, mode="r"))
        return np.asarray(sigma / np.sqrt(len(self.J)) * np.sqrt((inverse**2).sum(1)))


def minimise(
    forward: Forward,
    data: ArrayLike,
    start: ArrayLike,
    root: ArrayLike | None = None,
    bounds: tuple[Array | float, Array | float] = (-np.inf, np.inf),
) -> Minimum:
    """The minimum that a search from `start` leads to.

    Parameters
    ----------
    forward : callable
        A ValueError says that there is no solution at z.
    data : array_like (m,)
        Divided by their standard deviations where these differ, and so u.
    start : array_like (n,)
    root : array_like (q, n), optional
        R; no penalty by default.
    bounds : pair of ndarray or float
        Of z.

    Returns
    -------
    Minimum
    """
    data, start = np.asarray(data, float), np.asarray(start, float)
    root = np.zeros((0, len(start))) if root is None else np.asarray(root, float)
    scale = 1 / np.sqrt(len(data))
    last: dict[bytes, tuple[Array, Array]] = {}

    def at(z: Array) -> tuple[Array, Array]:
        if z.tobytes() not in last:  # the search asks for the residual, then for its Jacobian
            last.clear()
            last[z.tobytes()] = forward(z)
        return last[z.tobytes()]

    def residual(z: Array) -> Array:
        try:
            u = at(z)[0]
        except ValueError:  # no solution there: the search takes a shorter step
            u = np.full(len(data), np.inf)
        return np.concatenate([scale * (u - data), root @ z])

    def slope(z: Array) -> Array:
        return np.concatenate([scale * at(z)[1], root])

    found = least_squares(
        residual,
        start,
        slope,
        bounds,
        x_scale="jac",
        ftol=_TOLERANCE,
        xtol=_TOLERANCE,
        gtol=_TOLERANCE,
    )
    u, J = at(found.x)
    return Minimum(found.x, u - data, J, root, bool(found.success))


def slopes(n: int) -> Array:
    """The root of int_0^1 f'^2 dx for f piecewise linear on n equal cells, (n, n + 1)."""
    return np.sqrt(n) * np.diff(np.eye(n + 1), axis=0)
