"""The brain in a skull-stripped image: mask, and intensities that are zero outside it."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from gbm.config.errors import InputError
from gbm.io.volumes import Volume

MINIMUM_EXTENT_MM = 40.0
"""A thinner image shows no whole brain: nothing is registered to it, its volume says nothing."""

FLAT = 0.25
"""An outermost slice larger than this part of the largest one is a flat face: brains are round."""


def thickness(image: Volume) -> float:
    """Return the smallest extent of an image, mm."""
    return float((np.array(image.data.shape) * image.spacing).min())


def background(data: np.ndarray) -> float:
    """Return the value outside the brain: that of the eight corners where they agree, else 0."""
    ends = [(0, n - 1) for n in data.shape]
    corners = data[np.ix_(*ends)].ravel()
    finite = corners[np.isfinite(corners)]
    agree = finite.size == corners.size and np.ptp(corners) == 0
    return float(corners[0]) if agree else 0.0


def brain_mask(image: Volume, key: str | None = None) -> np.ndarray:
    """Return the largest piece that differs from the background, holes filled.

    Values that are not finite count as holes.

    Raises
    ------
    InputError
        If the image is constant.
    """
    inside = np.isfinite(image.data) & (image.data != background(image.data))
    labels, count = ndimage.label(inside)
    if count == 0:
        raise InputError("the image is empty: one value everywhere", file=image.path, key=key)
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    largest: np.ndarray = labels == np.argmax(sizes)
    if min(largest.shape) > 1:
        largest = ndimage.binary_fill_holes(largest)
    for k in range(largest.shape[2]):
        largest[:, :, k] = ndimage.binary_fill_holes(largest[:, :, k])
    return largest


def field_of_view(brain: np.ndarray) -> np.ndarray:
    """Return where an image may show brain: where the mask ends in a flat face the image has ended.

    A flat face is an outermost slice of the mask larger than `FLAT` of its largest slice.
    """
    seen = np.ones(brain.shape, bool)
    for axis in range(brain.ndim):
        areas = brain.sum(axis=tuple(a for a in range(brain.ndim) if a != axis))
        places = np.flatnonzero(areas)
        if not places.size:
            break
        first, last = int(places[0]), int(places[-1])
        along = np.moveaxis(seen, axis, 0)
        if areas[first] > FLAT * areas.max():
            along[:first] = False
        if areas[last] > FLAT * areas.max():
            along[last + 1 :] = False
    return seen


def stripped(image: Volume, brain: np.ndarray) -> Volume:
    """Return the image with positive values inside the brain and 0 outside."""
    values = np.nan_to_num(image.data, nan=0.0, posinf=0.0, neginf=0.0)
    low = float(values[brain].min())
    if low < 0:
        values = values - low + 1e-3 * float(np.ptp(values[brain]))
    return image.with_data(np.where(brain, values, 0.0).astype(np.float32))


def enclosed(tissue: np.ndarray) -> np.ndarray:
    """Return the mask with what lies between its parts: maps may be empty inside the tumour.

    A voxel is enclosed when it lies between two voxels of tissue along at least two axes (along
    one axis in a single slice).
    """
    between = np.zeros(tissue.shape, np.uint8)
    for axis in range(tissue.ndim):
        before = np.maximum.accumulate(tissue, axis=axis)
        after = np.flip(np.maximum.accumulate(np.flip(tissue, axis), axis=axis), axis)
        between += before & after & ~tissue
    needed = 2 if min(tissue.shape) > 1 else 1
    return tissue | (between >= needed)
