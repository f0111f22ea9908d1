"""What is fitted, as a 1 mm grid in the world: a slice of the segmentation file, or the tumour."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from nibabel import orientations

from gbm.config.errors import InputError
from gbm.config.model import Plane
from gbm.config.settings import Settings, SliceSettings
from gbm.imaging.labels import TumourRegions
from gbm.io.volumes import Volume, one_millimetre_grid, resample_to

AXES: dict[Plane, int] = {"sagittal": 0, "coronal": 1, "axial": 2}


MARGIN_MM = 40
"""Around a tumour in three dimensions: at the widest fronts of real heads, lambda = 5 mm, the
density falls to exp(-8) of that at the outline."""
MULTIPLE = 4
"""Voxels along each axis of a volume: whole cells of 2 and 4 mm."""


@dataclass(frozen=True)
class FittedGrid:
    """A slice of the segmentation file, or the surroundings of the whole tumour, at 1 mm.

    Attributes
    ----------
    grid : Volume
        Empty RAS grid of 1 mm, axes ascending; a slice has one voxel across.
    plane : str or None
        ``axial``, ``coronal`` or ``sagittal``; None for the whole tumour, like what follows.
    axis : int or None
        Axis of the segmentation file that runs across the plane.
    index : int or None
        Slice of the file along that axis.
    across : int or None
        Axis of `grid` that has one voxel.
    """

    grid: Volume
    plane: Plane | None = None
    axis: int | None = None
    index: int | None = None
    across: int | None = None

    @property
    def axes(self) -> tuple[int, ...]:
        """Axes of `grid` that are those of the problem."""
        return tuple(axis for axis in range(3) if axis != self.across)

    def on(self, volume: Volume, order: Literal[0, 1]) -> np.ndarray:
        """A volume on this grid, as an array of the problem's axes; 0 nearest, 1 linear."""
        data = resample_to(volume, self.grid, order).data
        return data if self.across is None else np.take(data, 0, axis=self.across)


def fitted_grid(regions: TumourRegions, settings: Settings) -> FittedGrid:
    """The grid of the problem: a slice (settings `slice`) or, in 3-D, the whole tumour's."""
    if settings.dimensions == 3:
        return around(regions)
    return choose_slab(regions, settings.slice)


def around(regions: TumourRegions) -> FittedGrid:
    """The whole tumour and `MARGIN_MM` on every side, whether the file goes so far or not.

    Raises
    ------
    InputError
        If the file is a single slice.
    """
    if 1 in regions.WT.data.shape:
        raise InputError(
            "the segmentation is a single slice, which has no whole tumour: use dimensions: 2",
            file=regions.WT.path,
            key="dimensions",
        )
    grid = one_millimetre_grid(regions.WT)
    places = np.argwhere(resample_to(regions.WT, grid, 0).data)
    low, high = places.min(axis=0) - MARGIN_MM, places.max(axis=0) + 1 + MARGIN_MM
    shape = -(-(high - low) // MULTIPLE) * MULTIPLE
    affine = grid.affine.copy()
    affine[:3, 3] = grid.affine[:3, :3] @ low + grid.affine[:3, 3]
    return FittedGrid(Volume(np.zeros(tuple(shape), np.uint8), affine, regions.WT.path))


def choose_slab(regions: TumourRegions, choice: SliceSettings) -> FittedGrid:
    """Find the slice to fit.

    Parameters
    ----------
    regions : TumourRegions
        On the grid of the segmentation file.
    choice : SliceSettings
        Plane, and index in the file; None takes the slice of the largest WT area. A file of a
        single slice decides the plane itself.

    Raises
    ------
    InputError
        If the index is outside the file or WT is empty there.
    """
    whole = regions.WT
    order, signs = orientations.io_orientation(whole.affine).T.astype(int)
    plane = choice.plane
    thin = [axis for axis in range(3) if whole.data.shape[axis] == 1]
    if len(thin) == 1:
        plane = next(name for name, world in AXES.items() if world == order[thin[0]])
    across = AXES[plane]
    axis = int(np.flatnonzero(order == across)[0])
    areas = whole.data.sum(axis=tuple(a for a in range(3) if a != axis))
    index = _largest(areas, bool(signs[axis] < 0)) if choice.index is None else choice.index
    if index >= areas.size:
        text = f"slice {index} is outside the segmentation, which has {areas.size} {plane} slices"
        raise InputError(text, file=whole.path, key="slice.index")
    if areas[index] == 0:
        text = f"the whole tumour (WT) is empty in {plane} slice {index}"
        raise InputError(text, file=whole.path, key="slice.index")
    return FittedGrid(_grid(whole, axis, index, across), plane, axis, index, across)


def _largest(areas: np.ndarray, descending: bool) -> int:
    """Return the largest area; of equals the lowest in the world, however the file is stored."""
    if descending:
        return int(areas.size - 1 - np.argmax(areas[::-1]))
    return int(np.argmax(areas))


def _grid(whole: Volume, axis: int, index: int, across: int) -> Volume:
    grid = one_millimetre_grid(whole)
    # The plane passes through the file's slice, wherever the 1 mm grid has its own planes.
    centre = np.array([(n - 1) / 2 for n in whole.data.shape] + [1.0])
    centre[axis] = index
    position = (np.linalg.inv(grid.affine) @ whole.affine @ centre)[across]
    affine = grid.affine.copy()
    affine[:3, 3] += affine[:3, across] * position
    shape = list(grid.data.shape)
    shape[across] = 1
    return Volume(np.zeros(shape, np.uint8), affine, whole.path)
