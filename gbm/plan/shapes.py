"""Plans of equal volume: a margin around the core, and the voxels of the highest density.

    standard   {x in the brain : d(x, core) <= margin}
    model      the |standard| voxels of the brain of the highest density u, equals by d(x, core)

The standard plan is that of the ESTRO-EANO guideline (Niyazi et al. 2023, Radiother Oncol
184:109663: gross tumour and 15 mm, edited at barriers) without the edits of a physician but the
border of the brain, and that of the benchmark PREDICT-GBM on a grid of 1 mm. Research use only:
none of them is meant for treatment.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import distance_transform_edt

from gbm.io.volumes import Volume

ROUNDING_MM = 1e-4
"""Affines in single precision move distances by less: a voxel at the margin belongs to the plan."""


@dataclass(frozen=True)
class Drawn:
    """A plan (nx, ny, nz) and how many of its voxels equal densities left to the distance."""

    mask: np.ndarray
    filled_by_distance: int


@dataclass(frozen=True)
class Ground:
    """What plans are drawn on.

    Attributes
    ----------
    brain : bool ndarray (nx, ny, nz)
        Where a plan may lie.
    distance : float ndarray (nx, ny, nz)
        Distance of the voxel's centre to the nearest centre of a voxel of the core, mm; infinite
        outside the box of brain and core.
    core : bool ndarray (nx, ny, nz)
        Where distances begin.
    spacing : ndarray (3,)
        Voxel size, mm; distances take the axes to be at right angles.
    voxel_ml : float
        Volume of a voxel, ml.
    """

    brain: np.ndarray
    distance: np.ndarray
    core: np.ndarray
    spacing: np.ndarray
    voxel_ml: float

    @classmethod
    def of(cls, brain: np.ndarray, core: Volume) -> Ground:
        """The ground of a brain, on the grid of a core that is not empty."""
        box = bounding_box(brain | core.data)
        distance = np.full(brain.shape, np.inf, np.float32)
        distance[box] = distance_transform_edt(~core.data[box], sampling=core.spacing)
        return cls(brain, distance, core.data, core.spacing, core.voxel_ml)

    def standard(self, margin_mm: float) -> np.ndarray:
        """Every voxel of the brain within a margin of the core."""
        return self.brain & (self.distance <= margin_mm + ROUNDING_MM)

    def of_volume(self, values: np.ndarray, voxels: int) -> Drawn:
        """The voxels of the brain with the highest values, so many and no more.

        Parameters
        ----------
        values : ndarray (nx, ny, nz)
            Density, or probability; finite inside the brain.
        voxels : int
            At most those of the brain.

        Returns
        -------
        Drawn
            Of voxels of one value the nearer to the core come first, then those of the lower index:
            the same bits at every run. `filled_by_distance` counts the voxels of the last value
            that is in, if it is 0 or not all of its voxels are in.
        """
        mask = np.zeros(self.brain.shape, bool)
        places = np.flatnonzero(self.brain)
        if voxels == 0:
            return Drawn(mask, 0)
        own = values.ravel()[places]
        last = np.partition(own, own.size - voxels)[own.size - voxels]
        sure, equal = places[own > last], places[own == last]
        missing = voxels - sure.size
        order = np.lexsort((equal, self.distance.ravel()[equal]))
        mask.ravel()[sure] = True
        mask.ravel()[equal[order[:missing]]] = True
        return Drawn(mask, missing if last <= 0 or missing < equal.size else 0)


def bounding_box(mask: np.ndarray, margin: int = 0) -> tuple[slice, ...]:
    """The smallest box around a mask, wider by a margin of voxels; everything where it is empty."""
    box = []
    for axis in range(mask.ndim):
        places = np.flatnonzero(mask.any(axis=tuple(a for a in range(mask.ndim) if a != axis)))
        if not places.size:
            return tuple(slice(0, n) for n in mask.shape)
        low, high = max(int(places[0]) - margin, 0), int(places[-1]) + 1 + margin
        box.append(slice(low, min(high, mask.shape[axis])))
    return tuple(box)
