"""How far a tumour reaches beyond its outline: size and margin of what is infiltrated."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import distance_transform_edt

from gbm.imaging.overlap import SIZE_NAMES, size

if TYPE_CHECKING:
    from gbm.domain.domain import Domain

LEVELS = (0.1, 0.01)
"""Densities above which tissue counts as infiltrated."""


def extent_name(level: float, dimensions: int) -> str:
    """Name of the size above a level.

    >>> extent_name(0.1, 2), extent_name(0.01, 3)
    ('extent_0.1_mm2', 'extent_0.01_ml')
    """
    return f"extent_{level:g}_{SIZE_NAMES[dimensions].rsplit('_', 1)[1]}"


def margin_name(level: float) -> str:
    """Name of the distance reached above a level.

    >>> margin_name(0.1)
    'margin_0.1_mm'
    """
    return f"margin_{level:g}_mm"


AT_BORDER = "density_at_border"
"""Name of the greatest density where a volume ends in tissue: what is beyond is not counted."""


def infiltrated(domain: Domain, u: np.ndarray, level: float) -> np.ndarray:
    """Tissue outside WT with a density u above a level."""
    return domain.tissue & ~domain.WT & (u > level)


def extent(domain: Domain, u: np.ndarray) -> dict[str, float]:
    """Tissue outside WT with u above each of `LEVELS`, and how far away it lies.

    Parameters
    ----------
    domain : Domain
        With the segmented WT.
    u : ndarray (n_1, .., n_d)
        Density on the voxels.

    Returns
    -------
    dict
        `extent_0.1_ml` (in the plane `extent_0.1_mm2`), and so on: its size; `margin_0.1_mm`: the
        95th percentile over it of the distance to WT, 0 where there is none. Of a volume
        `AT_BORDER` too; a slice ends where the brain does.
    """
    distance = distance_transform_edt(~domain.WT, sampling=domain.spacing)
    found = {}
    for level in LEVELS:
        beyond = infiltrated(domain, u, level)
        found[extent_name(level, domain.dimensions)] = size(beyond, domain.spacing)
        margin = float(np.percentile(distance[beyond], 95)) if beyond.any() else 0.0
        found[margin_name(level)] = margin
    if domain.dimensions == 3:
        outermost = np.ones(u.shape, bool)
        outermost[(slice(1, -1),) * u.ndim] = False
        found[AT_BORDER] = float(u[outermost & domain.tissue].max(initial=0.0))
    return found
