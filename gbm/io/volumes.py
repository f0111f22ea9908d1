"""Volumes: arrays with their place in the world, RAS orientation, 1 mm grids, resampling."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
from nibabel import orientations
from scipy import ndimage


@dataclass(frozen=True)
class Volume:
    """A 3-D array with its place in the world.

    Attributes
    ----------
    data : ndarray, (nx, ny, nz)
        Values.
    affine : ndarray, (4, 4)
        Voxel index to world RAS mm.
    path : Path or None
        The file it came from, for messages.
    """

    data: np.ndarray
    affine: np.ndarray
    path: Path | None = None

    @property
    def voxel_ml(self) -> float:
        """Volume of a voxel, ml."""
        return abs(float(np.linalg.det(self.affine[:3, :3]))) / 1000.0

    @property
    def spacing(self) -> np.ndarray:
        """Voxel size along each array axis, mm."""
        return np.linalg.norm(self.affine[:3, :3], axis=0)

    def with_data(self, data: np.ndarray) -> Volume:
        """Return other values on the same grid."""
        return replace(self, data=data)

    def same_grid(self, other: Volume) -> bool:
        """Whether both have the same shape and (to 1e-3 mm) the same affine."""
        same_shape = self.data.shape == other.data.shape
        return same_shape and bool(np.allclose(self.affine, other.affine, rtol=0, atol=1e-3))


def three_axes(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape of a file's image as a volume's: without trailing axes, with those that miss.

    >>> three_axes((4, 5)), three_axes((4, 5, 6, 1))
    ((4, 5, 1), (4, 5, 6))
    """
    return tuple(shape[:3]) + (1,) * (3 - len(shape[:3]))


def canonical(volume: Volume) -> Volume:
    """Permute and flip the axes so that they run as nearly as possible along +R, +A, +S."""
    return _oriented_like(volume, Volume(volume.data, np.eye(4)))


def _oriented_like(volume: Volume, reference: Volume) -> Volume:
    """Permute and flip the axes so that they run as nearly as possible along another grid's."""
    start, end = (orientations.io_orientation(v.affine) for v in (volume, reference))
    order = orientations.ornt_transform(start, end)
    data = np.ascontiguousarray(orientations.apply_orientation(volume.data, order))
    affine = volume.affine @ orientations.inv_ornt_aff(order, volume.data.shape)
    return Volume(data, affine, volume.path)


def one_millimetre_grid(volume: Volume) -> Volume:
    """Return an empty RAS grid of 1 mm that covers the volume's field of view.

    Oblique axes are kept (a slice of the file stays a slice of the grid); only a sheared
    grid is replaced by one along the world axes. Single slices stay single.
    """
    grid = canonical(volume)
    axes: np.ndarray = grid.affine[:3, :3] / grid.spacing
    shape = np.array(grid.data.shape)
    if np.abs(axes.T @ axes - np.eye(3)).max() > 1e-3:
        ends = np.array(np.meshgrid(*[(-0.5, n - 0.5) for n in shape], indexing="ij"))
        world = grid.affine[:3, :3] @ ends.reshape(3, -1) + grid.affine[:3, 3:]
        low, high = world.min(axis=1), world.max(axis=1)
        new_shape = np.maximum(np.ceil(high - low - 1e-3), 1).astype(int)
        new_axes, origin = np.eye(3), low + 0.5
    else:
        size = np.where(shape == 1, 1.0, shape * grid.spacing)
        new_shape = np.maximum(np.ceil(size - 1e-2), 1).astype(int)
        step = np.where(np.abs(grid.spacing - 1.0) < 1e-3, grid.spacing, 1.0)
        new_axes = axes * step
        start = np.where((shape == 1) | (step == grid.spacing), 0.0, 0.5 / grid.spacing - 0.5)
        origin = grid.affine[:3, :3] @ start + grid.affine[:3, 3]
        new_shape = np.where(step == grid.spacing, shape, new_shape)
    affine = np.eye(4)
    affine[:3, :3], affine[:3, 3] = new_axes, origin
    return Volume(np.zeros(tuple(new_shape), np.uint8), affine, volume.path)


def to_one_millimetre(volume: Volume, order: Literal[0, 1] = 1) -> Volume:
    """Reorient to RAS and resample to 1 mm isotropic (`order` 0: labels, 1: images)."""
    return resample_to(volume, one_millimetre_grid(volume), order)


def resample_to(
    volume: Volume, reference: Volume, order: Literal[0, 1] = 1, fill: float = 0.0
) -> Volume:
    """Resample onto another grid.

    Parameters
    ----------
    volume : Volume
        What is resampled.
    reference : Volume
        Its grid is taken.
    order : int
        0 nearest, 1 linear.
    fill : float
        Value outside the field of view (half a voxel beyond the outermost centres).

    Returns
    -------
    Volume
        In the dtype of `volume` for `order` 0, float32 otherwise.
    """
    turned = _oriented_like(volume, reference)
    if turned.same_grid(reference):
        data = turned.data if order == 0 else turned.data.astype(np.float32, copy=False)
        return Volume(data, reference.affine, volume.path)
    to_index = np.linalg.inv(volume.affine) @ reference.affine
    # Noise of the inversion must not tip a centre into the next voxel.
    to_index = np.round(to_index, 9)
    kind = volume.data.dtype if order == 0 else np.dtype(np.float32)
    source = volume.data.astype(np.float32)
    out = np.empty(reference.data.shape, kind)
    grid = np.indices(reference.data.shape[:2], dtype=np.float64)
    last = np.array(volume.data.shape, dtype=np.float64)[:, None, None] - 1.0
    for k in range(reference.data.shape[2]):
        index = (
            to_index[:3, 0, None, None] * grid[0]
            + to_index[:3, 1, None, None] * grid[1]
            + (to_index[:3, 2] * k + to_index[:3, 3])[:, None, None]
        )
        inside = np.all((index >= -0.5 - 1e-6) & (index <= last + 0.5 + 1e-6), axis=0)
        values = np.full(inside.shape, fill, dtype=np.float32)
        if inside.any():
            points = np.clip(index, 0.0, last)[:, inside]
            sampled = np.empty(points.shape[1], dtype=np.float32)
            ndimage.map_coordinates(
                source, points, output=sampled, order=order, mode="nearest", prefilter=False
            )
            values[inside] = sampled
        out[:, :, k] = values.astype(kind)
    return Volume(out, reference.affine, volume.path)


def coverage(mask: Volume, other: Volume) -> float:
    """Return the part of a mask's voxels whose centres lie in the field of view of another grid."""
    index = np.argwhere(mask.data)
    if not len(index):
        return 0.0
    to_index = np.linalg.inv(other.affine) @ mask.affine
    places = index @ to_index[:3, :3].T + to_index[:3, 3]
    last = np.array(other.data.shape) - 1
    return float(np.mean(np.all((places >= -0.501) & (places <= last + 0.501), axis=1)))
