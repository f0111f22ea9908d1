"""Reference solution of the heat equation and its classical inversions: sine series.

    u_t = 0.01 u_xx  on (0, 1) x (0, 1],   u = 0 at the ends,   u(x, 0) = f(x)

f is continuous and piecewise linear on n equal cells, zero at the ends. Its sine coefficients are
known exactly,

    b_k = 2 h sinc^2(k h / 2) sum_j f_j sin(k pi x_j),   h = 1/n,  sinc z = sin(pi z) / (pi z),

for every k (the discrete sine transform alone, without the factor, is that of a trigonometric
polynomial), and

    u(x, t) = sum_k b_k exp(-0.01 (k pi)^2 t) sin(k pi x)

is summed until the decay is below 1e-17: exact to rounding in x and t. A smooth f has the error of
its interpolation, of second order in h.

u is linear in f, so the inverse problem is linear least squares. Two classical answers: Tikhonov's
regularisation, and the truncated series. Positivity of f is not asked for.

Reference: Engl, Hanke and Neubauer 1996, Regularization of Inverse Problems, sections 1.5, 5.1.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bilo.solvers.discretised import Discretised, linear

Array = NDArray[np.float64]

DIFFUSIVITY = 0.01
_DECAYED = 39.2  # exp(-39.2) < 1e-17
_TOGETHER = 512  # modes


def solve(f: ArrayLike, t: ArrayLike, x: ArrayLike) -> Array:
    """u at points (t, x).

    Parameters
    ----------
    f : array_like (..., n + 1)
        Initial values at the nodes 0, 1/n, .., 1; zero at the ends.
    t, x : array_like (m,)
        Times >= 0 and positions in [0, 1]; one of them may be a scalar.

    Returns
    -------
    ndarray (..., m)

    Raises
    ------
    ValueError
        If f is not zero at the ends, or a point is outside of the domain.

    Examples
    --------
    >>> f = np.array([0.0, 1.0, 0.0])
    >>> solve(f, 1.0, [0.0, 0.5]).round(4)
    array([0.    , 0.7743])
    """
    f = _initial(f)
    t, x = _points(t, x)
    u = np.asarray(f @ _interpolation(f.shape[-1] - 1, x).T)
    later = np.flatnonzero(t > 0)
    u[..., later] = 0.0
    highest = np.zeros(len(t), int)
    highest[later] = _modes(t[later])
    b = sine_coefficients(f, highest.max(initial=0))
    # early points need many modes, and there are few of them
    for first in range(1, b.shape[-1] + 1, _TOGETHER):
        k = np.arange(first, min(first + _TOGETHER, b.shape[-1] + 1))
        here = np.flatnonzero(highest >= first)
        u[..., here] += b[..., k - 1] @ (_decay(k, t[here]) * _sines(k, x[here])).T
    return u


def propagator(n: int, t: ArrayLike, x: ArrayLike) -> Array:
    """The matrix K from the n + 1 nodal values of f to u at points (t, x), (m, n + 1).

    The columns of the two ends are zero. At t = 0 K interpolates; otherwise the number of modes is
    20 / sqrt(t) of the smallest time.
    """
    t, x = _points(t, x)
    K = _interpolation(n, x)
    later = t > 0
    if later.any():
        k = np.arange(1, _modes(t[later]).max() + 1)
        K[later] = (_decay(k, t[later]) * _sines(k, x[later])) @ _coefficients(n, k)
    K[:, [0, -1]] = 0.0
    return K


def sine_coefficients(f: ArrayLike, modes: int) -> Array:
    """b_1, .., b_modes of piecewise linear f given by nodal values, (..., modes)."""
    f = _initial(f)
    n, k = f.shape[-1] - 1, np.arange(1, modes + 1)
    # the sines at the nodes repeat themselves after 2 n modes, the factor does not
    period = np.arange(min(modes + 1, 2 * n))
    return np.asarray((f @ _node_sines(n, period).T)[..., k % (2 * n)] * _factor(n, k))


def sine_series(b: ArrayLike, x: ArrayLike) -> Array:
    """sum_k b_k sin(k pi x) for b_1, b_2, .. in the last axis, (..., m)."""
    b = np.asarray(b, float)
    return np.asarray(b @ _sines(np.arange(1, b.shape[-1] + 1), np.asarray(x, float)).T)


def tikhonov(K: ArrayLike, data: ArrayLike, w_reg: float) -> Array:
    """The nodal values of f, zero at the ends, that minimise

        mean (K f - data)^2 + w_reg int_0^1 f'(x)^2 dx

    by orthogonal factors of the stacked system: normal equations would square its condition.

    Parameters
    ----------
    K : array_like (m, n + 1)
        As `propagator` returns it, or any linear observation of the nodal values.
    data : array_like (..., m)
    w_reg : float
        Positive (ValueError).

    Returns
    -------
    ndarray (..., n + 1)
    """
    if not 0 < w_reg < math.inf:
        raise ValueError(f"w_reg must be positive, got {w_reg}; use `truncated` without it")
    K, data = np.asarray(K, float), np.asarray(data, float)
    m, n = len(K), K.shape[1] - 1
    slopes = math.sqrt(n * w_reg) * np.diff(np.eye(n + 1), axis=0)
    system = np.concatenate([K / math.sqrt(m), slopes])[:, 1:-1]
    right = np.zeros((m + n, *data.shape[:-1]))
    right[:m] = np.moveaxis(data, -1, 0) / math.sqrt(m)
    inner = np.linalg.lstsq(system, right.reshape(m + n, -1), rcond=None)[0]
    f = np.zeros((*data.shape[:-1], n + 1))
    f[..., 1:-1] = inner.T.reshape(*data.shape[:-1], n - 1)
    return f


def truncated(data: ArrayLike, t: float, x: ArrayLike, modes: int) -> Array:
    """b_1, .., b_modes of the f whose first modes fit the data at time t in least squares.

    Parameters
    ----------
    data : array_like (..., m)
        u(x, t).
    t : float
    x : array_like (m,)
        Positions that determine the modes, at least as many inside of (0, 1) (ValueError).
    modes : int

    Returns
    -------
    ndarray (..., modes)
        Sine coefficients of f; `sine_series` evaluates them.
    """
    k = np.arange(1, modes + 1)
    data = np.asarray(data, float)
    S = _sines(k, np.asarray(x, float))
    # the amplitudes at time t are well determined; only then are they divided by their decay
    late, _, rank, _ = np.linalg.lstsq(S, data.reshape(-1, data.shape[-1]).T, rcond=1e-10)
    if rank < modes:
        raise ValueError(f"{len(S)} positions do not determine {modes} sine modes")
    return np.asarray((late.T / _decay(k, np.array([t]))).reshape(*data.shape[:-1], modes))


def truncation_error(f: ArrayLike, odd_modes: int) -> tuple[float, float]:
    """What a symmetric f loses when cut after its sine modes 1, 3, .., 2 odd_modes - 1.

    Parameters
    ----------
    f : array_like (n + 1,)
        Nodal values, symmetric about x = 1/2 (ValueError), so that the even modes are zero.
    odd_modes : int

    Returns
    -------
    maximum, mean_square : float
        Over 1001 equidistant points.
    """
    f = _initial(f)
    if not np.allclose(f, f[::-1], rtol=0.0, atol=1e-12 * np.abs(f).max()):
        raise ValueError("f is not symmetric about x = 1/2: its even modes are not zero")
    x = np.linspace(0.0, 1.0, 1001)
    error = solve(f, 0.0, x) - sine_series(sine_coefficients(f, 2 * odd_modes - 1), x)
    return float(np.abs(error).max()), float((error**2).mean())


def _initial(f: ArrayLike) -> Array:
    f = np.asarray(f, float)
    if f[..., [0, -1]].any():
        raise ValueError("the initial values f must be zero at both ends")
    return f


def _coefficients(n: int, k: NDArray[np.int_]) -> Array:
    """From nodal values to the sine coefficients b_k, (modes, n + 1)."""
    return np.asarray(_factor(n, k)[:, None] * _node_sines(n, k))


def _factor(n: int, k: NDArray[np.int_]) -> Array:
    """2 h sinc^2(k h / 2), (modes,)."""
    return np.asarray(2 / n * np.sinc(k / (2 * n)) ** 2)


def _node_sines(n: int, k: NDArray[np.int_]) -> Array:
    """sin(k pi x_j) at the nodes, (modes, n + 1)."""
    # k j modulo 2 n keeps the argument small: sin(pi z) loses digits for a large z
    return np.asarray(np.sin(np.pi / n * (np.multiply.outer(k, np.arange(n + 1)) % (2 * n))))


def _points(t: ArrayLike, x: ArrayLike) -> tuple[Array, Array]:
    """Points as arrays (m,) each."""
    t, x = np.broadcast_arrays(np.atleast_1d(np.asarray(t, float)), np.asarray(x, float))
    if not ((t >= 0) & (t < np.inf) & (x >= 0) & (x <= 1)).all():
        raise ValueError("a point is outside of t >= 0, 0 <= x <= 1")
    return t, x


def _interpolation(n: int, x: Array) -> Array:
    """Linear interpolation between n + 1 nodes, (m, n + 1)."""
    return np.asarray(np.maximum(0.0, 1.0 - np.abs(n * x[:, None] - np.arange(n + 1))))


def _modes(t: Array) -> NDArray[np.int_]:
    """Modes that have not decayed at times t > 0, (m,)."""
    return np.ceil(np.sqrt(_DECAYED / (DIFFUSIVITY * np.pi**2 * t))).astype(int)


def _sines(k: NDArray[np.int_], x: Array) -> Array:
    return np.asarray(np.sin(np.pi * np.multiply.outer(x, k)))


def _decay(k: NDArray[np.int_], t: Array) -> Array:
    return np.asarray(np.exp(-DIFFUSIVITY * np.pi**2 * np.multiply.outer(t, k**2)))


NODAL = 100
"""Cells of classical methods."""


def discretised(t: NDArray[np.float64], x: NDArray[np.float64]) -> Discretised:
    """u at points by f >= 0 at 101 nodes, zero at the ends: u = K f."""
    low, high = np.zeros(NODAL + 1), np.full(NODAL + 1, np.inf)
    high[[0, -1]] = 0.0
    return linear(propagator(NODAL, t, x), low, high)
