"""Reference solution of a screened Poisson equation with a source confined to a disc: sine series.

    -lap u + k u = f + 1  on the unit square,   u = 0 on the border,
    f = 0 outside of the disc |x - (0.6, 0.5)| < 0.25

f is bilinear on n x n equal cells and zero on the border. Its sine coefficients are known exactly,
one dimension after the other (see `heat`), those of 1 are 16 / (pi^2 i j) for odd i and j, and

    u(x) = sum_ij b_ij / (pi^2 (i^2 + j^2) + k) sin(i pi x1) sin(j pi x2)

is cut after as many modes as asked for, n of them or more. What is left is the error of the
interpolation of f, of second order in 1/n: of the largest u 2.4e-3, 2.9e-4, 7e-5 for 42, 126 and
252 cells. u is linear in f; its derivatives by f and k are exact for the series.

Reference: Strauss 2008, Partial Differential Equations, section 6.2 (series on rectangles).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bilo.solvers import heat

Array = NDArray[np.float64]

CENTRE = (0.6, 0.5)
RADIUS = 0.25
SCREENING = 20.0
"""k of the truth."""
CELLS = 252
MODES = 252
_A_SIDE = 20


def truth(x1: ArrayLike, x2: ArrayLike) -> Array:
    """f = 30 (1 - q^2) (1 + 0.6 q cos 3 phi) inside of the disc, q the radius over 0.25."""
    y1, y2 = np.asarray(x1, float) - CENTRE[0], np.asarray(x2, float) - CENTRE[1]
    q, phi = np.hypot(y1, y2) / RADIUS, np.arctan2(y2, y1)
    return np.where(q < 1, 30 * (1 - q**2) * (1 + 0.6 * q * np.cos(3 * phi)), 0.0)


def nodes(n: int) -> tuple[Array, Array, NDArray[np.bool_]]:
    """x1, x2 and whether inside of the disc, (n + 1, n + 1) each."""
    x = np.linspace(0.0, 1.0, n + 1)
    x1, x2 = np.meshgrid(x, x, indexing="ij")
    return x1, x2, np.hypot(x1 - CENTRE[0], x2 - CENTRE[1]) < RADIUS


def solve(f: ArrayLike, k: float, x1: ArrayLike, x2: ArrayLike, *, modes: int = MODES) -> Array:
    """u at points.

    Parameters
    ----------
    f : array_like (n + 1, n + 1)
        At the nodes, the first index of x1; zero on the border. The disc is not asked for.
    k : float
        Above -2 pi^2, where the operator is singular.
    x1, x2 : array_like (m,)
        Points of the unit square.
    modes : int
        In each direction.

    Returns
    -------
    ndarray (m,)

    Raises
    ------
    ValueError
        If f is not zero on the border, k too small, or a point outside.
    """
    at1, at2 = _sines(x1, modes), _sines(x2, modes)
    return _sampled(_load(f, modes) * _inverse(k, modes), at1, at2)


def jacobian(
    f: ArrayLike, k: float, x1: ArrayLike, x2: ArrayLike, *, modes: int = MODES
) -> tuple[Array, Array, Array]:
    """u at points with its derivatives; arguments and errors as in `solve`.

    Returns
    -------
    u : ndarray (m,)
    by_f : ndarray (m, n + 1, n + 1)
        Zero for the nodes of the border.
    by_k : ndarray (m,)
    """
    at1, at2, inverse = _sines(x1, modes), _sines(x2, modes), _inverse(k, modes)
    b, hats = _load(f, modes), _hats(np.shape(f)[0] - 1, modes)
    by_f = hats @ (inverse * at1[:, :, None] * at2[:, None, :]) @ hats.T
    return _sampled(b * inverse, at1, at2), by_f, -_sampled(b * inverse**2, at1, at2)


def adjoint(
    n: int, k: float, x1: ArrayLike, x2: ArrayLike, c: ArrayLike, *, modes: int = MODES
) -> Array:
    """Gradient by f (n + 1, n + 1) of sum_j c_j u(x_j), for any f: u is linear in it."""
    hats = _hats(n, modes)
    at = (np.asarray(c, float)[:, None] * _sines(x1, modes)).T @ _sines(x2, modes)
    return np.asarray(hats @ (_inverse(k, modes) * at) @ hats.T)


def observe(noise: float, seed: int) -> tuple[Array, Array, Array, float]:
    """u of the truth at 20 x 20 equidistant inner points.

    Parameters
    ----------
    noise : float
        Standard deviation over the largest u at these points.

    Returns
    -------
    x1, x2, values : ndarray (400,)
    sigma : float
        Standard deviation.
    """
    x = np.arange(1, _A_SIDE + 1) / (_A_SIDE + 1)
    x1, x2 = (y.ravel() for y in np.meshgrid(x, x, indexing="ij"))
    u = solve(truth(*nodes(CELLS)[:2]), SCREENING, x1, x2)
    sigma = noise * float(u.max())
    return x1, x2, u + sigma * np.random.default_rng(seed).standard_normal(u.shape), sigma


def _load(f: ArrayLike, modes: int) -> Array:
    """Sine coefficients of f + 1, (modes, modes)."""
    by_x2 = heat.sine_coefficients(f, modes)
    i = np.arange(1, modes + 1)
    of_one = np.where(i % 2 == 1, 4 / (np.pi * i), 0.0)
    return heat.sine_coefficients(by_x2.T, modes).T + np.outer(of_one, of_one)


def _hats(n: int, modes: int) -> Array:
    """Sine coefficients of the hat function of every node, zero for the ends, (n + 1, modes)."""
    return np.pad(heat.sine_coefficients(np.eye(n + 1)[1:-1], modes), ((1, 1), (0, 0)))


def _inverse(k: float, modes: int) -> Array:
    """Of the operator, for every mode."""
    square = (np.pi * np.arange(1, modes + 1)) ** 2
    if not -2 * np.pi**2 < k < np.inf:
        raise ValueError(f"the operator is singular for a k <= -2 pi^2, got {k}")
    return 1 / (np.add.outer(square, square) + k)


def _sines(x: ArrayLike, modes: int) -> Array:
    """Every mode at every point, (m, modes)."""
    x = np.asarray(x, float)
    if not ((x >= 0) & (x <= 1)).all():
        raise ValueError("a point is outside of the unit square")
    return np.sin(np.pi * np.multiply.outer(x, np.arange(1, modes + 1)))


def _sampled(b: Array, at1: Array, at2: Array) -> Array:
    return np.asarray(((at1 @ b) * at2).sum(-1))
