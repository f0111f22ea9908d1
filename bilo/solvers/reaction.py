"""Reference solution of a reaction-diffusion equation whose reaction is given by nodal values.

    u_t = 0.01 u_xx + r(u)  on (0, 1) x (0, 1],   u_x = 0 at the ends,
    u(x, 0) = 0.05 + 0.9 sin^2(pi x)

r is the cubic spline through nodal values r_1, .., r_K, linear beyond its outermost nodes; it is
linear in the nodal values, r(u) = B(u) r. Space: values at n + 1 equidistant points, differentiated
through the cosine series between them, of which every term has no flux at the ends. Time: the
classical Runge-Kutta method of order 4 at equal steps, and cubic Hermite interpolation between
them by u and u_t. For the truth, a cubic that the spline holds exactly, u is good to 1e-9.

The discrete solution is what is differentiated: `jacobian` carries du/dr along,

    v_t = 0.01 v_xx + r'(u) v + B(u),   v(x, 0) = 0,

by the same steps, and `pullback` goes back through them. Both are exact to rounding.

References: Hairer, Norsett and Wanner 1993, Solving Ordinary Differential Equations I, sections
II.1 and II.6; Trefethen 2000, Spectral Methods in MATLAB, ch. 8 (cosine series).
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bilo.solvers.spline import Spline, basis

Array = NDArray[np.float64]

DIFFUSIVITY = 0.01
CELLS = 64
STEPS = 200
"""Stable for 64 cells: the fastest mode decays at the rate 404, and 2.7 steps is the bound."""
_POSITIONS, _TIMES = 51, 11


def initial(x: ArrayLike) -> Array:
    """u(x, 0)."""
    return np.asarray(0.05 + 0.9 * np.sin(np.pi * np.asarray(x, float)) ** 2)


def truth(u: ArrayLike) -> Array:
    """r(u) = 6 u (1 - u) (u - 0.3)."""
    u = np.asarray(u, float)
    return 6 * u * (1 - u) * (u - 0.3)


def solve(
    r: Callable[[Array], Array],
    t: ArrayLike,
    x: ArrayLike,
    *,
    cells: int = CELLS,
    steps: int = STEPS,
) -> Array:
    """u at points (t, x).

    Parameters
    ----------
    r : callable
        The reaction, a `Spline` or any function of an array of u.
    t, x : array_like (m,)
        Points of [0, 1] x [0, 1].
    cells, steps : int
        Resolution; more cells ask for more steps (4e-2 cells^2 at least).

    Returns
    -------
    ndarray (m,)

    Raises
    ------
    ValueError
        If a point is outside, the steps are too few to be stable, or u grows out of bounds.
    """
    return solution(r, cells=cells, steps=steps)(t, x)


def solution(
    r: Callable[[Array], Array], *, cells: int = CELLS, steps: int = STEPS
) -> Callable[[ArrayLike, ArrayLike], Array]:
    """u as a function of points (t, x), as `solve` gives it; solved once, at the first call."""

    @functools.cache
    def path() -> _Path:
        return _path(lambda w: _spread(cells) @ w + r(w), initial(_grid(cells)), steps)

    return lambda t, x: _Sampling(t, x, cells, steps)(path())


def jacobian(
    nodes: ArrayLike, r: ArrayLike, t: ArrayLike, x: ArrayLike, *, steps: int = STEPS
) -> tuple[Array, Array]:
    """u at points and its derivatives by the nodal values of r.

    Parameters
    ----------
    nodes, r : array_like (K,)
        Values of u, and r there.

    Returns
    -------
    u : ndarray (m,)
    J : ndarray (m, K)
    """
    B, at = basis(nodes), _Sampling(t, x, CELLS, steps)
    spline, L = Spline(B.nodes, np.asarray(r, float)), _spread(CELLS)

    def rate(w: Array) -> Array:
        change, u = L @ w, w[:, 0]
        change[:, 0] += spline(u)
        change[:, 1:] += spline.slope(u)[:, None] * w[:, 1:] + B(u)
        return change

    start = np.zeros((CELLS + 1, 1 + len(B.nodes)))
    start[:, 0] = initial(_grid(CELLS))
    sampled = at(_path(rate, start, steps))
    return sampled[:, 0], sampled[:, 1:]


def pullback(
    nodes: ArrayLike, r: ArrayLike, t: ArrayLike, x: ArrayLike, *, steps: int = STEPS
) -> tuple[Array, Callable[[ArrayLike], Array]]:
    """u at points, and the map from cotangents of it (m,) to gradients by r (K,)."""
    B, at = basis(nodes), _Sampling(t, x, CELLS, steps)
    spline, L, h = Spline(B.nodes, np.asarray(r, float)), _spread(CELLS), 1 / steps
    path = _path(lambda w: L @ w + spline(w), initial(_grid(CELLS)), steps)
    slopes = spline.slope(path.stages)

    def pull(cotangent: ArrayLike) -> Array:
        by_u, by_rate = at.transposed(np.asarray(cotangent, float))
        by_stage = np.zeros_like(path.stages)  # cotangents of the four rates of every step
        p = np.zeros(CELLS + 1)
        for n in range(steps, -1, -1):
            k, s = by_stage[n], slopes[n]
            before = p + by_u[n]
            if n < steps:
                k[:] = h / 6 * np.outer([1.0, 2.0, 2.0, 1.0], p)
                for stage, share in ((3, h), (2, h / 2), (1, h / 2)):
                    back = k[stage] @ L + s[stage] * k[stage]
                    k[stage - 1] += share * back
                    before += back
            k[0] += by_rate[n]
            p = before + k[0] @ L + s[0] * k[0]
        return np.asarray(by_stage.ravel() @ B(path.stages.ravel()))

    return at(path), pull


def observe(noise: float, seed: int) -> tuple[Array, Array, Array]:
    """t, x and u of the truth with Gaussian noise at 11 x 51 equidistant points, (561,) each."""
    at = np.meshgrid(np.linspace(0, 1, _TIMES), np.linspace(0, 1, _POSITIONS), indexing="ij")
    t, x = (coordinate.ravel() for coordinate in at)
    u = solve(truth, t, x)
    return t, x, u + noise * np.random.default_rng(seed).standard_normal(u.shape)


def seen() -> tuple[float, float]:
    """The least and the largest u of the truth at the points of `observe`."""
    u = observe(0.0, 0)[2]
    return float(u.min()), float(u.max())


@dataclass(frozen=True)
class _Path:
    """Steps and their stages, (steps + 1, 4, n + 1, ...); a stage of the last step is u itself.

    `rates` are those of the first stages, u_t at the steps.
    """

    stages: Array
    rates: Array


def _path(rate: Callable[[Array], Array], start: Array, steps: int) -> _Path:
    h = 1 / steps
    stages = np.empty((steps + 1, 4, *start.shape))
    rates = np.empty((steps + 1, *start.shape))
    w = np.asarray(start, float)
    try:
        with np.errstate(over="raise", invalid="raise"):
            for stage, first in zip(stages, rates, strict=True):
                stage[0], first[...] = w, rate(w)
                stage[1] = w + h / 2 * first
                second = rate(stage[1])
                stage[2] = w + h / 2 * second
                third = rate(stage[2])
                stage[3] = w + h * third
                w = w + h / 6 * (first + 2 * second + 2 * third + rate(stage[3]))
    except FloatingPointError as error:
        raise ValueError("the reaction drives u out of bounds") from error
    return _Path(stages, rates)


class _Sampling:
    """From a path to points (t, x): the cosine series in x, cubic Hermite in t."""

    def __init__(self, t: ArrayLike, x: ArrayLike, cells: int, steps: int) -> None:
        t, x = np.broadcast_arrays(np.asarray(t, float), np.asarray(x, float))
        if not ((t >= 0) & (t <= 1) & (x >= 0) & (x <= 1)).all():
            raise ValueError("a point is outside of [0, 1] x [0, 1]")
        if DIFFUSIVITY * (cells * np.pi) ** 2 > 2.7 * steps:
            raise ValueError(f"{steps} steps are unstable for {cells} cells")
        self._steps = steps
        self._first = np.minimum((t * steps).astype(int), steps - 1)
        s = t * steps - self._first
        self._value = (1 - s) ** 2 * (1 + 2 * s), s**2 * (3 - 2 * s)
        self._rate = s * (1 - s) ** 2 / steps, s**2 * (s - 1) / steps
        cosines = np.cos(np.pi * np.multiply.outer(x, np.arange(cells + 1)))
        self._in_space = cosines @ _cosine_coefficients(cells)

    def __call__(self, path: _Path) -> Array:
        sampled = 0.0
        for end in (0, 1):
            n = self._first + end
            for weight, of in (
                (self._value[end], path.stages[:, 0]),
                (self._rate[end], path.rates),
            ):
                at_x = np.einsum("mj,mj...->m...", weight[:, None] * self._in_space, of[n])
                sampled = sampled + at_x
        return np.asarray(sampled)

    def transposed(self, c: Array) -> tuple[Array, Array]:
        """Cotangents of the steps and of their rates, (steps + 1, n + 1) each."""
        found = []
        for weights in (self._value, self._rate):
            total = np.zeros((self._steps + 1, self._in_space.shape[1]))
            for end in (0, 1):
                row = (weights[end] * c)[:, None] * self._in_space
                np.add.at(total, self._first + end, row)
            found.append(total)
        return found[0], found[1]


def _grid(cells: int) -> Array:
    return np.linspace(0.0, 1.0, cells + 1)


@functools.cache
def _cosine_coefficients(cells: int) -> Array:
    """From values at the grid to the coefficients of cos(k pi x), k = 0, .., cells."""
    halved = np.ones(cells + 1)
    halved[[0, -1]] = 0.5
    k = np.arange(cells + 1)
    return 2 / cells * np.outer(halved, halved) * np.cos(np.pi / cells * np.outer(k, k))


@functools.cache
def _spread(cells: int) -> Array:
    """L: the diffusivity times the second derivative of the cosine series at the grid."""
    k = np.arange(cells + 1)
    cosines = np.cos(np.pi / cells * np.outer(k, k))
    L: Array = (cosines * (-DIFFUSIVITY * (np.pi * k) ** 2)) @ _cosine_coefficients(cells)
    return L
