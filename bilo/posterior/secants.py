"""A quadratic model of a dear function, by secants over the width of a posterior.

A tangent at the mode holds where the function is linear over that width. Secants over it are wrong
there by the third derivative only, and do not mistake a local flat spot for information.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np


def principal_axes(
    covariance: np.ndarray, scale: np.ndarray, least: float = 0.02, most: float = 0.35
) -> np.ndarray:
    """Principal axes (n, n), one a column, each one standard deviation long.

    Parameters
    ----------
    covariance : ndarray (n, n)
    scale : ndarray (n,)
        Natural size of each unknown, in whose units the axes are orthogonal.
    least, most : float
        Shortest and greatest length in those units: a covariance at a flat spot may be far too
        small, and beyond the greatest no quadratic model would hold.
    """
    values, vectors = np.linalg.eigh(covariance / np.outer(scale, scale))
    sd = np.sqrt(np.clip(values, least**2, most**2))
    return np.asarray(scale[:, None] * vectors * sd)


@dataclass(frozen=True)
class Quadratic:
    """f(theta) = sum_j c_j m_j(q), theta = centre + axes q, m = 1, q_i, q_i^2, q_i q_j (i < j).

    Attributes
    ----------
    centre : ndarray (n,)
    axes : ndarray (n, n)
    coefficients : ndarray (1 + 2 n + n (n - 1) / 2, m)
    """

    centre: np.ndarray
    axes: np.ndarray
    coefficients: np.ndarray

    @classmethod
    def of(
        cls,
        f: Callable[[np.ndarray], np.ndarray],
        centre: np.ndarray,
        at_centre: np.ndarray,
        axes: np.ndarray,
        width: float = 1.5,
    ) -> Quadratic:
        """Through f at the centre, at +-width along each axis, and at (width, width) of each pair.

        Exact for quadratic f; 2 n + n (n - 1) / 2 evaluations.

        Parameters
        ----------
        f : callable
            theta (n,) to values (m,).
        centre, at_centre : ndarray (n,), (m,)
            Where f is known already.
        axes : ndarray (n, n)
            See `principal_axes`.
        width : float
            Of the secants, in lengths of the axes.
        """
        h, f0 = width, at_centre
        steps = h * axes.T
        plus = [f(centre + step) for step in steps]
        minus = [f(centre - step) for step in steps]
        slopes = [(p - m) / (2 * h) for p, m in zip(plus, minus, strict=True)]
        curved = [(p + m - 2 * f0) / (2 * h**2) for p, m in zip(plus, minus, strict=True)]
        mixed = [
            (f(centre + steps[i] + steps[j]) - plus[i] - plus[j] + f0) / h**2
            for i, j in itertools.combinations(range(len(centre)), 2)
        ]
        return cls(centre, axes, np.array([f0, *slopes, *curved, *mixed]))

    def __call__(self, theta: np.ndarray) -> np.ndarray:
        """Values (W, m) at theta (W, n)."""
        q = np.linalg.solve(self.axes, (theta - self.centre).T)
        mixed = [q[i] * q[j] for i, j in itertools.combinations(range(len(q)), 2)]
        monomials = np.stack([np.ones(len(theta)), *q, *q**2, *mixed], axis=1)
        return np.asarray(monomials @ self.coefficients)
