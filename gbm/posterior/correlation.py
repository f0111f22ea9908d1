"""How errors of the outlines hang together: a sum of two Matern functions of the distance.

An error is that of one field for all outlines and of one for each by itself,

    error_r(x) = sqrt(c) common(x) + sqrt(1 - c) own_r(x),

all with the same correlation of two points: what a reader takes for tumour, and where an edge is
blurred, moves either outline, and the hand slips along each anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.spatial.distance import cdist

_SHARES = ((0.6, 5.0), (0.4, 20.0))
"""Weight and length (mm) of each part: single slips, and a hand that draws too large all around."""

SHARED = 0.6
"""c, the part of the variance that is common: much less, and outlines that are displaced together
leave the origin too narrow; much more, and the gap between independent ones is told too well."""

_ROWS = 256


def matern32(distance: np.ndarray, length: float) -> np.ndarray:
    """M(d; L) = (1 + q) exp(-q), q = sqrt(3) d / L.

    >>> float(matern32(np.zeros(1), 5.0)[0])
    1.0
    """
    q = np.sqrt(3.0) * distance / length
    return np.asarray((1.0 + q) * np.exp(-q))


def correlation(points: np.ndarray, outline: np.ndarray, rows: slice = slice(None)) -> np.ndarray:
    """K_ij = (1 within an outline, c between two) (0.6 M(d_ij; 5 mm) + 0.4 M(d_ij; 20 mm)).

    Positive semidefinite: a product, entry by entry, of two matrices that are (Schur).

    Parameters
    ----------
    points : ndarray (m, d)
        mm.
    outline : ndarray (m,)
        Which one each point is of.
    rows : slice
        Those i alone.
    """
    distance = cdist(points[rows], points)
    along = sum(share * matern32(distance, length) for share, length in _SHARES)
    return np.asarray(np.where(outline[rows, None] == outline, 1.0, SHARED) * along)


def _few_rows(m: int) -> Iterator[slice]:
    """All rows a few at a time: thousands of points around a tumour need no second matrix."""
    return (slice(first, first + _ROWS) for first in range(0, m, _ROWS))


def shares(points: np.ndarray, outline: np.ndarray) -> np.ndarray:
    """What each point (m,) counts for: w_i = 1 / sum_j K_ij, so that n in one place are one.

    The mean of n errors with the correlation r has the variance of n / (1 + (n - 1) r) independent
    ones (Kish, Survey Sampling, 1965, 8.2), here point by point. In space a thousand points around
    a tumour count for ten.
    """
    sums = [correlation(points, outline, rows).sum(axis=1) for rows in _few_rows(len(points))]
    return np.asarray(1.0 / np.concatenate([np.zeros(0), *sums]))


@dataclass(frozen=True)
class Whitening:
    """K = V diag(k) V': errors of covariance K + nu^2 I are independent in V' delta,

    with variances k + nu^2, whatever nu.

    Attributes
    ----------
    k : ndarray (m,)
    V : ndarray (m, m)
    """

    k: np.ndarray
    V: np.ndarray

    @classmethod
    def of(cls, points: np.ndarray, outline: np.ndarray) -> Whitening:
        """The eigenvectors of K, see `correlation`."""
        K = np.empty((len(points), len(points)))
        for rows in _few_rows(len(points)):
            K[rows] = correlation(points, outline, rows)
        k, V = np.linalg.eigh(K)
        return cls(np.maximum(k, 0.0), V)
