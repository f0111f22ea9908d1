"""The affine-invariant ensemble sampler: walkers that move along the lines between them.

Goodman and Weare, Comm. Appl. Math. Comput. Sci. 5 (2010) 65.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

LogDensity = Callable[[np.ndarray], np.ndarray]
"""log p (W,), up to a constant, -inf outside the support, of theta (W, n)."""

_STRETCH = 2.0
"""a of the stretch moves: z in [1/a, a]."""


@dataclass(frozen=True)
class Chain:
    """Kept states of all walkers.

    Attributes
    ----------
    theta : ndarray (N, n)
    log_density : ndarray (N,)
    acceptance : float
        Share of the proposals that were taken.
    """

    theta: np.ndarray
    log_density: np.ndarray
    acceptance: float


def sample(
    log_density: LogDensity,
    start: np.ndarray,
    steps: int,
    rng: np.random.Generator,
    *,
    burn_in: float = 0.4,
    thin: int = 5,
) -> Chain:
    """Stretch moves of two halves of an ensemble in turn,

        theta_k' = theta_j + z (theta_k - theta_j),   density of z ~ 1 / sqrt(z) on [1/2, 2],

    theta_j of the other half, taken with probability min(1, z^(n-1) p(theta_k') / p(theta_k)).

    Parameters
    ----------
    log_density : callable
        Called with half an ensemble at a time.
    start : ndarray (W, n)
        W >= 2 n walkers within the support, in general position.
    steps : int
        Moves of each walker.
    rng : numpy.random.Generator
    burn_in : float
        Share of the steps that is thrown away.
    thin : int
        Of the others every so many are kept.

    Raises
    ------
    ValueError
        If there are too few walkers or one starts outside the support.
    """
    walkers = np.array(start, dtype=float)
    count, n = walkers.shape
    values = log_density(walkers)
    if count < 2 * n or not np.isfinite(values).all():
        raise ValueError(f"{count} walkers, not all inside the support or fewer than {2 * n}")
    halves = slice(0, count // 2), slice(count // 2, count)
    kept, taken = [], 0
    for step in range(steps):
        for moving, other in (halves, halves[::-1]):
            here = walkers[moving]
            partner = walkers[other][rng.integers(other.stop - other.start, size=len(here))]
            z = (1.0 + (_STRETCH - 1.0) * rng.random(len(here))) ** 2 / _STRETCH
            there = partner + z[:, None] * (here - partner)
            value = log_density(there)
            ratio = (n - 1) * np.log(z) + value - values[moving]
            accepted = np.log(rng.random(len(here))) < ratio
            walkers[moving] = np.where(accepted[:, None], there, here)
            values[moving] = np.where(accepted, value, values[moving])
            taken += int(accepted.sum())
        if step >= burn_in * steps and step % thin == 0:
            kept.append((walkers.copy(), values.copy()))
    theta, log_p = (np.concatenate(part) for part in zip(*kept, strict=True))
    return Chain(theta, log_p, taken / (steps * count))
