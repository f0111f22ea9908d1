"""Construction of the problem from tissue maps and a segmentation, in two or three dimensions."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import ndimage

from gbm.config.errors import InputError
from gbm.config.settings import Settings
from gbm.domain.domain import Domain
from gbm.domain.fitted_grid import MULTIPLE, FittedGrid, fitted_grid
from gbm.imaging.labels import TumourRegions
from gbm.imaging.overlap import SIZE_NAMES, equal_radius, size
from gbm.imaging.tissue import Tissue, fill
from gbm.imaging.tumour_shape import second_focus
from gbm.io.memory import require_memory
from gbm.io.volumes import Volume

PHI_FLOOR = 1e-4
MARGIN_MM = 5


def phase_field(mask: np.ndarray, h: float, eps: float) -> np.ndarray:
    """Return the equilibrium profile of the phase field of a mask.

    ``phi = (1 + tanh(3 d / eps)) / 2``, at least 1e-4, with d the signed distance (positive
    inside) to the border of the mask, measured to voxel edges.

    Parameters
    ----------
    mask : ndarray of bool
        Tissue.
    h : float
        Grid spacing, mm.
    eps : float
        Interface width, mm.
    """
    if not mask.any():
        return np.full(mask.shape, PHI_FLOOR)
    # A border of the array is no border of the tissue, hence no padding.
    inside = ndimage.distance_transform_edt(mask) if not mask.all() else np.full(mask.shape, 1e3)
    distance = np.where(mask, inside - 0.5, 0.5 - ndimage.distance_transform_edt(~mask))
    phi: np.ndarray = 0.5 * (1.0 + np.tanh(3.0 * h * distance / eps))
    return np.maximum(phi, PHI_FLOOR)


def outside_fraction(tissue: Tissue, whole: Volume, fitted: FittedGrid) -> float:
    """Return the part of WT with phi < 1/2 on the fitted grid, for maps that are not filled."""
    share = fitted.on(tissue.wm, 1) + fitted.on(tissue.gm, 1)
    return float((share < 0.5)[fitted.on(whole, 0)].mean())


def build_domain(
    patient_id: str, tissue: Tissue, regions: TumourRegions, settings: Settings
) -> Domain:
    """Make the problem of a patient.

    Parameters
    ----------
    patient_id : str
        Name of the patient.
    tissue : Tissue
        Maps on any grid, untreated inside the tumour.
    regions : TumourRegions
        On the grid of the segmentation file.
    settings : Settings
        `dimensions`; sections `slice` and `tissue`.

    Raises
    ------
    InputError
        If the slice does not exist or shows no tumour, there is no tissue on it, or the whole
        tumour would take more memory than there is.
    """
    fitted, choice = fitted_grid(regions, settings), settings.tissue
    if settings.dimensions == 3:
        require_memory(fitted.grid.data.size, regions.WT.path)
    kind: Any = np.float64 if settings.dimensions == 2 else np.float32
    whole, core = fitted.on(regions.WT, 0), fitted.on(regions.TC, 0)
    wm, gm, csf = (fitted.on(m, 1).astype(kind) for m in (tissue.wm, tissue.gm, tissue.csf))
    outside = outside_fraction(tissue, regions.WT, fitted)
    if choice.fill_tumour:
        wm, gm, csf = fill(wm, gm, csf, whole)
    mask = wm + gm >= 0.5
    if not mask.any():
        where = "on the fitted slice" if settings.dimensions == 2 else "around the tumour"
        raise InputError(f"there is no tissue {where}", file=regions.WT.path)
    window = _window(mask | whole | (csf > 0.5))
    wm, gm, csf = (np.ascontiguousarray(a[window]) for a in (wm, gm, csf))
    whole, core, mask = (np.ascontiguousarray(a[window]) for a in (whole, core, mask))
    affine, axes = _axes(fitted, window)
    phi = phase_field(mask, 1.0, choice.interface_width_mm).astype(kind)
    centroid = np.argwhere(core if core.any() else whole).mean(axis=0)
    return Domain(
        patient=patient_id,
        P=wm + gm / kind(choice.white_to_grey),
        phi=phi,
        WT=whole,
        TC=core,
        wm=wm,
        gm=gm,
        csf=csf,
        axes=axes,
        x0=_into_tissue(centroid, phi > 0.5, axes),
        affine=affine,
        numbers={
            "wt_outside_tissue_fraction": outside,
            **_sizes(whole, core, mask, axes),
            **({} if fitted.plane else {"slice_thickness_mm": float(regions.WT.spacing.max())}),
        },
        plane=fitted.plane,
        slice=fitted.index,
    )


def _sizes(
    whole: np.ndarray, core: np.ndarray, tissue: np.ndarray, axes: tuple[np.ndarray, ...]
) -> dict[str, float]:
    """Sizes of the regions, the radii of discs or balls as large, the foci on a slice."""
    h, name = float(axes[0][1] - axes[0][0]), SIZE_NAMES[whole.ndim]
    regions = {"wt": whole, "tc": core, "tissue": tissue}
    sizes = {f"{key}_{name}": size(mask, h) for key, mask in regions.items()}
    radii = {f"radius_{r}_mm": equal_radius(m, h) for r, m in (("WT", whole), ("TC", core))}
    if whole.ndim == 3:  # its foci are those of the segmentation
        return sizes | radii
    return {**sizes, **radii, "second_focus": max(second_focus(whole), second_focus(core))}


def _window(occupied: np.ndarray) -> tuple[slice, ...]:
    """Return the bounding box with a margin, inside the array; of a volume in whole cells."""
    box, multiple = [], 1 if occupied.ndim == 2 else MULTIPLE
    for axis, n in enumerate(occupied.shape):
        others = tuple(k for k in range(occupied.ndim) if k != axis)
        places = np.flatnonzero(occupied.any(axis=others))
        first = max(int(places[0]) - MARGIN_MM, 0)
        last = min(int(places[-1]) + MARGIN_MM + 1, n)
        length = -(-(last - first) // multiple) * multiple
        first = min(first, n - length)
        box.append(slice(first, first + length))
    return tuple(box)


def _axes(
    fitted: FittedGrid, window: tuple[slice, ...]
) -> tuple[np.ndarray, tuple[np.ndarray, ...]]:
    """Return the array's affine and the coordinates of its axes."""
    grid, own = fitted.grid.affine, fitted.axes
    order = [*own] if fitted.across is None else [*own, fitted.across]
    affine = np.eye(4)
    affine[:3, :3] = grid[:3, order]
    start = np.array([part.start for part in window])
    affine[:3, 3] = grid[:3, 3] + affine[:3, : len(own)] @ start
    coordinates = []
    for axis, part in enumerate(window):
        step = float(np.linalg.norm(affine[:3, axis]))
        origin = float(affine[:3, axis] @ affine[:3, 3]) / step
        coordinates.append(origin + step * np.arange(part.stop - part.start))
    return affine, tuple(coordinates)


def _into_tissue(
    centroid: np.ndarray, tissue: np.ndarray, axes: tuple[np.ndarray, ...]
) -> np.ndarray:
    """Return the point in mm; outside the tissue the nearest voxel of tissue."""
    index = tuple(np.rint(centroid).astype(int))
    if not tissue[index] and tissue.any():
        places = np.argwhere(tissue)
        centroid = places[((places - centroid) ** 2).sum(axis=1).argmin()].astype(float)
    return np.array([a[0] + (a[1] - a[0]) * c for a, c in zip(axes, centroid, strict=True)])
