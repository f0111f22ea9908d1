"""Outlines of a tumour grown in space, with smooth errors of the size of a displacement."""

from __future__ import annotations

import numpy as np
from scipy.special import logit

from gbm.demo.anatomy import smooth_noise
from gbm.demo.head import Truth

_NEAR = 0.5
"""Voxels within this of a level, in the logit, tell the slope of the density there."""


def thresholded(
    u: np.ndarray, tissue: np.ndarray, level: float, truth: Truth, rng: np.random.Generator
) -> np.ndarray:
    r"""The region above a threshold that varies smoothly in space.

    .. math:: \operatorname{logit} u + s\, b\, \eta > \operatorname{logit} u_{region}

    with eta a Gaussian random field of unit variance, b the size of the errors in mm and s the
    median slope of logit u [1/mm] at the level: the outline is displaced by about b eta.

    Parameters
    ----------
    u : (nx, ny, nz) array
        Density on voxels of 1 mm.
    tissue : bool array
        Where a region can be.
    level : float
        u_region, in (0, 1).
    truth : Truth
        Its `boundary_mm` is b; 0 draws the exact level. Its `boundary_length_mm` is the width of
        the filter that makes eta: correlations have fallen to 1/e at twice this distance.
    rng : numpy.random.Generator
        Of eta.
    """
    if truth.boundary_mm == 0.0:
        return (u > level) & tissue
    height = logit(np.clip(u, 1e-6, 1.0 - 1e-6))
    error = truth.boundary_mm * smooth_noise(rng, u.shape, truth.boundary_length_mm)
    above: np.ndarray = height + front_slope(height, tissue, level) * error > logit(level)
    return above & tissue


def front_slope(height: np.ndarray, tissue: np.ndarray, level: float) -> float:
    """Median slope of logit u near a level, per voxel."""
    near = tissue & (np.abs(height - logit(level)) < _NEAR)
    if not near.any():
        return 0.0
    slopes = np.sqrt(sum(part**2 for part in np.gradient(height)))
    return float(np.median(slopes[near]))
