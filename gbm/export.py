"""Predictions as NIfTI on the segmentation file's own grid, in the patient's own space.

The 2-D problem lives on a 1 mm slice. Its fields go back into the file slice it was taken from: for
any orientation, voxel size and oblique affine, the centre of every voxel of that file slice is
mapped to the plane and the field is interpolated there. Every other voxel is 0.
"""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import nibabel as nib
import numpy as np
from scipy.ndimage import map_coordinates

from gbm.domain import Domain, load_domain
from gbm.files import read_json, write_bytes, write_json
from gbm.plane import slicing_axis, world_to_index

TISSUE_LEVEL = 0.5
"""A voxel is tissue where the phase field exceeds this."""


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


def _value(entry: Any) -> float | None:
    """A number, or the value of a {"value", "sd"} pair."""
    return entry["value"] if isinstance(entry, Mapping) else entry


def run(
    *,
    domain: Path,
    params: Path,
    verification: Path,
    segmentation: Path,
    density: Path,
    masks: Mapping[str, Path],
) -> None:
    """Write the density of the verified solution and the predicted masks.

    Parameters
    ----------
    domain : Path
        `desc-domain.npz`.
    params : Path
        `desc-growth_params.json` (thresholds, provenance of the sidecars).
    verification : Path
        The headline fit's `verify/<name>.npz`: `u_fdm` (nx, ny) at the inferred parameters.
    segmentation : Path
        The NIfTI file that gives the grid.
    density : Path
        `..._desc-fit_celldensity.nii.gz`; its JSON sidecar is written beside it.
    masks : mapping from "WT", "TC" to Path
        `..._label-<region>_desc-predicted_mask.nii.gz`, with sidecars.
    """
    problem = load_domain(domain)
    fitted = read_json(params)
    with np.load(verification, allow_pickle=False) as arrays:
        u = np.clip(arrays["u_fdm"], 0.0, 1.0)
    reference = cast(nib.Nifti1Image, nib.load(segmentation))
    shape, affine = reference.shape, reference.affine
    phi = into_slice(problem, problem.phi, shape, affine)
    cells = into_slice(problem, u, shape, affine)
    cells[phi <= TISSUE_LEVEL] = 0.0
    write_like(reference, cells.astype(np.float32), density)
    thresholds = {name: _value(fitted["thresholds"].get(name)) for name in masks}
    regions = predicted_regions(cells, phi, thresholds)
    for name, path in masks.items():
        write_like(reference, regions[name].astype(np.uint8), path)

    common = {
        "Sources": [f"bids::{domain.name}", segmentation.name],
        "SpatialReference": segmentation.name,
        "Plane": problem.plane,
        "SliceIndex": problem.slice,
        "SliceAxis": slicing_axis(problem, affine),
        "Parameters": {
            key: fitted.get(key) for key in ("DT_mm2", "rhoT", "lambda_mm", "x0_mm", "thresholds")
        },
        "Status": fitted.get("status"),
        "GeneratedBy": fitted.get("versions", {}),
    }
    write_json(
        sidecar(density),
        {
            "Description": "Tumour cell density of the Fisher-KPP model at the time of the scan, "
            "solved by finite volumes at the inferred parameters on one slice. "
            "0 outside that slice and outside the tissue.",
            "Units": "1 (fraction of the carrying capacity)",
            **common,
        },
    )
    for name, path in masks.items():
        write_json(
            sidecar(path),
            {
                "Description": f"Predicted {name}: density above the threshold, inside the tissue.",
                "Type": "ROI",
                "Threshold": thresholds[name],
                **common,
            },
        )


def sidecar(path: Path) -> Path:
    """The JSON file beside a `.nii` or `.nii.gz`."""
    return path.with_name(path.name.removesuffix(".gz").removesuffix(".nii") + ".json")
