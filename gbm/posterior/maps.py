"""What the samples say of the density: pointwise maps, extent and margin with intervals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import distance_transform_edt

from bilo.posterior.intervals import Summary, weighted_quantiles
from gbm.growth.extent import LEVELS, extent_name, margin_name
from gbm.growth.growth_map import coarsen, logit_between, spread

if TYPE_CHECKING:
    from gbm.domain.domain import Domain

_ROWS = 8
"""Rows of cells whose samples are sorted at once, for the sake of memory."""
_UNIT = {2: 1.0, 3: 1e-3}


@dataclass(frozen=True)
class DensityMaps:
    """Pointwise summaries of u on the voxels (n_1, .., n_d).

    Attributes
    ----------
    low, median, high : ndarray
        5, 50 and 95 % of u.
    infiltration : ndarray
        Probability that u is above a density, `infiltrated_above`.
    """

    low: np.ndarray
    median: np.ndarray
    high: np.ndarray
    infiltration: np.ndarray


def density_maps(
    domain: Domain, u: np.ndarray, weights: np.ndarray, infiltrated_above: float
) -> DensityMaps:
    """Maps on the voxels from samples on cells of one or more voxels.

    Parameters
    ----------
    domain : Domain
    u : ndarray (N, cells ..)
    weights : ndarray (N,)
        Normalised.
    infiltrated_above : float
        Density.
    """
    parts = _parts(domain, u)
    rows = [slice(k, k + _ROWS) for k in range(0, u.shape[1], _ROWS)]
    quantiles = np.concatenate([weighted_quantiles(u[:, row], weights) for row in rows], axis=1)
    probability = np.concatenate(
        [np.tensordot(weights, u[:, row] > infiltrated_above, axes=1) for row in rows]
    )
    low, median, high = quantiles
    if parts == 1:
        return DensityMaps(low, median, high, probability)
    shape = domain.phi.shape
    low, median, high = (_on_voxels(q, parts, shape) for q in quantiles)
    return DensityMaps(low, median, high, np.clip(spread(probability, parts, shape), 0.0, 1.0))


def extents(domain: Domain, u: np.ndarray, weights: np.ndarray) -> dict[str, Summary]:
    """Size and margin of the tissue outside WT with u above each of `LEVELS`.

    As `gbm.growth.extent.extent`, whose names they have; a cell of several voxels counts by its
    share of tissue outside WT, at their mean distance.

    Parameters
    ----------
    domain : Domain
    u : ndarray (N, cells ..)
    weights : ndarray (N,)
        Normalised.
    """
    parts, d = _parts(domain, u), domain.dimensions
    distance = distance_transform_edt(~domain.WT, sampling=domain.spacing)
    outside = (domain.tissue & ~domain.WT).astype(float)
    share, total = coarsen(outside, parts), coarsen(outside * distance, parts)
    cells = share > 0
    share, distance = share[cells], total[cells] / share[cells]
    order = np.argsort(distance)
    share, distance = share[order], distance[order]
    voxel = (parts * domain.spacing) ** d * _UNIT[d]
    beyond = u[:, cells][:, order]
    found = {}
    for level in LEVELS:
        counted = np.cumsum((beyond > level) * share, axis=1)
        size = counted[:, -1] if distance.size else np.zeros(len(u))
        at = np.sum(counted < 0.95 * size[:, None], axis=1)
        margin = np.where(size > 0, np.append(distance, 0.0)[at], 0.0)
        found[extent_name(level, d)] = Summary.of(voxel * size, weights)
        found[margin_name(level)] = Summary.of(margin, weights)
    return found


def _parts(domain: Domain, u: np.ndarray) -> int:
    """Voxels along a cell of the samples."""
    return round(domain.phi.shape[0] / u.shape[1])


def _on_voxels(q: np.ndarray, parts: int, shape: tuple[int, ...]) -> np.ndarray:
    """Densities of cells at the voxels."""
    height = logit_between(q, parts, shape)
    return np.asarray(1.0 / (1.0 + np.exp(-height)))
