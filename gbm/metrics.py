"""How well a predicted region matches the segmentation, and how far two densities are apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import binary_erosion, distance_transform_edt

if TYPE_CHECKING:
    from gbm.domain import Domain

REGIONS = ("WT", "TC")


def dice(a: np.ndarray, b: np.ndarray) -> float:
    """Dice similarity coefficient 2 |a and b| / (|a| + |b|); NaN if both are empty.

    >>> dice(np.array([True, True, False]), np.array([True, False, False]))
    0.6666666666666666
    """
    total = int(a.sum()) + int(b.sum())
    return 2.0 * int(np.sum(a & b)) / total if total else float("nan")


def hd95_mm(a: np.ndarray, b: np.ndarray, spacing_mm: float = 1.0) -> float:
    """Hausdorff distance at the 95th percentile between the borders of two masks, mm.

    The greater of the two directed percentiles; a border is the set of voxels with a neighbour
    (in four directions) outside. NaN if a mask is empty.
    """
    if not (a.any() and b.any()):
        return float("nan")
    borders = [mask & ~binary_erosion(mask) for mask in (a, b)]
    to_b, to_a = (distance_transform_edt(~border, sampling=spacing_mm) for border in borders[::-1])
    directed = (to_b[borders[0]], to_a[borders[1]])
    return float(max(np.percentile(distances, 95) for distances in directed))


def area_mm2(mask: np.ndarray, spacing_mm: float = 1.0) -> float:
    """Area of a mask, mm^2."""
    return float(mask.sum()) * spacing_mm**2


def masks(domain: Domain, u: np.ndarray, thresholds: dict[str, float]) -> dict[str, np.ndarray]:
    """Predicted regions: u above the threshold, clipped to the tissue phi > 1/2."""
    return {region: (u > thresholds[region]) & (domain.phi > 0.5) for region in REGIONS}


def scores(domain: Domain, predicted: dict[str, np.ndarray]) -> dict[str, dict[str, float]]:
    """Scores of predicted regions against the segmentation.

    Parameters
    ----------
    domain : Domain
        With the segmented WT and TC.
    predicted : dict of ndarray (nx, ny), bool
        Predicted WT and TC.

    Returns
    -------
    dict
        region -> {"dice", "hd95_mm", "area_mm2"}; a region that was not segmented has the area
        only, the other scores are NaN.
    """
    h, found = abs(float(domain.x[1] - domain.x[0])), {}
    for region, mask in predicted.items():
        truth = getattr(domain, region)
        found[region] = {
            "dice": dice(mask, truth) if truth.any() else float("nan"),
            "hd95_mm": hd95_mm(mask, truth, h),
            "area_mm2": area_mm2(mask, h),
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
