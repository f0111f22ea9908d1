"""Linear interpolation between equidistant nodes."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


def interpolation(n: int, x: ArrayLike) -> Array:
    """The matrix C of linear interpolation between n + 1 equidistant nodes: u(x) = C u.

    Parameters
    ----------
    n : int
    x : array_like (m,)
        Points of [0, 1].

    Returns
    -------
    ndarray (m, n + 1)

    Raises
    ------
    ValueError
        If a point is outside of [0, 1].
    """
    x = np.asarray(x, float)
    if not ((x >= 0) & (x <= 1)).all():
        raise ValueError("a point of interpolation is outside of [0, 1]")
    return np.asarray(np.maximum(0.0, 1.0 - np.abs(n * x[:, None] - np.arange(n + 1))))


def interpolate(u: ArrayLike, x: ArrayLike) -> Array:
    """Nodal values (..., n + 1), linearly interpolated to points x of [0, 1], (..., m)."""
    u = np.asarray(u, float)
    return np.asarray(u @ interpolation(u.shape[-1] - 1, x).T)
