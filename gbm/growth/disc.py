"""The equal-area disc: the baseline that knows nothing but a centre and two sizes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gbm.config.conventions import REGIONS

if TYPE_CHECKING:
    from gbm.domain.domain import Domain


def centroid(domain: Domain) -> np.ndarray:
    """Centroid (2,) of TC, of WT where TC is empty, mm in the plane."""
    i, j = np.nonzero(domain.TC if domain.TC.any() else domain.WT)
    return np.array([domain.x[i].mean(), domain.y[j].mean()])


def disc(domain: Domain) -> dict[str, np.ndarray]:
    """Discs of the areas of WT and TC around the centroid of TC, clipped to phi > 1/2.

    Returns
    -------
    dict of ndarray (nx, ny), bool
        Predicted WT and TC. An empty region gives an empty disc.
    """
    centre = centroid(domain)
    distance = np.hypot(domain.x[:, None] - centre[0], domain.y[None, :] - centre[1])
    cell = abs(float((domain.x[1] - domain.x[0]) * (domain.y[1] - domain.y[0])))
    radius = {r: np.sqrt(getattr(domain, r).sum() * cell / np.pi) for r in REGIONS}
    return {r: (distance < radius[r]) & (domain.phi > 0.5) for r in REGIONS}
