"""Posterior tissue probabilities: a Gaussian mixture with the warped atlas as spatial prior."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from gbm.config.errors import InputError
from gbm.imaging.brain import MINIMUM_EXTENT_MM, thickness
from gbm.imaging.mixture import Mixture, fit_mixture
from gbm.imaging.tissue import TISSUES, Tissue
from gbm.io.volumes import Volume

PRIOR_BLUR_MM = 1.5  # the registration is good to about a voxel or two
PRIOR_FLOOR = 0.02
COUPLING = 3.0  # of a voxel to its neighbours, in units of log probability
SWEEPS = 4
MINIMUM_VOXELS = 1000


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
    voxel_ml = image.voxel_ml
    whole = thickness(image) >= MINIMUM_EXTENT_MM
    qc = {
        "brain_volume_ml": float(brain.sum()) * voxel_ml if whole else None,
        "volume_ml": {n: float(m.data.sum()) * voxel_ml for n, m in maps.items()},
        "wm_gm_contrast": mixture.contrast,
        "means": dict(zip(TISSUES, mixture.means.tolist(), strict=True)),
        "sds": dict(zip(TISSUES, mixture.sds.tolist(), strict=True)),
    }
    return Tissue(**maps, qc=qc)


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
