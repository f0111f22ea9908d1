"""Whether an image can be one of a head: its voxels, their size, and what it shows."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from gbm.config.errors import InputError
from gbm.io.nifti_header import MOST_VOXELS

VOXEL_MM = (0.1, 20.0)
"""Accepted voxel sizes: outside them units are mistaken."""
MOST_MM = 600.0
"""Greatest accepted field of view along an axis."""


def require_head(shape: tuple[int, ...], affine: np.ndarray, path: Path, key: str | None) -> None:
    """Refuse an image that is too large to be one of a head, before any array is made.

    Raises
    ------
    InputError
        For too many voxels, voxels of an odd size, or too wide a field of view.
    """
    voxels, spacing = math.prod(shape), np.linalg.norm(affine[:3, :3], axis=0)
    several = np.array(shape) > 1
    size = " x ".join(f"{h:.4g}" for h in spacing)
    text = ""
    if voxels > MOST_VOXELS:
        text = f"has {voxels / 1e6:,.0f} million voxels: at most {MOST_VOXELS // 10**6} are read"
    elif not np.all((spacing > 0.999 * VOXEL_MM[0]) & (spacing < 1.001 * VOXEL_MM[1]) | ~several):
        text = (
            f"has voxels of {size} mm: {VOXEL_MM[0]:g} to {VOXEL_MM[1]:g} mm are accepted; look at "
            "the voxel size and the units in its header"
        )
    elif np.any((shape * spacing)[several] > 1.001 * MOST_MM):
        seen = " x ".join(f"{extent:.0f}" for extent in shape * spacing)
        text = (
            f"shows {seen} mm: no head is larger than {MOST_MM:g} mm; look at the voxel size "
            "and the units in its header"
        )
    if text:
        raise InputError(text, file=path, key=key)
