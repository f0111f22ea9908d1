"""Reference solution of a diffusion equation with two unknown functions: linear finite elements.

    -(a u')' + b u = g_s  on (0, 1),   u = 0 at both ends,   s = 1, 2,
    g_1 = 10,   g_2 = 20 sin(3 pi x)

a, b and u are continuous and piecewise linear on n equal cells of width h = 1/n, so that the
matrix is exact; with a and b at the two nodes of a cell it is

    (a_0 + a_1) / (2 h) [1 -1; -1 1]  +  h / 12 [3 b_0 + b_1, b_0 + b_1; b_0 + b_1, b_0 + 3 b_1].

Loads are integrated by Gauss points. The error is of second order in h, 4e-5 of the largest u for
100 cells. The discrete solution is what is differentiated: `jacobian` and `adjoint` are exact.

Reference: Strang and Fix 1973, An Analysis of the Finite Element Method, ch. 1.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import solveh_banded

from bilo.solvers import poisson
from bilo.solvers.interpolation import interpolation

Array = NDArray[np.float64]

_CELLS_OF_DATA = 2000
_POINTS = 49


def true_a(x: ArrayLike) -> Array:
    """1 + 0.5 sin(2 pi x)."""
    return np.asarray(1 + 0.5 * np.sin(2 * np.pi * np.asarray(x, float)))


def true_b(x: ArrayLike) -> Array:
    """4 + 2 cos(3 pi x)."""
    return np.asarray(4 + 2 * np.cos(3 * np.pi * np.asarray(x, float)))


def loads(n: int) -> Array:
    """Integrals of both g times the hat functions of the inner nodes, (2, n - 1)."""
    first = poisson.load(n, lambda x: np.full_like(x, 10.0))
    return np.stack([first, poisson.load(n, lambda x: 20 * np.sin(3 * np.pi * x))])


def solve(a: ArrayLike, b: ArrayLike) -> Array:
    """Both finite element solutions.

    Parameters
    ----------
    a, b : array_like (n + 1,)
        At the nodes 0, 1/n, .., 1; a positive, and b not so negative that the matrix is not.

    Returns
    -------
    ndarray (2, n + 1)
        u at the nodes; `interpolation.interpolate` takes it elsewhere.

    Raises
    ------
    ValueError
        If a is not positive, or the matrix is not positive definite.
    """
    a, b = _checked(a, b)
    return _solved(a, b, loads(len(a) - 1))


def adjoint(a: ArrayLike, b: ArrayLike, u: ArrayLike, c: ArrayLike) -> tuple[Array, Array]:
    """Gradients by a and b of sum_i c_i u_i, for the solution u of any load.

        A p = c,   dJ/da_i = -p^T (dA/da_i) u

    Parameters
    ----------
    u, c : array_like (..., n + 1)
        Their shapes broadcast; c at the two ends has no effect.

    Returns
    -------
    by_a, by_b : ndarray (..., n + 1)
    """
    a, b = _checked(a, b)
    u, n = np.asarray(u, float), len(a) - 1
    p = _solved(a, b, np.asarray(c, float)[..., 1:-1])
    by_a = -np.diff(p) * np.diff(u) * n / 2
    left, right = p[..., :-1] * u[..., :-1], p[..., 1:] * u[..., 1:]
    mixed = p[..., :-1] * u[..., 1:] + p[..., 1:] * u[..., :-1]
    by_b0, by_b1 = ((3 * left + right + mixed), (left + 3 * right + mixed))
    return _gathered(by_a, by_a), _gathered(-by_b0 / (12 * n), -by_b1 / (12 * n))


def jacobian(a: ArrayLike, b: ArrayLike, x: ArrayLike) -> tuple[Array, Array, Array]:
    """Both u at points and their derivatives by the nodal values.

    Parameters
    ----------
    a, b : array_like (n + 1,)
    x : array_like (m,)

    Returns
    -------
    u : ndarray (2, m)
    by_a, by_b : ndarray (2, m, n + 1)
    """
    u = solve(a, b)
    C = interpolation(u.shape[-1] - 1, x)
    by_a, by_b = adjoint(a, b, u[:, None, :], C)
    return u @ C.T, by_a, by_b


def observe(noise: float, seed: int) -> tuple[Array, Array]:
    """x (49,) and both u of the truth there with Gaussian noise, (2, 49); equidistant inside."""
    nodes = np.linspace(0.0, 1.0, _CELLS_OF_DATA + 1)
    x = np.arange(1, _POINTS + 1) / (_POINTS + 1)
    u = solve(true_a(nodes), true_b(nodes)) @ interpolation(_CELLS_OF_DATA, x).T
    return x, u + noise * np.random.default_rng(seed).standard_normal(u.shape)


def _checked(a: ArrayLike, b: ArrayLike) -> tuple[Array, Array]:
    a, b = np.asarray(a, float), np.asarray(b, float)
    if a.shape != b.shape or not ((a > 0) & (a < np.inf) & np.isfinite(b)).all():
        raise ValueError("a must be positive, and a and b finite at the same nodes")
    return a, b


def _solved(a: Array, b: Array, right: Array) -> Array:
    """A u = right (..., n - 1) with u = 0 at the ends, (..., n + 1)."""
    n = len(a) - 1
    stiffness, mass = (a[:-1] + a[1:]) * n / 2, 1 / (12 * n)
    before = stiffness + mass * (3 * b[:-1] + b[1:])  # of a cell's first node
    after = stiffness + mass * (b[:-1] + 3 * b[1:])
    banded = np.zeros((2, n - 1))
    banded[1] = after[:-1] + before[1:]
    banded[0, 1:] = (mass * (b[:-1] + b[1:]) - stiffness)[1:-1]
    columns = right.reshape(-1, n - 1).T
    try:
        u = solveh_banded(banded, columns).T.reshape(right.shape)
    except np.linalg.LinAlgError as error:
        raise ValueError("b is so negative that the matrix is not positive definite") from error
    return np.pad(u, [(0, 0)] * (u.ndim - 1) + [(1, 1)])


def _gathered(first: Array, second: Array) -> Array:
    """Contributions (..., n) of the cells to their first and their second node, (..., n + 1)."""
    still = [(0, 0)] * (first.ndim - 1)
    return np.asarray(np.pad(first, [*still, (0, 1)]) + np.pad(second, [*still, (1, 0)]))
