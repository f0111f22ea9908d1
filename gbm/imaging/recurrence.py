"""A later recurrence, drawn in the space of the segmentation."""

from __future__ import annotations

import numpy as np

from gbm.config.errors import InputError, public_name
from gbm.config.source import Source
from gbm.imaging.image_files import read_image
from gbm.imaging.labels import TumourRegions, mask_of
from gbm.io.volumes import coverage, resample_to


def read_recurrence(source: Source, regions: TumourRegions) -> tuple[np.ndarray, tuple[str, ...]]:
    """Read the mask of a recurrence onto the grid of the segmentation.

    Returns
    -------
    bool ndarray (nx, ny, nz)
        Nearest neighbour where the grids differ.
    tuple of str
        Remarks: it is empty, or part of it lies outside the grid.

    Raises
    ------
    InputError
        If it is unreadable, no mask, lies elsewhere than the segmentation, or is too small for it.
    """
    volume = read_image(source)
    drawn = mask_of(volume, source.key)
    placed = resample_to(volume.with_data(drawn), regions.WT, 0).data
    seen = coverage(volume.with_data(drawn if drawn.any() else ~drawn), regions.WT)
    if seen == 0.0:
        elsewhere = coverage(volume.with_data(np.ones_like(drawn)), regions.WT) == 0.0
        where = "its grid does not overlap that" if elsewhere else "all of it lies outside the grid"
        text = f"{where} of {regions.source}: is it another patient's?"
        raise InputError(text, file=source.path, key=source.key)
    if not drawn.any():
        return placed, (
            f"{source.key}: the mask of {public_name(source.path)} is empty: every plan covers it",
        )
    if not placed.any():
        text = f"nothing of it is left on the grid of {regions.source}: it is smaller than a voxel"
        raise InputError(text, file=source.path, key=source.key)
    if seen < 0.999:
        text = f"{source.key}: {1 - seen:.1%} of it lie outside the grid of the segmentation"
        return placed, (text,)
    return placed, ()
