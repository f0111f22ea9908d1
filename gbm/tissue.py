"""Posterior tissue probabilities: a Gaussian mixture with the warped atlas as spatial prior."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import ndimage

from gbm.volumes import Volume, resample_to

PRIOR_BLUR_MM = 1.5  # the registration is good to about a voxel or two
PRIOR_FLOOR = 0.02
ITERATIONS = 40
TISSUES = ("wm", "gm", "csf")


@dataclass(frozen=True)
class Tissue:
    """Tissue probabilities on one grid.

    Attributes
    ----------
    wm, gm, csf : Volume
        Probabilities in [0, 1]. Inside the tumour they are the prior's, untreated.
    qc : dict
        ``volume_ml`` of each tissue, ``wm_gm_contrast``, ``brain_ml``, class ``means``, ``sds``.
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

    ``p(c | y, x)`` is proportional to ``prior_c(x) N(y; mean_c, sd_c)`` outside the tumour. Inside
    it intensities mean nothing, so the prior alone stands there.

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
    """
    sharp = np.stack([np.clip(priors[name].data, 0.0, 1.0) for name in TISSUES])
    # What the atlas does not cover inside the patient's brain is its fluid rim.
    sharp[2] = np.maximum(sharp[2], 1.0 - sharp.sum(axis=0))
    sharp /= sharp.sum(axis=0)
    sigma = PRIOR_BLUR_MM / image.spacing
    prior = np.stack([ndimage.gaussian_filter(part, sigma) for part in sharp])
    healthy = brain & ~tumour
    weights = prior[:, healthy].astype(np.float64) + PRIOR_FLOOR
    weights /= weights.sum(axis=0)
    values = image.data[healthy].astype(np.float64)
    means, sds = _expectation_maximisation(values, weights)
    posterior = sharp.copy()
    posterior[:, healthy] = _posterior(values, weights, means, sds)
    posterior[:, ~brain] = 0.0
    maps = {
        n: image.with_data(p.astype(np.float32)) for n, p in zip(TISSUES, posterior, strict=True)
    }
    voxel_ml = float(np.prod(image.spacing)) / 1000.0
    qc = {
        "brain_ml": float(brain.sum()) * voxel_ml,
        "volume_ml": {n: float(m.data.sum()) * voxel_ml for n, m in maps.items()},
        "wm_gm_contrast": float(
            abs(means[0] - means[1]) / np.sqrt((sds[0] ** 2 + sds[1] ** 2) / 2)
        ),
        "means": dict(zip(TISSUES, means.tolist(), strict=True)),
        "sds": dict(zip(TISSUES, sds.tolist(), strict=True)),
    }
    return Tissue(**maps, qc=qc)


def _expectation_maximisation(
    values: np.ndarray, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return means and standard deviations of the classes; every fourth voxel is enough."""
    y, w = values[::4], weights[:, ::4]
    low, high = np.percentile(y, [0.5, 99.5])
    y = np.clip(y, low, high)
    floor = 0.02 * max(float(high - low), 1e-12)
    share = w
    means, sds = np.zeros(3), np.ones(3)
    for _ in range(ITERATIONS):
        mass = share.sum(axis=1) + 1e-12
        old = means
        means = share @ y / mass
        sds = np.sqrt(np.maximum((share * (y - means[:, None]) ** 2).sum(axis=1) / mass, floor**2))
        if np.abs(means - old).max() < 1e-4 * max(float(high - low), 1e-12):
            break
        share = _posterior(y, w, means, sds)
    return means, sds


def _posterior(
    values: np.ndarray, weights: np.ndarray, means: np.ndarray, sds: np.ndarray
) -> np.ndarray:
    # Beyond the outermost means the widest Gaussian would win the tail of another tissue.
    y = np.clip(values, means.min(), means.max())
    z = (y - means[:, None]) / sds[:, None]
    density = weights * np.exp(-0.5 * z**2) / sds[:, None] + 1e-12
    result: np.ndarray = density / density.sum(axis=0)
    return result
