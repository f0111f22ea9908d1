"""The plane of the 2-D problem inside the patient's world: indices and names of directions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import map_coordinates

if TYPE_CHECKING:
    from gbm.domain.domain import Domain

DIRECTIONS = (("L", "R"), ("P", "A"), ("I", "S"))
"""Names of the negative and positive end of each world axis (RAS)."""


def world_to_index(domain: Domain, world: np.ndarray) -> np.ndarray:
    """Array indices (i, j) of world points, projected perpendicularly onto the plane.

    Parameters
    ----------
    domain : Domain
        Its `affine` maps (i, j, 0) to RAS world mm.
    world : (..., 3) array
        RAS world mm.

    Returns
    -------
    (..., 2) array
    """
    offset = np.asarray(world, dtype=float) - domain.affine[:3, 3]
    return offset @ np.linalg.pinv(domain.affine[:3, :2]).T


def normal(domain: Domain) -> np.ndarray:
    """Unit normal of the plane in the world, shape (3,)."""
    n = np.cross(domain.affine[:3, 0], domain.affine[:3, 1])
    return n / np.linalg.norm(n)


def slicing_axis(domain: Domain, affine: np.ndarray) -> int:
    """Find the axis of an image grid that runs across the plane.

    Parameters
    ----------
    domain : Domain
        The plane.
    affine : (4, 4) array
        Of the image. A zero third column (some 2-D files) counts as running across.

    Returns
    -------
    int
        The axis whose direction has the smallest part inside the plane.
    """
    columns = np.asarray(affine, dtype=float)[:3, :3]
    lengths = np.linalg.norm(columns, axis=0)
    directions = columns / np.where(lengths > 0, lengths, 1.0)
    inside = directions - np.outer(normal(domain), normal(domain) @ directions)
    return int(np.argmin(np.linalg.norm(inside, axis=0)))


def edge_names(domain: Domain) -> tuple[tuple[str, str], tuple[str, str]]:
    """Anatomical letters at the two ends of the array's axes: ((i low, i high), (j low, j high)).

    An oblique plane takes the letters of the nearest world axes.
    """
    names = []
    for column in domain.affine[:3, :2].T:
        axis = int(np.argmax(np.abs(column)))
        low, high = DIRECTIONS[axis]
        names.append((low, high) if column[axis] > 0 else (high, low))
    return names[0], names[1]


def sample(domain: Domain, data: np.ndarray, affine: np.ndarray) -> np.ndarray:
    """Values of an image at the voxel centres of the domain, linear, 0 outside.

    Parameters
    ----------
    domain : Domain
        The plane.
    data : array
        A volume, with trailing singleton axes or none.
    affine : (4, 4) array
        Voxel to RAS world mm.

    Returns
    -------
    (nx, ny) array
    """
    volume = data.reshape(data.shape[:3]) if data.ndim >= 3 else data[..., None]
    index = np.stack(np.meshgrid(*map(np.arange, domain.phi.shape), indexing="ij"), axis=-1)
    world = index @ domain.affine[:3, :2].T + domain.affine[:3, 3]
    voxels = (world - affine[:3, 3]) @ np.linalg.pinv(affine[:3, :3]).T
    # A file of one slice has no neighbour to interpolate with, and its plane is the domain's.
    for axis in range(3):
        if volume.shape[axis] == 1:
            voxels[..., axis] = 0.0
    return map_coordinates(volume, np.moveaxis(voxels, -1, 0), order=1, cval=0.0)
