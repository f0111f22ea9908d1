"""The mid-sagittal plane of a head: the plane that its registered atlas is symmetric about."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import map_coordinates
from scipy.optimize import minimize

from gbm.io.volumes import Volume

THINNED_MM = 4.0
"""Points of the head that are compared with their mirror images are so far apart."""
STEPS = (4.0, 0.1, 0.1)
"""First steps of the search: mm, and tangents of the two tilts."""


@dataclass(frozen=True)
class Midplane:
    """A plane in the world.

    Attributes
    ----------
    normal : ndarray (3,)
        Unit vector, to the patient's right.
    offset_mm : float
        Points p of the plane have p . normal = offset.
    """

    normal: np.ndarray
    offset_mm: float

    def side(self, grid: Volume) -> np.ndarray:
        """Signed distance of the voxels of a grid, mm; positive on the right, (nx, ny, nz)."""
        along = self.normal @ grid.affine[:3, :3]
        start = float(self.normal @ grid.affine[:3, 3]) - self.offset_mm
        i, j, k = (a * np.arange(n) for a, n in zip(along, grid.data.shape, strict=True))
        return start + i[:, None, None] + j[None, :, None] + k[None, None, :]


def midplane(head: Volume) -> Midplane:
    """The plane whose mirror image of a head correlates best with the head itself.

    Parameters
    ----------
    head : Volume
        Intensities, 0 outside the brain: an atlas in the space of a patient, which holds no tumour.
        Its mid-sagittal plane is taken to be within 30 degrees of that of the world.
    """
    thin = tuple(slice(None, None, max(round(THINNED_MM / float(h)), 1)) for h in head.spacing)
    index = np.argwhere(head.data[thin] > 0) * [part.step for part in thin]
    points = index @ head.affine[:3, :3].T + head.affine[:3, 3]
    values = head.data[tuple(index.T)].astype(float)
    back = np.linalg.inv(head.affine)
    centre = points.mean(axis=0)

    def plane(at: np.ndarray) -> Midplane:
        tilted = np.array([1.0, at[1], at[2]])
        normal = tilted / np.linalg.norm(tilted)
        return Midplane(normal, float(normal @ centre + at[0]))

    def asymmetry(at: np.ndarray) -> float:
        found = plane(at)
        away = points @ found.normal - found.offset_mm
        mirrored = (points - 2 * np.outer(away, found.normal)) @ back[:3, :3].T + back[:3, 3]
        seen = map_coordinates(head.data, mirrored.T, order=1, cval=0.0)
        return -float(np.corrcoef(values, seen)[0, 1]) if np.ptp(seen) > 0 else 0.0

    found = minimize(
        asymmetry,
        np.zeros(3),
        method="Nelder-Mead",
        options={
            "initial_simplex": np.vstack([np.zeros(3), np.diag(STEPS)]),
            "xatol": 1e-3,
            "fatol": 1e-7,
            "maxfev": 200,
        },
    )
    return plane(found.x)
