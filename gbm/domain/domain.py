"""The two-dimensional problem: tissue map P, phase field phi, regions and start point."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gbm.config.errors import InputError
from gbm.io.files import write_npz


@dataclass(frozen=True)
class Domain:
    """The 2-D problem on the 1 mm slice.

    Arrays are indexed ``[i, j]``; ``x[i]`` and ``y[j]`` are coordinates in mm along the two
    axes of the plane, which are world RAS coordinates wherever the scan is not oblique.

    Attributes
    ----------
    patient : str
        Patient id.
    P : ndarray, (nx, ny), float64
        Relative diffusivity ``P_wm + P_gm / white_to_grey``.
    phi : ndarray, (nx, ny), float64
        Phase field in [1e-4, 1]; 1 in tissue, 1/2 on its border.
    WT, TC : ndarray, (nx, ny), bool
        Whole tumour and tumour core, as segmented.
    wm, gm, csf : ndarray, (nx, ny), float64
        Tissue probabilities after the treatment inside WT.
    x, y : ndarray, (nx,), (ny,)
        Coordinates of the voxel centres in mm, ascending, uniform spacing 1 mm.
    x0 : ndarray, (2,)
        Origin of the tumour in the plane, mm.
    plane : str
        ``axial``, ``coronal`` or ``sagittal``.
    slice : int
        Index in the segmentation file along its slicing axis.
    affine : ndarray, (4, 4)
        Array index ``(i, j, 0, 1)`` to world RAS mm.
    numbers : dict of float
        ``wt_outside_tissue_fraction``, ``wt_area_mm2``, ``tc_area_mm2``, ``radius_WT_mm``,
        ``radius_TC_mm`` (radii of discs of equal area) and others.
    """

    patient: str
    P: np.ndarray
    phi: np.ndarray
    WT: np.ndarray
    TC: np.ndarray
    wm: np.ndarray
    gm: np.ndarray
    csf: np.ndarray
    x: np.ndarray
    y: np.ndarray
    x0: np.ndarray
    plane: str
    slice: int
    affine: np.ndarray
    numbers: dict[str, float]

    @property
    def spacing(self) -> float:
        """Grid spacing in mm."""
        return float(self.x[1] - self.x[0])

    def to_world(self, point: np.ndarray) -> np.ndarray:
        """Return world RAS mm, (3,), of a point of the plane in mm, (2,)."""
        index = [(point[0] - self.x[0]) / self.spacing, (point[1] - self.y[0]) / self.spacing]
        return (self.affine @ np.array([*index, 0.0, 1.0]))[:3]


_ARRAYS = ("P", "phi", "WT", "TC", "wm", "gm", "csf", "x", "y", "x0", "affine")


def save_domain(path: Path, domain: Domain) -> None:
    """Write a domain as ``.npz`` without pickled objects, atomically."""
    write_npz(
        path,
        **{name: getattr(domain, name) for name in _ARRAYS},
        slice=np.int64(domain.slice),
        plane=np.str_(domain.plane),
        patient=np.str_(domain.patient),
        numbers=np.str_(json.dumps(domain.numbers)),
    )


def load_domain(path: Path) -> Domain:
    """Read a domain written by `save_domain`.

    Raises
    ------
    InputError
        If the file is missing or is not a domain.
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            return Domain(
                **{name: stored[name] for name in _ARRAYS},
                slice=int(stored["slice"]),
                plane=str(stored["plane"]),
                patient=str(stored["patient"]),
                numbers=json.loads(str(stored["numbers"])),
            )
    except (OSError, KeyError, ValueError) as error:
        raise InputError(f"not a domain file ({error})", file=Path(path)) from error
