"""Construction of the two-dimensional problem from tissue maps and a segmentation."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from gbm.config.errors import InputError
from gbm.config.settings import Settings
from gbm.domain.domain import Domain
from gbm.domain.fitted_slice import choose_slab, on_slab
from gbm.imaging.labels import TumourRegions
from gbm.imaging.tissue import Tissue, fill
from gbm.imaging.tumour_shape import second_focus

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


def outside_fraction(tissue: Tissue, regions: TumourRegions, settings: Settings) -> float:
    """Return the part of WT with phi < 1/2 on the fitted slice, for maps that are not filled."""
    slab = choose_slab(regions, settings.slice)
    share = on_slab(tissue.wm, slab, 1) + on_slab(tissue.gm, slab, 1)
    return float((share < 0.5)[on_slab(regions.WT, slab, 0)].mean())


def build_domain(
    patient_id: str, tissue: Tissue, regions: TumourRegions, settings: Settings
) -> Domain:
    """Make the 2-D problem of a patient.

    Parameters
    ----------
    patient_id : str
        Name of the patient.
    tissue : Tissue
        Maps on any grid, untreated inside the tumour.
    regions : TumourRegions
        On the grid of the segmentation file.
    settings : Settings
        Sections `slice` and `tissue`.

    Raises
    ------
    InputError
        If the slice does not exist or shows no tumour, or there is no tissue on it.
    """
    slab = choose_slab(regions, settings.slice)
    choice = settings.tissue
    whole, core = on_slab(regions.WT, slab, 0), on_slab(regions.TC, slab, 0)
    wm, gm, csf = (
        on_slab(m, slab, 1).astype(np.float64) for m in (tissue.wm, tissue.gm, tissue.csf)
    )
    outside = outside_fraction(tissue, regions, settings)
    if choice.fill_tumour:
        wm, gm, csf = fill(wm, gm, csf, whole)
    mask = wm + gm >= 0.5
    if not mask.any():
        raise InputError("there is no tissue on the fitted slice", file=regions.WT.path)
    window = _window(mask | whole | (csf > 0.5))
    wm, gm, csf = (a[window] for a in (wm, gm, csf))
    whole, core, mask = (a[window] for a in (whole, core, mask))
    affine, x, y = _axes(slab.grid.affine, slab.across, window)
    phi = phase_field(mask, 1.0, choice.interface_width_mm)
    centroid = np.argwhere(core if core.any() else whole).mean(axis=0)
    area = float((x[1] - x[0]) * (y[1] - y[0]))
    areas = {"wt": float(whole.sum()) * area, "tc": float(core.sum()) * area}
    return Domain(
        patient=patient_id,
        P=wm + gm / choice.white_to_grey,
        phi=phi,
        WT=whole,
        TC=core,
        wm=wm,
        gm=gm,
        csf=csf,
        x=x,
        y=y,
        x0=_into_tissue(centroid, phi > 0.5, x, y),
        plane=slab.plane,
        slice=slab.index,
        affine=affine,
        numbers={
            "wt_outside_tissue_fraction": outside,
            "wt_area_mm2": areas["wt"],
            "tc_area_mm2": areas["tc"],
            "radius_WT_mm": float(np.sqrt(areas["wt"] / np.pi)),
            "radius_TC_mm": float(np.sqrt(areas["tc"] / np.pi)),
            "tissue_area_mm2": float(mask.sum()) * area,
            "second_focus": max(second_focus(whole), second_focus(core)),
        },
    )


def _window(occupied: np.ndarray) -> tuple[slice, slice]:
    """Return the bounding box with a margin, inside the array."""
    box = []
    for axis in (0, 1):
        places = np.flatnonzero(occupied.any(axis=1 - axis))
        last = min(int(places[-1]) + MARGIN_MM + 1, occupied.shape[axis])
        box.append(slice(max(int(places[0]) - MARGIN_MM, 0), last))
    return box[0], box[1]


def _axes(
    grid: np.ndarray, across: int, window: tuple[slice, slice]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the array's affine and the coordinates of its two axes."""
    first, second = (axis for axis in range(3) if axis != across)
    affine = np.eye(4)
    affine[:3, :3] = grid[:3, [first, second, across]]
    start = np.array([window[0].start, window[1].start])
    affine[:3, 3] = grid[:3, 3] + affine[:3, :2] @ start
    coordinates = []
    for axis in (0, 1):
        step = float(np.linalg.norm(affine[:3, axis]))
        origin = float(affine[:3, axis] @ affine[:3, 3]) / step
        size = window[axis].stop - window[axis].start
        coordinates.append(origin + step * np.arange(size))
    return affine, coordinates[0], coordinates[1]


def _into_tissue(
    centroid: np.ndarray, tissue: np.ndarray, x: np.ndarray, y: np.ndarray
) -> np.ndarray:
    """Return the point in mm; outside the tissue the nearest voxel of tissue."""
    index = tuple(np.rint(centroid).astype(int))
    if not tissue[index] and tissue.any():
        places = np.argwhere(tissue)
        centroid = places[((places - centroid) ** 2).sum(axis=1).argmin()].astype(float)
    return np.array([x[0] + (x[1] - x[0]) * centroid[0], y[0] + (y[1] - y[0]) * centroid[1]])
