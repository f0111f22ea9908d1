"""How errors of an outline hang together: a sum of two Matern functions of the distance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_SHARES = ((0.6, 5.0), (0.4, 20.0))
"""Weight and length (mm) of each part: single slips, and a hand that draws too large all around."""


def matern32(distance: np.ndarray, length: float) -> np.ndarray:
    """M(d; L) = (1 + q) exp(-q), q = sqrt(3) d / L.

    >>> float(matern32(np.zeros(1), 5.0)[0])
    1.0
    """
    q = np.sqrt(3.0) * distance / length
    return np.asarray((1.0 + q) * np.exp(-q))


def correlation(points: np.ndarray) -> np.ndarray:
    """K = 0.6 M(|p_i - p_j|; 5 mm) + 0.4 M(|p_i - p_j|; 20 mm) of points (m, d): (m, m)."""
    distance = np.linalg.norm(points[:, None] - points[None], axis=-1)
    return np.asarray(sum(share * matern32(distance, length) for share, length in _SHARES))


@dataclass(frozen=True)
class Whitening:
    """K = V diag(k) V': errors of covariance b^2 K + nu^2 I are independent in y = V' delta,

    with variances b^2 k + nu^2, whatever b and nu.

    Attributes
    ----------
    k : ndarray (m,)
    V : ndarray (m, m)
    """

    k: np.ndarray
    V: np.ndarray

    @classmethod
    def of(cls, points: np.ndarray) -> Whitening:
        """The eigenvectors of K of points (m, d)."""
        k, V = np.linalg.eigh(correlation(points))
        return cls(np.maximum(k, 0.0), V)
