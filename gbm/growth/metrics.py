"""How well a predicted region matches the segmentation, and how far two densities are apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gbm.config.conventions import REGIONS
from gbm.imaging.overlap import SIZE_NAMES, dice, hd95_mm, size

if TYPE_CHECKING:
    from gbm.domain.domain import Domain


def masks(domain: Domain, u: np.ndarray, thresholds: dict[str, float]) -> dict[str, np.ndarray]:
    """Predicted regions: u above the threshold, clipped to the tissue phi > 1/2."""
    return {region: (u > thresholds[region]) & domain.tissue for region in REGIONS}


def scores(domain: Domain, predicted: dict[str, np.ndarray]) -> dict[str, dict[str, float]]:
    """Scores of predicted regions against the segmentation.

    Parameters
    ----------
    domain : Domain
        With the segmented WT and TC.
    predicted : dict of ndarray (n_1, .., n_d), bool
        Predicted WT and TC.

    Returns
    -------
    dict
        region -> {"dice", "hd95_mm", "area_mm2"}, in a volume "volume_ml"; a region that was not
        segmented has the size only, the other scores are NaN.
    """
    h, found = domain.spacing, {}
    for region, mask in predicted.items():
        truth = getattr(domain, region)
        found[region] = {
            "dice": dice(mask, truth) if truth.any() else float("nan"),
            "hd95_mm": hd95_mm(mask, truth, h),
            SIZE_NAMES[domain.dimensions]: size(mask, h),
        }
    return found


def relative_error(u: np.ndarray, v: np.ndarray, phi: np.ndarray) -> float:
    """Relative L2 distance of u from v, weighted by phi, over all leading axes together.

        sqrt(sum phi (u - v)^2 / sum phi v^2)

    The sums run over the tissue, phi > 1/2: beyond it P vanishes, nothing grows in, and the density
    means nothing.
    """
    phi = np.where(phi > 0.5, phi, 0.0)
    return float(np.sqrt(np.sum(phi * (u - v) ** 2) / np.sum(phi * v**2)))
