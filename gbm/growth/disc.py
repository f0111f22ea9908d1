"""The disc or ball of equal size: the baseline that knows nothing but a centre and two sizes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gbm.config.conventions import REGIONS
from gbm.growth.parameters import squared_distance
from gbm.imaging.overlap import equal_radius

if TYPE_CHECKING:
    from gbm.domain.domain import Domain


def centroid(domain: Domain) -> np.ndarray:
    """Centroid (d,) of TC, of WT where TC is empty, mm."""
    return domain.centroid(domain.TC if domain.TC.any() else domain.WT)


def disc(domain: Domain) -> dict[str, np.ndarray]:
    """Discs (balls) of the sizes of WT and TC around the centroid of TC, clipped to phi > 1/2.

    Returns
    -------
    dict of ndarray (n_1, .., n_d), bool
        Predicted WT and TC. An empty region gives an empty disc.
    """
    centre = centroid(domain)
    distance = np.sqrt(squared_distance(domain.axes, centre))
    radius = {r: equal_radius(getattr(domain, r), domain.spacing) for r in REGIONS}
    return {r: (distance < radius[r]) & domain.tissue for r in REGIONS}
