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
        95th percentile over it of the distance to WT, 0 where there is none.
    """
    unit = SIZE_NAMES[domain.dimensions].rsplit("_", 1)[1]
    distance = distance_transform_edt(~domain.WT, sampling=domain.spacing)
    found = {}
    for level in LEVELS:
        beyond = (u > level) & domain.tissue & ~domain.WT
        found[f"extent_{level:g}_{unit}"] = size(beyond, domain.spacing)
        margin = float(np.percentile(distance[beyond], 95)) if beyond.any() else 0.0
        found[f"margin_{level:g}_mm"] = margin
    return found
