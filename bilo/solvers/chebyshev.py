"""Polynomials through values at Chebyshev nodes of [0, 1]: differentiated and interpolated.

References: Trefethen 2000, Spectral Methods in MATLAB, ch. 6; Berrut and Trefethen 2004, SIAM
Rev. 46 (barycentric interpolation).
"""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@functools.cache
def nodes(n: int) -> Array:
    """The n + 1 extrema of the Chebyshev polynomial on [0, 1], increasing."""
    return (1 - np.cos(np.pi * np.arange(n + 1) / n)) / 2


@functools.cache
def derivative(n: int) -> Array:
    """The matrix d/dx from values at the nodes to values there."""
    k = np.arange(n + 1)
    x = np.cos(np.pi * k / n)
    c = np.where((k == 0) | (k == n), 2.0, 1.0) * (-1.0) ** k
    matrix = np.outer(c, 1 / c) / (x[:, None] - x + np.eye(n + 1))
    matrix -= np.diag(matrix.sum(1))
    return -2 * matrix  # cos falls from 1 to -1 while x rises from 0 to 1


def interpolation(at_nodes: Array, x: Array) -> Array:
    """The matrix from values at the nodes to values at x, (len(x), len(at_nodes)).

    Barycentric.
    """
    weights = (-1.0) ** np.arange(len(at_nodes))
    weights[[0, -1]] *= 0.5
    difference = x[:, None] - at_nodes
    exact = difference == 0
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = weights / difference
        matrix = terms / terms.sum(1, keepdims=True)
    return np.where(exact.any(1, keepdims=True), exact, matrix)
