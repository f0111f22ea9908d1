"""Explicit time steps for a growing tumour: Heun, and Runge-Kutta-Chebyshev of many stages."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache

import numpy as np
from numpy.polynomial.chebyshev import Chebyshev

Rate = Callable[[np.ndarray], np.ndarray]
"""du/ds of a density, as a new array of its shape."""
Step = Callable[[Rate, np.ndarray, float], None]
"""Advances a density by ds in place."""

_DAMPING = 2.0 / 13.0
_BLOCK = 2**15
"""Cells that are worked on together: as many as stay in the processor's cache."""


def blocks(u: np.ndarray) -> Iterator[slice]:
    """Parts of an array along its first axis, small enough for the cache."""
    thickness = max(1, _BLOCK * len(u) // u.size)
    for start in range(0, len(u), thickness):
        yield slice(start, min(start + thickness, len(u)))


def heun(rate: Rate, u: np.ndarray, ds: float) -> None:
    """One step of Heun's method: order 2, stable where ds times the spectral radius is below 2."""
    slope = rate(u)
    slope += rate(u + ds * slope)
    slope *= 0.5 * ds
    u += slope


def chebyshev(stages: int) -> Step:
    r"""Steps of the Runge-Kutta-Chebyshev method of order 2.

    Its stable interval on the negative axis, `stable_interval`, grows with the square of the
    number of stages: diffusion on fine cells costs few evaluations. Negative rounding errors, which
    the logistic growth would blow up, are set to zero after the step.

    Source: Sommeijer, Shampine and Verwer 1998, J. Comput. Appl. Math. 88:315, equations (2.1-2).

    Parameters
    ----------
    stages : int
        Evaluations of the rate in a step, at least 2.
    """
    first, recursion = _coefficients(stages)

    def step(rate: Rate, u: np.ndarray, ds: float) -> None:
        slope = rate(u)
        before, now = u.copy(), u + first * ds * slope
        for own, mu, nu, fresh, old in recursion:
            change = rate(now)
            terms = ((own, u), (mu, now), (old * ds, slope))
            for rows in blocks(u):
                change[rows] *= fresh * ds
                before[rows] *= nu
                change[rows] += before[rows]
                for weight, known in terms:
                    np.multiply(known[rows], weight, out=before[rows])
                    change[rows] += before[rows]
            before, now = now, change
        np.maximum(now, 0.0, out=u)

    return step


def stable_interval(stages: int) -> float:
    """Length of the interval of the negative axis in which `chebyshev` steps are stable."""
    return 2.0 / 3.0 * (stages**2 - 1) * (1.0 - 2.0 / 15.0 * _DAMPING)


@cache
def _coefficients(s: int) -> tuple[float, tuple[tuple[float, ...], ...]]:
    """Weight of the first stage; of u, Y_(j-1), Y_(j-2), F_(j-1) and F_0 in those after it."""
    w0 = 1.0 + _DAMPING / s**2
    bases = [Chebyshev.basis(j) for j in range(s + 1)]
    t, d, dd = (np.array([p.deriv(m)(w0) if m else p(w0) for p in bases]) for m in range(3))
    w1 = d[s] / dd[s]
    b = np.empty(s + 1)
    b[2:] = dd[2:] / d[2:] ** 2
    b[:2] = b[2]
    recursion = []
    for j in range(2, s + 1):
        mu, nu = 2.0 * b[j] * w0 / b[j - 1], -b[j] / b[j - 2]
        fresh = 2.0 * b[j] * w1 / b[j - 1]
        old = -(1.0 - b[j - 1] * t[j - 1]) * fresh
        recursion.append(tuple(map(float, (1.0 - mu - nu, mu, nu, fresh, old))))
    return float(b[1] * w1), tuple(recursion)
