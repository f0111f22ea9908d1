"""Predictions as NIfTI on the segmentation file's own grid, in the patient's own space.

The problem lives on 1 mm voxels: a slice of the file, or a crop around the whole tumour. For any
orientation, voxel size and oblique affine, the centre of every voxel of the file is mapped to them
and the field is interpolated there, slab by slab. A slice goes back into the file's slice that it
was taken from. Every other voxel is 0.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from scipy.ndimage import map_coordinates

from gbm.domain.domain import Domain
from gbm.domain.plane import slicing_axis
from gbm.io.files import read_npz
from gbm.io.layout import Layout, arrays
from gbm.io.volumes import three_axes
from gbm.results.patient_result import PatientResult

TISSUE_LEVEL = 0.5
"""A voxel is tissue where the phase field exceeds this."""

Part = tuple[slice, slice, slice]


def predicted_density(result: PatientResult, files: Layout) -> np.ndarray:
    """The density of the headline by finite volumes, on the voxel centres of the domain."""
    record, name = files.baselines, "u_direct"
    if result.method == "bilo":
        record, name = files.verified(result.headline), "u_fdm"
    return read_npz(arrays(record))[name]


def into_file(
    domain: Domain, field: np.ndarray, shape: tuple[int, ...], affine: np.ndarray
) -> np.ndarray:
    """Put a field of the problem onto an image grid (multilinear interpolation).

    Parameters
    ----------
    domain : Domain
        In the plane, `domain.slice` counts along the grid's axis that runs across it.
    field : (n_1, .., n_d) array
        On the voxel centres of the domain; 0 is assumed outside.
    shape, affine
        The image grid; two axes, or three and trailing singletons.

    Returns
    -------
    array of `shape`, of the dtype of `field`
        Finite, 0 outside the slice or crop.

    Raises
    ------
    ValueError
        If the grid has no such slice: the domain belongs to another file.
    """
    volume = np.zeros(three_axes(shape), field.dtype)
    known = np.nan_to_num(field)
    for part, inside, index in _centres(domain, volume.shape, affine):
        volume[part][inside] = _linear(known, index)
    return volume.reshape(shape)


def density_in_file(
    domain: Domain, u: np.ndarray, shape: tuple[int, ...], affine: np.ndarray
) -> np.ndarray:
    """Put a density onto an image grid, see `into_file`; 0 outside the tissue too.

    Returns
    -------
    array of `shape`, float32
        In [0, 1].
    """
    volume = np.zeros(three_axes(shape), np.float32)
    known = np.nan_to_num(u)
    for part, inside, index in _centres(domain, volume.shape, affine):
        tissue = _linear(domain.phi, index) > TISSUE_LEVEL
        volume[part][inside] = np.where(tissue, np.clip(_linear(known, index), 0.0, 1.0), 0.0)
    return volume.reshape(shape)


def _centres(
    domain: Domain, grid: tuple[int, ...], affine: np.ndarray
) -> Iterator[tuple[Part, np.ndarray, np.ndarray]]:
    """Slabs of a grid, which of their voxels lie in the domain, and where.

    Yields
    ------
    part : tuple of slice
        One slab of the grid.
    inside : array of bool
        Of the shape of the slab.
    index : (d, n) array
        Array indices of the domain, of those inside.
    """
    axes = np.linalg.pinv(domain.affine[:3, : domain.dimensions])
    to_domain = axes @ np.asarray(affine, dtype=float)[:3, :3]
    start = axes @ (np.asarray(affine, dtype=float)[:3, 3] - domain.affine[:3, 3])
    last = np.array(domain.phi.shape)[:, None, None, None] - 1.0
    for part in _slabs(domain, grid, affine):
        ranges = [np.arange(n)[own] for n, own in zip(grid, part, strict=True)]
        voxels = np.stack(np.meshgrid(*ranges, indexing="ij"))
        index = np.tensordot(to_domain, voxels, axes=1) + start[:, None, None, None]
        # Rounding of the affine would push the outermost centres a hair outside the array.
        index = np.where(np.abs(index - np.round(index)) < 1e-6, np.round(index), index)
        inside = np.all((index >= 0) & (index <= last), axis=0)
        if inside.any():
            yield part, inside, index[:, inside]


def _slabs(domain: Domain, grid: tuple[int, ...], affine: np.ndarray) -> Iterator[Part]:
    """The slice of a grid that is the domain's, or all slices along the last axis, one by one."""
    across, chosen = 2, range(grid[2])
    if domain.slice is not None:
        across = slicing_axis(domain, affine)
        if not 0 <= domain.slice < grid[across]:
            raise ValueError(
                f"slice {domain.slice} of the domain is outside axis {across} of the grid {grid}"
            )
        chosen = range(domain.slice, domain.slice + 1)
    for n in chosen:
        first, second, third = (
            slice(n, n + 1) if axis == across else slice(None) for axis in range(3)
        )
        yield first, second, third


def _linear(field: np.ndarray, index: np.ndarray) -> np.ndarray:
    values: np.ndarray = map_coordinates(field, index, order=1, mode="nearest")
    return values


def predicted_regions(
    density: np.ndarray, thresholds: Mapping[str, float | None]
) -> dict[str, np.ndarray]:
    """Masks {density > threshold} of a density that is 0 outside the tissue.

    A region without a threshold is empty.
    """
    return {
        name: density > level if level is not None else np.zeros(density.shape, bool)
        for name, level in thresholds.items()
    }
