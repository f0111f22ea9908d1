"""How well two masks match, and how large one is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.ndimage import binary_erosion, distance_transform_edt


def dice(a: np.ndarray, b: np.ndarray) -> float:
    """Dice similarity coefficient 2 |a and b| / (|a| + |b|); NaN if both are empty.

    >>> dice(np.array([True, True, False]), np.array([True, False, False]))
    0.6666666666666666
    """
    total = int(a.sum()) + int(b.sum())
    return 2.0 * int(np.sum(a & b)) / total if total else float("nan")


def hd95_mm(
    a: np.ndarray, b: np.ndarray, spacing_mm: float | Sequence[float] | np.ndarray = 1.0
) -> float:
    """Hausdorff distance at the 95th percentile between the borders of two masks, mm.

    The greater of the two directed percentiles; a border is the set of voxels with a neighbour
    (across an edge or face) outside. NaN if a mask is empty. One spacing, or one for each axis.
    """
    if not (a.any() and b.any()):
        return float("nan")
    borders = [mask & ~binary_erosion(mask) for mask in (a, b)]
    to_b, to_a = (distance_transform_edt(~border, sampling=spacing_mm) for border in borders[::-1])
    directed = (to_b[borders[0]], to_a[borders[1]])
    return float(max(np.percentile(distances, 95) for distances in directed))


SIZE_NAMES = {2: "area_mm2", 3: "volume_ml"}
"""What the size of a mask is called, by its number of axes."""
_UNIT = {2: 1.0, 3: 1e-3}


def size(mask: np.ndarray, spacing_mm: float = 1.0) -> float:
    """Area, mm^2, or volume, ml, of a mask of two or three axes."""
    return float(mask.sum()) * spacing_mm**mask.ndim * _UNIT[mask.ndim]


def equal_radius(mask: np.ndarray, spacing_mm: float = 1.0) -> float:
    """Radius, mm, of the disc or ball of a mask's size.

    >>> round(equal_radius(np.ones((10, 10, 10))), 4) == round((3000 / (4 * np.pi)) ** (1 / 3), 4)
    True
    """
    whole = float(mask.sum()) * spacing_mm**mask.ndim
    if mask.ndim == 2:
        return float(np.sqrt(whole / np.pi))
    return float(np.cbrt(3 * whole / (4 * np.pi)))
