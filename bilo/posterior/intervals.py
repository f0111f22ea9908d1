"""What weighted samples say of a number: quantiles, median, standard deviation, interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

TAILS = (0.05, 0.5, 0.95)
"""Lower end, middle and upper end of a 90 % interval."""


def weighted_quantiles(
    values: np.ndarray, weights: np.ndarray, q: Sequence[float] = TAILS
) -> np.ndarray:
    """Quantiles along the first axis, linear between samples placed at their middle weights.

    Sorted, sample i has the cumulative weight c_i = w_1 + .. + w_i - w_i / 2 (Hazen's rule).

    Parameters
    ----------
    values : ndarray (N, ...)
    weights : ndarray (N,)
        Normalised.
    q : sequence of float
        In [0, 1].

    Returns
    -------
    ndarray (len(q), ...)

    >>> weighted_quantiles(np.array([3.0, 1.0, 2.0]), np.full(3, 1 / 3), [0.5]).tolist()
    [2.0]
    """
    order = np.argsort(values, axis=0)
    ordered = np.take_along_axis(values, order, axis=0)
    w = weights[order]
    c = np.cumsum(w, axis=0) - 0.5 * w
    found = []
    for p in q:
        above = np.clip((c < p).sum(axis=0), 1, len(c) - 1)[None]
        (c0, c1), (v0, v1) = (
            [np.take_along_axis(a, at, axis=0)[0] for at in (above - 1, above)]
            for a in (c, ordered)
        )
        share = np.clip((p - c0) / np.where(c1 > c0, c1 - c0, 1.0), 0.0, 1.0)
        found.append(v0 + share * (v1 - v0))
    return np.array(found)


def stretched(values: np.ndarray, weights: np.ndarray, sd_between: float) -> np.ndarray:
    """Samples (N,) widened about their median to the variance sd^2 + sd_between^2.

    What repeated measurements scatter by, beyond what one of them knows of itself.

    >>> stretched(np.array([-1.0, 0.0, 1.0]), np.full(3, 1 / 3), np.sqrt(2.0)).round(9).tolist()
    [-2.0, 0.0, 2.0]
    """
    summary = Summary.of(values, weights)
    total = np.hypot(summary.sd, sd_between)
    return np.asarray(summary.median + (values - summary.median) * total / summary.sd)


@dataclass(frozen=True)
class Summary:
    """Median, standard deviation and 90 % interval (5 and 95 %) of a number."""

    median: float
    sd: float
    interval90: tuple[float, float]

    def covers(self, value: float) -> bool:
        """Whether a value lies in the interval."""
        return self.interval90[0] <= value <= self.interval90[1]

    @classmethod
    def of(cls, values: np.ndarray, weights: np.ndarray) -> Summary:
        """Of samples (N,) with normalised weights (N,)."""
        low, median, high = weighted_quantiles(values, weights)
        mean = weights @ values
        sd = float(np.sqrt(weights @ (values - mean) ** 2))
        return cls(float(median), sd, (float(low), float(high)))
