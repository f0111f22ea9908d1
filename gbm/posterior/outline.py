"""The outline of a region: points on it with their normals, wherever no wall is near.

A drawn outline that errs jumps across a sulcus, the front of a tumour does not: faces near walls
would be read as misfits of many millimetres. Where the core reaches the edge of the whole tumour
one edge was drawn. It is the whole tumour's; the core's own may have been stopped there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import distance_transform_edt, gaussian_filter, map_coordinates

from gbm.config.conventions import REGIONS
from gbm.growth.growth_map import pairs

if TYPE_CHECKING:
    from gbm.domain.domain import Domain

CLEARANCES_MM = (3.0, 2.0, 1.2, 0.0)
"""Least distance of a face from any wall; the later ones where hardly any faces are left."""
FEWEST_FACES = {2: 12, 3: 100}
"""Hardly any, by dimension: about five cells of an outline."""
CELL_MM = {2: 2.5, 3: 4.0}
"""Faces within a cell of this size are one point."""
_SMOOTHED_MM = 2.0
"""sd of the filter of the mask whose gradient is the normal."""
_FLAT = 1e-6
"""Gradient of the smoothed mask, 1/voxel, of rounding alone; at a straight edge it is 0.2."""


@dataclass(frozen=True)
class Outline:
    """Points of an outline, on the part of it that no larger region shares.

    Attributes
    ----------
    points : ndarray (m, d)
        Means of the midpoints of the voxel faces between inside and outside, mm.
    normals : ndarray (m, d)
        Outward unit vectors.
    faces : ndarray (m,)
        How many faces each point stands for.
    lost : float
        Share of all faces that lie within 3 mm of a wall.
    """

    points: np.ndarray
    normals: np.ndarray
    faces: np.ndarray
    lost: float

    def along(self, t: np.ndarray) -> np.ndarray:
        """Places (m, T, d) at distances t (T,), mm, from the points along their normals."""
        return np.asarray(self.points[:, None] + t[:, None] * self.normals[:, None])

    @classmethod
    def of(cls, domain: Domain, name: str) -> Outline:
        """Of a region; without points where all of it is at walls, or another's edge, or tiny."""
        mask: np.ndarray = getattr(domain, name)
        around = domain.WT if name != REGIONS[0] else np.ones_like(domain.WT)
        midpoints, clearance, own = _faces(mask, from_walls(domain), around)
        lost = 1.0 - float(np.mean(clearance > CLEARANCES_MM[0])) if clearance.size else 1.0
        for least in CLEARANCES_MM:
            clear = own & (clearance > least)
            if clear.sum() >= FEWEST_FACES[domain.dimensions]:
                break
        index, faces = _pooled(midpoints[clear], CELL_MM[domain.dimensions] / domain.spacing)
        first = np.array([axis[0] for axis in domain.axes])
        normals = _normals(mask, index, _SMOOTHED_MM / domain.spacing)
        directed = normals.any(axis=1)
        points = first + domain.spacing * index
        return cls(points[directed], normals[directed], faces[directed], lost)


def from_walls(domain: Domain) -> np.ndarray:
    """Distance (mm) of every voxel from the nearest one with phi <= 1/2; the border is no wall."""
    if domain.tissue.all():
        return np.full(domain.phi.shape, np.inf)
    distance: np.ndarray = distance_transform_edt(domain.tissue, sampling=domain.spacing)
    return distance


def _faces(
    mask: np.ndarray, from_wall: np.ndarray, around: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Midpoints (n, d), in voxels, of the faces of a mask, and the distance of each from walls.

    Last whether there is more of the region around the mask, so that an edge is not that one's.
    """
    midpoints, clearance, own = [], [], []
    for axis in range(mask.ndim):
        one, other = pairs(mask, axis)
        edge = one != other
        half = 0.5 * (np.arange(mask.ndim) == axis)
        midpoints.append(np.argwhere(edge) + half)
        clearance.append(np.minimum(*pairs(from_wall, axis))[edge])
        own.append(np.logical_and(*pairs(around, axis))[edge])
    return np.concatenate(midpoints), np.concatenate(clearance), np.concatenate(own)


def _pooled(midpoints: np.ndarray, cell: float) -> tuple[np.ndarray, np.ndarray]:
    """Means (m, d) of the midpoints within each cell, and their numbers (m,)."""
    if not len(midpoints):
        return midpoints, np.zeros(0)
    _, which, faces = np.unique(
        np.floor(midpoints / cell).astype(int), axis=0, return_inverse=True, return_counts=True
    )
    sums = np.zeros((len(faces), midpoints.shape[1]))
    np.add.at(sums, which.ravel(), midpoints)
    return sums / faces[:, None], faces


def _normals(mask: np.ndarray, index: np.ndarray, width: float) -> np.ndarray:
    """Minus the direction of the gradient of the smoothed mask, at points (m, d) in voxels.

    0 where there is none: in the middle of a few voxels all of whose faces are one point.
    """
    smooth: np.ndarray = gaussian_filter(mask.astype(np.float64), width)
    inward = np.stack([map_coordinates(g, index.T, order=1) for g in np.gradient(smooth)], axis=1)
    steepness = np.linalg.norm(inward, axis=1, keepdims=True)
    return np.asarray(np.where(steepness > _FLAT, -inward / (steepness + 1e-9), 0.0))
