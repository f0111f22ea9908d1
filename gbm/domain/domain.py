"""The problem that is fitted: tissue map P, phase field phi, regions and start point."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from gbm.config.errors import InputError
from gbm.config.model import Plane
from gbm.io.files import read_npz, write_npz


@dataclass(frozen=True)
class Domain:
    """A slice of 1 mm (d = 2), or the surroundings of the whole tumour (d = 3).

    Arrays are indexed ``[i, j]`` or ``[i, j, k]``; ``axes[0][i]``, .. are coordinates in mm along
    the problem's axes, which are world RAS coordinates wherever the scan is not oblique.

    Attributes
    ----------
    patient : str
        Patient id.
    P : ndarray (n_1, .., n_d), float64 in the plane, float32 in the volume
        Relative diffusivity ``P_wm + P_gm / white_to_grey``.
    phi : ndarray (n_1, .., n_d)
        Phase field in [1e-4, 1]; 1 in tissue, 1/2 on its border.
    WT, TC : ndarray (n_1, .., n_d), bool
        Whole tumour and tumour core, as segmented.
    wm, gm, csf : ndarray (n_1, .., n_d)
        Tissue probabilities after the treatment inside WT.
    axes : tuple of d ndarrays (n_k,)
        Coordinates of the voxel centres in mm, ascending, uniform spacing 1 mm.
    x0 : ndarray (d,)
        Origin of the tumour in these coordinates, mm.
    affine : ndarray, (4, 4)
        Array index ``(i, j, 0, 1)`` or ``(i, j, k, 1)`` to world RAS mm.
    numbers : dict of float
        ``wt_outside_tissue_fraction``, sizes of WT, TC and tissue (``wt_area_mm2`` or
        ``wt_volume_ml``, ..), ``radius_WT_mm``, ``radius_TC_mm`` (radii of discs or balls of equal
        size) and others.
    plane : str or None
        ``axial``, ``coronal`` or ``sagittal``; None in three dimensions.
    slice : int or None
        Index in the segmentation file along its slicing axis; None in three dimensions.
    """

    patient: str
    P: np.ndarray
    phi: np.ndarray
    WT: np.ndarray
    TC: np.ndarray
    wm: np.ndarray
    gm: np.ndarray
    csf: np.ndarray
    axes: tuple[np.ndarray, ...]
    x0: np.ndarray
    affine: np.ndarray
    numbers: dict[str, float]
    plane: Plane | None = None
    slice: int | None = None

    @property
    def dimensions(self) -> Literal[2, 3]:
        """2: one slice; 3: the whole tumour."""
        return 2 if len(self.axes) == 2 else 3

    @property
    def spacing(self) -> float:
        """Grid spacing in mm."""
        return float(self.axes[0][1] - self.axes[0][0])

    @property
    def tissue(self) -> np.ndarray:
        """Voxels of tissue, phi > 1/2: where a density means something."""
        tissue: np.ndarray = self.phi > 0.5
        return tissue

    def centroid(self, mask: np.ndarray) -> np.ndarray:
        """Centre of gravity (d,), mm, of a mask (n_1, .., n_d)."""
        places = np.nonzero(mask)
        return np.array([axis[p].mean() for axis, p in zip(self.axes, places, strict=True)])

    def index(self, point: np.ndarray) -> np.ndarray:
        """Array indices (d,), fractions of a voxel, of a point (d,) in mm."""
        first = np.array([axis[0] for axis in self.axes])
        return (np.asarray(point, dtype=float) - first) / self.spacing

    def to_world(self, point: np.ndarray) -> np.ndarray:
        """Return world RAS mm, (3,), of a point in the problem's own coordinates (d,), mm."""
        index = np.zeros(4)
        index[: self.dimensions], index[3] = self.index(point), 1.0
        return (self.affine @ index)[:3]


_ARRAYS = ("P", "phi", "WT", "TC", "wm", "gm", "csf", "x0", "affine")
AXES = ("x", "y", "z")


def save_domain(path: Path, domain: Domain) -> None:
    """Write a domain as ``.npz`` without pickled objects, atomically."""
    place: dict[str, Any] = {}
    if domain.slice is not None:
        place = {"plane": np.str_(domain.plane), "slice": np.int64(domain.slice)}
    write_npz(
        path,
        **{name: getattr(domain, name) for name in _ARRAYS},
        **dict(zip(AXES, domain.axes, strict=False)),
        **place,
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
        stored = read_npz(path)
        plane: Any = str(stored["plane"]) if "plane" in stored else None
        return Domain(
            **{name: stored[name] for name in _ARRAYS},
            axes=tuple(stored[name] for name in AXES if name in stored),
            plane=plane,
            slice=int(stored["slice"]) if "slice" in stored else None,
            patient=str(stored["patient"]),
            numbers=json.loads(str(stored["numbers"])),
        )
    except (FileNotFoundError, KeyError, json.JSONDecodeError) as error:
        raise InputError(f"not a domain file ({error})", file=Path(path)) from error
