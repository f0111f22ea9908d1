"""What a solver offers to classical methods: predictions of data, and how to transpose them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Pull = Callable[[Array], Array]
"""Cotangents (N,) of the predictions -> gradient by the nodal values."""


@dataclass(frozen=True)
class Discretised:
    """Data as a function of an unknown function's values z at equidistant nodes, ends included.

    Parameters
    ----------
    forward : callable
        z -> predictions C u(z) (N,) and the transposed derivative there, exact for the scheme.
    low, high : ndarray
        Bounds of z, of its shape; equal where z is held.
    corner : float
        0: squared slope. Else total variation, rounded below this slope.
    matrix : ndarray (N, nodes), optional
        C u as a function of z in one dimension, where that is linear.
    between : {"linear", "nearest"}
        What the function is between the nodes, as the scheme has it.
    """

    forward: Callable[[Array], tuple[Array, Pull]]
    low: Array
    high: Array
    corner: float = 0.0
    matrix: Array | None = None
    between: Literal["linear", "nearest"] = "linear"


def linear(matrix: Array, low: Array, high: Array) -> Discretised:
    """Predictions K z."""
    return Discretised(
        lambda z: (matrix @ z, lambda by_data: by_data @ matrix), low, high, matrix=matrix
    )
