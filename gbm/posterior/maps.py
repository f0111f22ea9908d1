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

_SORTED = 2_000_000
"""Densities that are sorted at once, for the sake of memory."""
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
    height = max(1, _SORTED // u[:, 0].size)
    rows = [slice(k, k + height) for k in range(0, u.shape[1], height)]
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
    share, total = (coarsen(a, parts).ravel() for a in (outside, outside * distance))
    cells = np.flatnonzero(share)
    cells = cells[np.argsort(total[cells] / share[cells])]
    share, distance = share[cells], total[cells] / share[cells]
    voxel = (parts * domain.spacing) ** d * _UNIT[d]
    found = {}
    for level in LEVELS:
        beyond = (sample.ravel()[cells] > level for sample in u)
        sizes, margins = np.array([_reach(share[at], distance[at]) for at in beyond]).T
        found[extent_name(level, d)] = Summary.of(voxel * sizes, weights)
        found[margin_name(level)] = Summary.of(margins, weights)
    return found


def _reach(share: np.ndarray, distance: np.ndarray) -> tuple[float, float]:
    """Sum of the shares, and the distance, which ascends, within which 95 % of it lies."""
    counted = np.cumsum(share)
    if not counted.size:
        return 0.0, 0.0
    return float(counted[-1]), float(distance[np.searchsorted(counted, 0.95 * counted[-1])])


def _parts(domain: Domain, u: np.ndarray) -> int:
    """Voxels along a cell of the samples."""
    return round(domain.phi.shape[0] / u.shape[1])


def _on_voxels(q: np.ndarray, parts: int, shape: tuple[int, ...]) -> np.ndarray:
    """Densities of cells at the voxels."""
    height = logit_between(q, parts, shape)
    return np.asarray(1.0 / (1.0 + np.exp(-height)))
