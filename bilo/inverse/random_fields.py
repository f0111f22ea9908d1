"""Gaussian random fields of squared-exponential covariance, on uniform grids.

    cov(g(x), g(y)) = s^2 exp(-|x - y|^2 / (2 l^2))

with standard deviation s and length l: a sample is R z, where R is the symmetric root of the
covariance matrix and z is white noise. The spectrum decays faster than rounding, so Cholesky's
factorisation needs a jitter, which roughens the samples; here eigenvalues that are rounding, of
either sign, are set to zero instead, which moves the covariance by less than 1e-13 s^2. The
symmetric root does not depend on the signs and the order of the eigenvectors.

In two dimensions the covariance is a product, exp(-(dx^2 + dy^2) / (2 l^2)): its root is the
Kronecker product of the roots along x and y, and R z is R Z R^T for a matrix Z of white noise.
This is exact on the grid, where circulant embedding would pad it and neglect a tail.

Samples with given values at the ends are conditioned by kriging: an unconditional sample, plus
what its errors at the ends predict elsewhere.

Reference: Chiles and Delfiner 2012, Geostatistics, sections 7.2 and 7.3.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from scipy.interpolate import RectBivariateSpline
from torch import Tensor

from bilo.inverse.points import Points

Array = NDArray[np.float64]


def sample_1d(
    n: int, variance: float, length: float, count: int, generator: np.random.Generator
) -> Array:
    """Samples of mean zero at the nodes 0, 1/n, .., 1.

    Parameters
    ----------
    n : int
        Intervals.
    variance, length : float
        s^2 and l.
    count : int
        Independent samples; the first ones of a seed do not depend on their number.
    generator : numpy Generator

    Returns
    -------
    ndarray (count, n + 1)

    Raises
    ------
    ValueError
        If the variance is negative, or the length not positive.
    """
    white = generator.standard_normal((count, n + 1))
    return np.asarray(white @ _root(_covariance(n, variance, length)))


def conditioned_1d(
    n: int,
    variance: float,
    length: float,
    count: int,
    generator: np.random.Generator,
    *,
    mean: float = 0.0,
    ends: tuple[float, float] = (0.0, 0.0),
) -> Array:
    """Samples about a constant mean, given their values at x = 0 and x = 1.

    Parameters
    ----------
    n, variance, length, count, generator
        As of `sample_1d`, before the conditioning.
    mean : float
        Before the conditioning.
    ends : two floats
        The values at x = 0 and x = 1; exact in every sample.

    Returns
    -------
    ndarray (count, n + 1)

    Raises
    ------
    ValueError
        If the variance is negative, or the length not positive.

    Examples
    --------
    >>> D = conditioned_1d(100, 0.05, 0.2, 3, np.random.default_rng(0), mean=1.0, ends=(1.0, 1.0))
    >>> D.shape, D[:, 0].tolist()
    ((3, 101), [1.0, 1.0, 1.0])
    """
    g = mean + sample_1d(n, variance, length, count, generator)
    correlation = _covariance(n, 1.0, length)
    at_ends = correlation[:, [0, -1]]
    predict = np.linalg.solve(at_ends[[0, -1]], at_ends.T)
    g += (np.array(ends) - g[:, [0, -1]]) @ predict
    g[:, [0, -1]] = ends  # they agree to rounding
    return g


def sample_2d(n: int, s: float, length: float, count: int, generator: np.random.Generator) -> Array:
    """Samples of mean zero on the n x n grid of [0, 1]^2, boundary included.

    Parameters
    ----------
    n : int
        Grid points along each side.
    s, length : float
        Standard deviation and l.
    count : int
        Independent samples; the first ones of a seed do not depend on their number.
    generator : numpy Generator

    Returns
    -------
    ndarray (count, n, n)

    Raises
    ------
    ValueError
        If s is negative, or the length not positive.
    """
    if not s >= 0:
        raise ValueError(f"the standard deviation must not be negative, got {s}")
    R = _root(_covariance(n - 1, 1.0, length))
    white = generator.standard_normal((count, n, n))
    return np.asarray(s * (R @ white @ R))


def covariance(distance: ArrayLike, variance: float, length: float) -> Array:
    """s^2 exp(-r^2 / (2 l^2)) of distances r."""
    if not variance >= 0:
        raise ValueError(f"the variance must not be negative, got {variance}")
    if not length > 0:
        raise ValueError(f"the length must be positive, got {length}")
    return np.asarray(variance * np.exp(-0.5 * (np.asarray(distance, float) / length) ** 2))


def _covariance(n: int, variance: float, length: float) -> Array:
    x = np.linspace(0.0, 1.0, n + 1)
    return covariance(x[:, None] - x, variance, length)


def _root(C: Array) -> Array:
    """The symmetric R with R R = C, for a C that is positive semidefinite but for rounding."""
    eigenvalues, V = np.linalg.eigh(C)
    rounding = 10 * np.finfo(float).eps * eigenvalues[-1]
    return np.asarray((V * np.sqrt(np.where(eigenvalues > rounding, eigenvalues, 0.0))) @ V.T)


@dataclass(frozen=True)
class TwoPhase:
    """A material of two values, or smooth between them, on the unit square.

    Parameters
    ----------
    seed : int
        Of the Gaussian random field g.
    low, high : float
        The values: `high` where g >= 0 at the nearest node, else `low`.
    nodes : int
        Of the field along each axis.
    smooth : bool
        low + (high - low) sigmoid(g), g by a bicubic spline.
    s, length : float
        Standard deviation and length of g [o].
    """

    seed: int
    low: float
    high: float
    nodes: int
    smooth: bool = False
    s: float = 10.0
    length: float = 0.2

    @cached_property
    def field(self) -> Array:
        """g at the nodes."""
        generator = np.random.default_rng(self.seed)
        return sample_2d(self.nodes, self.s, self.length, 1, generator)[0]

    def __call__(self, points: Points) -> Tensor:
        """The material at points."""
        x, y = (points.coordinates[c].double().cpu() for c in ("x", "y"))
        last = self.nodes - 1
        if not self.smooth:
            i, j = ((v * last).round().long() for v in (x, y))
            inside = torch.from_numpy(self.field)[i, j] >= 0
            return torch.where(inside, self.high, self.low).double()
        axis = np.linspace(0, 1, self.nodes)
        g = RectBivariateSpline(axis, axis, self.field)(x.numpy(), y.numpy(), grid=False)
        return self.low + (self.high - self.low) * torch.from_numpy(g).sigmoid()
