"""Predictions as NIfTI on the segmentation file's own grid, in the patient's own space.

The 2-D problem lives on a 1 mm slice. Its fields go back into the file slice it was taken from: for
any orientation, voxel size and oblique affine, the centre of every voxel of that file slice is
mapped to the plane and the field is interpolated there. Every other voxel is 0.
"""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from scipy.ndimage import map_coordinates

from gbm.domain.domain import Domain
from gbm.domain.plane import slicing_axis, world_to_index
from gbm.io.files import write_bytes
from gbm.io.layout import Layout, arrays
from gbm.results.patient_result import PatientResult

TISSUE_LEVEL = 0.5
"""A voxel is tissue where the phase field exceeds this."""


def predicted_density(result: PatientResult, files: Layout) -> np.ndarray:
    """The density of the headline by finite volumes, on the voxel centres of the domain."""
    record, name = files.baselines, "u_direct"
    if result.method == "bilo":
        record, name = files.verified(result.headline), "u_fdm"
    with np.load(arrays(record), allow_pickle=False) as stored:
        found: np.ndarray = stored[name]
    return found


def into_slice(
    domain: Domain, field: np.ndarray, shape: tuple[int, ...], affine: np.ndarray
) -> np.ndarray:
    """Put a field of the 2-D problem into its slice of an image grid (linear interpolation).

    Parameters
    ----------
    domain : Domain
        `domain.slice` counts along the grid's axis that runs across the plane.
    field : (nx, ny) array
        On the voxel centres of the domain; 0 is assumed outside.
    shape, affine
        The image grid; two axes, or three and trailing singletons.

    Returns
    -------
    array of `shape`, float64
        Finite, 0 outside the slice.

    Raises
    ------
    ValueError
        If the grid has no such slice: the domain belongs to another file.
    """
    grid = tuple(shape[:3]) + (1,) * (3 - len(shape[:3]))
    across = slicing_axis(domain, affine)
    if not 0 <= domain.slice < grid[across]:
        raise ValueError(
            f"slice {domain.slice} of the domain is outside axis {across} of the grid {grid}"
        )
    ranges = [np.arange(n) for n in grid]
    ranges[across] = np.array([domain.slice])
    voxels = np.stack(np.meshgrid(*ranges, indexing="ij"), axis=-1)
    world = voxels @ np.asarray(affine)[:3, :3].T + np.asarray(affine)[:3, 3]
    index = np.moveaxis(world_to_index(domain, world), -1, 0)
    # Rounding of the affine would push the outermost centres a hair outside the array.
    index = np.where(np.abs(index - np.round(index)) < 1e-6, np.round(index), index)
    values = map_coordinates(np.nan_to_num(field), index, order=1, mode="constant", cval=0.0)
    volume = np.zeros(grid)
    position: list[Any] = [slice(None)] * 3
    position[across] = slice(domain.slice, domain.slice + 1)
    volume[tuple(position)] = values
    return volume.reshape(shape)


def predicted_regions(
    density: np.ndarray, phi: np.ndarray, thresholds: Mapping[str, float | None]
) -> dict[str, np.ndarray]:
    """Masks {density > threshold} inside the tissue; a region without a threshold is empty."""
    tissue = phi > TISSUE_LEVEL
    return {
        name: tissue & (density > level) if level is not None else np.zeros_like(tissue)
        for name, level in thresholds.items()
    }


def write_like(reference: nib.Nifti1Image, data: np.ndarray, path: Path) -> None:
    """Write `data` with the grid, axes codes and units of `reference`, atomically."""
    header = reference.header.copy()
    header.set_data_dtype(data.dtype)
    header.set_slope_inter(1.0, 0.0)
    header["cal_min"], header["cal_max"] = 0.0, float(data.max(initial=0)) or 1.0
    header["descrip"] = b""
    content = type(reference)(data, reference.affine, header).to_bytes()
    # mtime 0: the same prediction gives the same bytes.
    write_bytes(path, gzip.compress(content, 6, mtime=0) if path.suffix == ".gz" else content)
