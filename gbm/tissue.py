"""Posterior tissue probabilities: a Gaussian mixture with the warped atlas as spatial prior."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import ndimage

from gbm.errors import InputError
from gbm.volumes import Volume, resample_to

PRIOR_BLUR_MM = 1.5  # the registration is good to about a voxel or two
PRIOR_FLOOR = 0.02
OUTLIERS = 0.05  # share of intensities (vessels, remains of the skull) that no tissue explains
COUPLING = 1.5  # of a voxel to its neighbours, in units of log probability
SWEEPS = 3
MINIMUM_VOXELS = 1000
ITERATIONS = 60
TISSUES = ("wm", "gm", "csf")


@dataclass(frozen=True)
class Tissue:
    """Tissue probabilities on one grid.

    Attributes
    ----------
    wm, gm, csf : Volume
        Probabilities in [0, 1]. Inside the tumour they are the prior's, untreated.
    qc : dict
        ``volume_ml`` of each tissue, ``wm_gm_contrast``, ``brain_volume_ml``, class ``means``, ``sds``.
    """

    wm: Volume
    gm: Volume
    csf: Volume
    qc: dict[str, Any]

    def on(self, reference: Volume) -> Tissue:
        """Return the maps on another grid (linear)."""
        maps = {name: resample_to(getattr(self, name), reference, 1) for name in TISSUES}
        return Tissue(**maps, qc=self.qc)

    def filled(self, tumour: np.ndarray) -> Tissue:
        """Return the maps after `fill` inside `tumour`, which lies on their grid."""
        values = fill(self.wm.data, self.gm.data, self.csf.data, tumour)
        maps = {n: self.wm.with_data(v) for n, v in zip(TISSUES, values, strict=True)}
        return Tissue(**maps, qc=self.qc)


def fill(
    wm: np.ndarray, gm: np.ndarray, csf: np.ndarray, tumour: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Inside the tumour: no CSF and WM + GM = 1.

    A voxel with neither takes the ratio WM : GM of the nearest tissue; where there is no
    tissue at all it is white matter.

    Parameters
    ----------
    wm, gm, csf : ndarray
        Probabilities, any dimension.
    tumour : ndarray of bool
        Same shape.

    Returns
    -------
    wm, gm, csf : ndarray
        New arrays.
    """
    total = wm + gm
    known = total > 0.1
    white = np.divide(wm, total, out=np.ones_like(wm), where=known)
    if known.any():
        nearest = ndimage.distance_transform_edt(
            ~known, return_distances=False, return_indices=True
        )
        white = white[tuple(nearest)]
    return (
        np.where(tumour, white, wm),
        np.where(tumour, 1.0 - white, gm).astype(wm.dtype),
        np.where(tumour, 0.0, csf).astype(csf.dtype),
    )


def segment_tissue(
    priors: dict[str, Volume], image: Volume, brain: np.ndarray, tumour: np.ndarray
) -> Tissue:
    """Fit a three-class Gaussian mixture with spatial priors by EM (Ashburner & Friston 2005).

    Outside the tumour ``p(c | y, x)`` is proportional to ``prior_c(x) N(y; mean_c, sd_c)``, with
    a mean-field coupling to the neighbours against noise (Zhang, Brady & Smith 2001). Inside it
    intensities mean nothing, so the prior alone stands there, as it does for intensities that no
    class explains.

    Parameters
    ----------
    priors : dict of Volume
        ``wm``, ``gm``, ``csf`` of the atlas on the patient's 1 mm grid.
    image : Volume
        Bias-corrected T1 (or T1c) on that grid, 0 outside the brain.
    brain, tumour : ndarray of bool
        On that grid.

    Returns
    -------
    Tissue
        Maps that are 0 outside the brain.

    Raises
    ------
    InputError
        If no healthy brain is left to learn the intensities from.
    """
    healthy = brain & ~tumour
    if np.count_nonzero(healthy) < MINIMUM_VOXELS:
        raise InputError("hardly any brain is left outside the tumour", file=image.path)
    sharp = np.stack([np.clip(priors[name].data, 0.0, 1.0) for name in TISSUES])
    # What the atlas does not cover inside the patient's brain is its fluid rim.
    sharp[2] = np.maximum(sharp[2], 1.0 - sharp.sum(axis=0))
    sharp /= sharp.sum(axis=0)
    sigma = PRIOR_BLUR_MM / image.spacing
    prior = np.stack([ndimage.gaussian_filter(part, sigma) for part in sharp])
    weights = prior[:, healthy].astype(np.float64) + PRIOR_FLOOR
    weights /= weights.sum(axis=0)
    mixture = fit_mixture(image.data[healthy].astype(np.float64), weights)
    posterior = np.where(brain, sharp, 0.0)
    _smooth_posterior(posterior, mixture, image.data, healthy, weights)
    maps = {
        n: image.with_data(p.astype(np.float32)) for n, p in zip(TISSUES, posterior, strict=True)
    }
    voxel_ml = float(np.prod(image.spacing)) / 1000.0
    qc = {
        "brain_volume_ml": float(brain.sum()) * voxel_ml,
        "volume_ml": {n: float(m.data.sum()) * voxel_ml for n, m in maps.items()},
        "wm_gm_contrast": mixture.contrast,
        "means": dict(zip(TISSUES, mixture.means.tolist(), strict=True)),
        "sds": dict(zip(TISSUES, mixture.sds.tolist(), strict=True)),
    }
    return Tissue(**maps, qc=qc)


@dataclass(frozen=True)
class Mixture:
    """Gaussian classes and a flat background of outliers.

    Attributes
    ----------
    means, sds : ndarray, (3,)
        Of the intensities of `TISSUES`.
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
    step = 4 if values.size > 100_000 else 1
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


def _smooth_posterior(
    posterior: np.ndarray,
    mixture: Mixture,
    image: np.ndarray,
    healthy: np.ndarray,
    weights: np.ndarray,
) -> None:
    """Replace the posterior of the healthy voxels, (3, nx, ny, nz), in place.

    Mean field: ``p_c`` is proportional to ``weight_c N_c(y) exp(coupling * mean of p_c around)``.
    """
    values = image[healthy].astype(np.float64)
    # Nothing is darker (or brighter) than the extreme tissues: there only the tails of the widest
    # class would be compared. What is too bright for all (vessels, skull) is left to the prior.
    alone = mixture.joint(np.clip(values, mixture.means.min(), mixture.means.max()), weights)
    trust = mixture.explained(np.maximum(values, mixture.means.min()), weights)
    prior = posterior[:, healthy]
    around = np.zeros_like(alone)
    for sweep in range(SWEEPS):
        share = alone * np.exp(COUPLING * around)
        posterior[:, healthy] = trust * share / share.sum(axis=0) + (1.0 - trust) * prior
        if sweep < SWEEPS - 1:
            around = np.stack([ndimage.uniform_filter(p, 3)[healthy] for p in posterior])
