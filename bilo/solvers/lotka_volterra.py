"""Reference solution of the Lotka-Volterra equations and its sensitivities.

    x' = a x - b x y,   y' = d x y - c y   on (0, 20],   (x, y) = (4, 2) at t = 0

By the Runge-Kutta pair of order 8 (5, 3) with its dense output of order 7, together with the
variational equations of s = d(x, y)/d(a, b, c, d),

    s' = F_u s + F_theta,   s(0) = 0.

The tolerance is relative to each component, so that small populations, which prey and predator
both pass through, keep their digits. u and s are good to 1e-9 of their size near the truth.

References: Hairer, Norsett and Wanner 1993, Solving Ordinary Differential Equations I, sections
I.14 (variational equations) and II.5.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.integrate import solve_ivp

Array = NDArray[np.float64]

TRUTH = (1.3, 0.43, 0.38, 0.10)
"""a, b, c, d."""
INITIAL = (4.0, 2.0)
END = 20.0
TIMES = 40
_TOLERANCE = 1e-11


def solve(theta: ArrayLike, t: ArrayLike) -> Array:
    """Both populations at times t.

    Parameters
    ----------
    theta : array_like (4,)
        a, b, c, d.
    t : array_like (m,)
        Times >= 0, in any order.

    Returns
    -------
    ndarray (m, 2)

    Raises
    ------
    ValueError
        If theta or t is not finite, a time is negative, or the populations grow out of bounds.
    """
    return _integrated(theta, t, INITIAL)


def sensitivities(theta: ArrayLike, t: ArrayLike) -> tuple[Array, Array]:
    """Both populations and their derivatives by a, b, c, d; arguments and errors as in `solve`.

    Returns
    -------
    u : ndarray (m, 2)
    J : ndarray (m, 2, 4)
    """
    states = _integrated(theta, t, (*INITIAL, *np.zeros(8)))
    return states[:, :2], states[:, 2:].reshape(-1, 2, 4)


def invariant(theta: ArrayLike, u: ArrayLike) -> Array:
    """d x - c ln x + b y - a ln y, constant along a solution u (..., 2)."""
    a, b, c, d = np.asarray(theta, float)
    x, y = np.moveaxis(np.asarray(u, float), -1, 0)
    return np.asarray(d * x - c * np.log(x) + b * y - a * np.log(y))


def observe(noise: float, seed: int) -> tuple[Array, Array, Array]:
    """Both populations of the truth at 40 equidistant times, the last one 20.

    Parameters
    ----------
    noise : float
        Standard deviation over the mean of a population over these times.

    Returns
    -------
    t : ndarray (40,)
    values : ndarray (40, 2)
    sigma : ndarray (2,)
        Standard deviations.
    """
    t = np.linspace(0.0, END, TIMES + 1)[1:]
    u = solve(TRUTH, t)
    sigma: Array = noise * u.mean(0)
    values: Array = u + sigma * np.random.default_rng(seed).standard_normal(u.shape)
    return t, values, sigma


def _integrated(theta: ArrayLike, t: ArrayLike, initial: tuple[float, ...]) -> Array:
    """States (m, 2), or (m, 10) with the variational equations."""
    theta, t = np.asarray(theta, float), np.asarray(t, float)
    if not (np.isfinite(theta).all() and ((t >= 0) & (t < np.inf)).all()):
        raise ValueError("a, b, c, d must be finite, and times not negative")
    a, b, c, d = theta

    def rates(_: float, state: Array) -> Array:
        x, y = state[:2]
        u_t = np.array([a * x - b * x * y, d * x * y - c * y])
        if len(state) == 2:
            return u_t
        by_state = np.array([[a - b * y, -b * x], [d * y, d * x - c]])
        by_theta = np.array([[x, -x * y, 0.0, 0.0], [0.0, 0.0, -y, x * y]])
        s_t = by_state @ state[2:].reshape(2, 4) + by_theta
        return np.concatenate([u_t, s_t.ravel()])

    # sensitivities pass through zero: there their error is absolute
    least = np.where(np.arange(len(initial)) < 2, 1e-3, 1.0) * _TOLERANCE
    with np.errstate(over="raise", invalid="raise"):
        try:
            found = solve_ivp(
                rates, (0.0, max(t.max(), 1e-9)), initial, method="DOP853",
                dense_output=True, rtol=_TOLERANCE, atol=least,
            )  # fmt: skip
        except FloatingPointError:
            found = None
    if found is None or found.sol is None or not found.success:
        raise ValueError(f"no solution for a, b, c, d = {theta}")
    return np.asarray(found.sol(t).T)
