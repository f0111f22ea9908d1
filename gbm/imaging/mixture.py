"""Gaussian classes of intensities with prior probabilities for each voxel, fitted by EM."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

OUTLIERS = 0.05  # share of intensities (vessels, remains of the skull) that no class explains
ITERATIONS = 60
ENOUGH = 100_000


@dataclass(frozen=True)
class Mixture:
    """Gaussian classes and a flat background of outliers.

    Attributes
    ----------
    means, sds : ndarray, (3,)
        Of the intensities of white matter, grey matter and CSF.
    outliers : float
        Density of the outliers, 1 / intensity.
    """

    means: np.ndarray
    sds: np.ndarray
    outliers: float

    @property
    def contrast(self) -> float:
        """Distance of the means of white and grey matter over their pooled standard deviation."""
        pooled = np.sqrt((self.sds[0] ** 2 + self.sds[1] ** 2) / 2)
        return float(abs(self.means[0] - self.means[1]) / pooled)

    def joint(self, values: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Return ``weight_c N(y; mean_c, sd_c)``, (3, n), of intensities (n,)."""
        z = (values - self.means[:, None]) / self.sds[:, None]
        scale = self.sds[:, None] * np.sqrt(2 * np.pi)
        result: np.ndarray = weights * np.exp(-0.5 * z**2) / scale + 1e-12 * self.outliers
        return result

    def explained(self, values: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Return the probability, (n,), that an intensity is no outlier."""
        total = self.joint(values, weights).sum(axis=0)
        result: np.ndarray = total / (total + self.outliers)
        return result


def fit_mixture(values: np.ndarray, weights: np.ndarray) -> Mixture:
    """Estimate means and standard deviations by EM; every fourth voxel is enough.

    Parameters
    ----------
    values : ndarray, (n,)
        Intensities.
    weights : ndarray, (3, n)
        Prior probabilities of the classes at these voxels.
    """
    step = 4 if values.size > 4 * ENOUGH else 1
    y, w = values[::step], weights[:, ::step]
    low, high = np.percentile(y, [0.5, 99.5])
    width = max(float(high - low), 1e-12)
    mixture = _robust_start(y, w, 0.02 * width, OUTLIERS / width)
    for _ in range(ITERATIONS):
        joint = mixture.joint(y, w)
        share = joint / (joint.sum(axis=0) + mixture.outliers)
        mass = share.sum(axis=1) + 1e-12
        means = share @ y / mass
        variance = (share * (y - means[:, None]) ** 2).sum(axis=1) / mass
        moved = np.abs(means - mixture.means).max()
        sds = np.sqrt(np.maximum(variance, (0.02 * width) ** 2))
        mixture = Mixture(means, sds, mixture.outliers)
        if moved < 1e-4 * width:
            break
    return mixture


def _robust_start(y: np.ndarray, w: np.ndarray, floor: float, outliers: float) -> Mixture:
    """Medians and interquartile ranges of the voxels that the prior is sure of."""
    order = np.argsort(y)
    quartiles = []
    for part in w:
        mass = np.cumsum(part[order] ** 3)
        quartiles.append(np.interp([0.25, 0.5, 0.75], mass / mass[-1], y[order]))
    q1, median, q3 = np.transpose(quartiles)
    return Mixture(median, np.maximum((q3 - q1) / 1.35, floor), outliers)
