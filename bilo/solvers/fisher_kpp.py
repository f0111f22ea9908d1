"""Reference solution of Fisher-KPP on an interval: Strang splitting of two exact flows.

    u_t = 0.01 D u_xx + rho u (1 - u)  on (0, 1) x (0, 1],   u = 0 at the ends,
    u(x, 0) = sin^2(pi x) / 2

Diffusion is solved exactly in the eigenbasis of the Chebyshev second-derivative matrix, logistic
growth exactly at every node; Strang's symmetric composition is of second order in time, and one
Richardson step removes the leading error. The initial values satisfy the boundary condition but
not the equation at the two corners (u_xx is not zero there); the first interval is therefore cut
geometrically towards t = 0 until the corner layer is resolved.

Nothing but analytic operations is used, so the complex step gives the sensitivities by D and rho
exact to rounding (Squire and Trapp 1998). Parameters may be arrays: a batch is one computation.

References: Strang 1968, SIAM J. Numer. Anal. 5; Trefethen 2000, Spectral Methods in MATLAB, ch. 6.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.interpolate import CubicHermiteSpline

from bilo.solvers import chebyshev
from bilo.solvers.solution import NumericalSolution

Array = NDArray[np.float64]

NODES = 64
"""Chebyshev intervals in x."""
STEPS = 1280
"""Time steps a unit of time. The error is then below 2e-7 for D, rho in [0.1, 10], and 2e-9 for
(2, 2) at t = 1."""
_CORNER = 1e-6  # first time of the graded interval
_LEAST = 4  # steps in each of its parts
_FINAL = np.array([0.0, 1 / 16, 1.0])
_COMPLEX_STEP = 1e-30


@dataclass(frozen=True)
class Trajectory:
    """A solution at Chebyshev nodes and graded times, and a smooth function of (t, x) between them.

    Attributes
    ----------
    times : ndarray (K,)
    nodes : ndarray (n + 1,)
    u, u_t : ndarray (K, n + 1)
        Values and their time derivatives (the right-hand side of the equation).
    """

    times: Array
    nodes: Array
    u: Array
    u_t: Array

    def __call__(self, t: ArrayLike, x: ArrayLike) -> Array:
        """Values at points t, x of equal shape: polynomial in x, cubic Hermite in t."""
        t, x = np.broadcast_arrays(np.asarray(t, float), np.asarray(x, float))
        at_t = self._in_time(t.ravel())
        values: Array = (at_t * chebyshev.interpolation(self.nodes, x.ravel())).sum(-1)
        return values.reshape(t.shape)

    @functools.cached_property
    def _in_time(self) -> CubicHermiteSpline:
        return CubicHermiteSpline(self.times, self.u, self.u_t)


def solve(
    D: float, rho: float, nx: int = 50, nt: int = 50, *, nodes: int = NODES, steps: int = STEPS
) -> Array:
    """The solution on a uniform grid.

    Parameters
    ----------
    D, rho : float
    nx, nt : int
        Intervals of the output grid in x and t; the accuracy does not depend on them.
    nodes, steps : int
        Resolution of the computation.

    Returns
    -------
    ndarray (nt + 1, nx + 1)
        u at t = 0, 1/nt, .., 1 and x = 0, 1/nx, .., 1.
    """
    t, x = np.linspace(0.0, 1.0, nt + 1), np.linspace(0.0, 1.0, nx + 1)
    return on_grid(D, rho, t, x, nodes=nodes, steps=steps)[0]


def on_grid(
    D: ArrayLike,
    rho: ArrayLike,
    t: Array,
    x: Array,
    *,
    nodes: int = NODES,
    steps: int = STEPS,
) -> Array:
    """u at all pairs of increasing times t and positions x, for arrays of parameters.

    Returns
    -------
    ndarray (number of parameters, len(t), len(x))
    """
    times = _graded(np.union1d(0.0, t))
    u = _extrapolated(D, rho, times, nodes, steps).real[np.searchsorted(times, t)]
    at_x = chebyshev.interpolation(chebyshev.nodes(nodes), x) @ u
    return np.ascontiguousarray(np.moveaxis(at_x, -1, 0))


@functools.lru_cache(maxsize=16)
def trajectory(D: float, rho: float, *, nodes: int = NODES, steps: int = STEPS) -> Trajectory:
    """The solution as a smooth function of (t, x), to 1e-7."""
    times = _graded(np.array([0.0, *np.linspace(0.05, 1.0, 96)]), ratio=1.2)
    u = _extrapolated(D, rho, times, nodes, steps)[..., 0].real
    x, laplacian, *_ = _chebyshev(nodes)
    u_t = 0.01 * D * (u @ laplacian.T) + rho * u * (1 - u)
    u_t[1:, [0, -1]] = 0.0  # not at t = 0: the jump there would ring along x
    return Trajectory(times, x, u, u_t)


@dataclass(frozen=True)
class Solution(NumericalSolution):
    """The solution at any (t, x), to 1e-7, with its derivatives by D and rho."""

    D: float
    rho: float

    def __call__(self, t: Array, x: Array) -> Array:
        """u (N,)."""
        return trajectory(self.D, self.rho)(t, x)

    @classmethod
    def together(cls, solutions: Sequence[Self], t: Array, x: Array) -> Array:
        """As one batch (B, N), at the times and positions that the points share."""
        times, row = np.unique(t, return_inverse=True)
        places, column = np.unique(x, return_inverse=True)
        D, rho = [each.D for each in solutions], [each.rho for each in solutions]
        return on_grid(D, rho, times, places)[:, row, column]

    def sensitivities(self, t: Array, x: Array) -> tuple[Array, Array] | None:
        """At points of one time; None at others."""
        if (t != t[0]).any():
            return None
        # a quarter of the time of the full resolution, and 1e-8 as long as 0.2 < D and rho < 5
        u, J = sensitivities(self.D, self.rho, x, t[0], nodes=40, steps=240)
        return u, J.T


def at_time_one(
    D: ArrayLike, rho: ArrayLike, x: ArrayLike, *, nodes: int = NODES, steps: int = STEPS
) -> Array:
    """u(x, 1) for arrays of parameters, shape (number of parameters, number of x)."""
    values = _extrapolated(D, rho, _graded(_FINAL), nodes, steps)[-1]
    return np.asarray(
        (chebyshev.interpolation(chebyshev.nodes(nodes), np.asarray(x, float)) @ values.real).T
    )


def sensitivities(
    D: float, rho: float, x: ArrayLike, t: float = 1.0, *, nodes: int = NODES, steps: int = STEPS
) -> tuple[Array, Array]:
    """u(x, t) at one time and its exact derivatives by D and rho.

    Returns
    -------
    u : ndarray (N,)
    J : ndarray (N, 2)
        du/dD and du/drho.
    """
    ih = 1j * _COMPLEX_STEP
    values = _extrapolated([D + ih, D], [rho, rho + ih], _graded(_FINAL * t), nodes, steps)[-1]
    at_x = chebyshev.interpolation(chebyshev.nodes(nodes), np.asarray(x, float)) @ values
    return at_x[:, 0].real, at_x.imag / _COMPLEX_STEP


def _extrapolated(
    D: ArrayLike, rho: ArrayLike, times: Array, nodes: int, steps: int
) -> NDArray[np.complex128]:
    """Richardson extrapolation of Strang splitting from two step sizes, (K, nodes + 1, B)."""
    coarse, fine = (_strang(D, rho, times, nodes, steps, halvings) for halvings in (1, 2))
    return (4 * fine - coarse) / 3


def _strang(
    D: ArrayLike, rho: ArrayLike, times: Array, nodes: int, steps: int, halvings: int
) -> NDArray[np.complex128]:
    """Half a step of diffusion, a step of growth, half a step of diffusion, (K, nodes + 1, B).

    An interval of `times` is cut into equal steps, `steps` a unit of time or at least four.
    """
    x, _, eigenvalues, V, V_inverse = _chebyshev(nodes)
    D, rho = np.atleast_1d(D), np.atleast_1d(rho)
    u = np.zeros((len(times), nodes + 1, len(D)), np.result_type(D, rho, float))
    u[0] = (0.5 * np.sin(np.pi * x) ** 2)[:, None]
    modes = V_inverse @ u[0, 1:-1]
    for k, interval in enumerate(np.diff(times)):
        n = max(_LEAST, math.ceil(steps * interval)) * halvings
        h = interval / n
        half = np.exp(0.005 * h * np.multiply.outer(eigenvalues, D))
        whole, decay = half * half, np.exp(-rho * h)
        modes = modes * half
        for step in range(n):
            v = V @ modes
            modes = V_inverse @ (v / (v + (1 - v) * decay))
            modes *= whole if step < n - 1 else half
        u[k + 1, 1:-1] = V @ modes
    return u


def _graded(times: Array, ratio: float = 1.5) -> Array:
    """`times` with the first interval cut geometrically towards zero."""
    k = np.arange(math.ceil(math.log(times[1] / _CORNER) / math.log(ratio)), 0, -1)
    return np.concatenate([[0.0], times[1] * ratio**-k, times[1:]])


@functools.cache
def _chebyshev(n: int) -> tuple[Array, Array, Array, Array, Array]:
    """Nodes on [0, 1], d^2/dx^2, and the eigenvalues, V and V^-1 of its interior part."""
    first = chebyshev.derivative(n)
    laplacian = first @ first
    eigenvalues, V = np.linalg.eig(laplacian[1:-1, 1:-1])
    return chebyshev.nodes(n), laplacian, eigenvalues.real, V.real, np.linalg.inv(V.real)
