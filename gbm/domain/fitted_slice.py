"""The fitted slice: which slice of the segmentation file, and its 1 mm grid in the world."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from nibabel import orientations

from gbm.config.errors import InputError
from gbm.config.settings import Plane, SliceSettings
from gbm.imaging.labels import TumourRegions
from gbm.io.volumes import Volume, one_millimetre_grid, resample_to

AXES: dict[Plane, int] = {"sagittal": 0, "coronal": 1, "axial": 2}


@dataclass(frozen=True)
class FittedSlice:
    """A slice of the segmentation file as a 1 mm grid.

    Attributes
    ----------
    plane : str
        ``axial``, ``coronal`` or ``sagittal``.
    axis : int
        Axis of the segmentation file that runs across the plane.
    index : int
        Slice of the file along that axis.
    grid : Volume
        Empty RAS grid of 1 mm with one voxel across the plane; in-plane axes ascend.
    across : int
        Axis of `grid` that has one voxel.
    """

    plane: Plane
    axis: int
    index: int
    grid: Volume
    across: int


def choose_slab(regions: TumourRegions, choice: SliceSettings) -> FittedSlice:
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
    return FittedSlice(plane, axis, index, _grid(whole, axis, index, across), across)


def on_slab(volume: Volume, slab: FittedSlice, order: Literal[0, 1]) -> np.ndarray:
    """Return a volume on the 1 mm grid of the fitted slice, (nx, ny)."""
    return np.take(resample_to(volume, slab.grid, order).data, 0, axis=slab.across)


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
