"""The brain that a plan ends at."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from gbm.imaging.brain import background
from gbm.io.volumes import Volume
from gbm.plan.shapes import bounding_box


def filled(inside: np.ndarray) -> np.ndarray:
    """The largest part of a mask (nx, ny, nz), connected across faces, its holes closed in 3-D."""
    brain = np.zeros(inside.shape, bool)
    box = bounding_box(inside)
    labels, count = ndimage.label(inside[box])
    if count:
        sizes = np.bincount(labels.ravel())
        sizes[0] = 0
        brain[box] = ndimage.binary_fill_holes(labels == np.argmax(sizes))
    return brain


def brain_of_image(image: Volume) -> np.ndarray:
    """Where a skull-stripped image differs from its background, which is 0: `filled`."""
    return filled(np.isfinite(image.data) & (image.data != background(image.data)))


def brain_of_tissue(wm: np.ndarray, gm: np.ndarray, csf: np.ndarray) -> np.ndarray:
    """Where wm + gm + csf > 1/2, `filled`."""
    return filled(wm + gm + csf > 0.5)
