"""The shape of a segmented tumour: its enhancing part, its foci, whether it is cut off."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from scipy import ndimage

from gbm.config.patient import LabelMap
from gbm.imaging.labels import TumourRegions


def enhancing_fraction(regions: TumourRegions, convention: LabelMap | None) -> float | None:
    """Return the enhancing part of the tumour's volume.

    None where the convention does not know it, or there is no core at all: that has a reason of
    its own.
    """
    if convention is None or not convention.ET or not regions.TC.data.any():
        return None
    enhancing = sum(regions.labels.get(label, 0) for label in convention.ET)
    return enhancing / float(regions.WT.data.sum())


def share_of_brain(whole: np.ndarray, maps: Iterable[np.ndarray]) -> float:
    """Part of the brain that is whole tumour; the maps of its tissues may be empty inside it.

    >>> share_of_brain(np.array([1, 0, 0, 0], bool), [np.array([0, 1.0, 0.8, 0])])
    0.3333333333333333
    """
    total = np.zeros(whole.shape, np.float32)
    for part in maps:
        total += part
    brain = (total > 0.5) | whole
    return float(whole.sum()) / max(int(brain.sum()), 1)


def second_focus(mask: np.ndarray) -> float:
    """Size of the second largest connected part of a mask (neighbours share a corner at least).

    Returns
    -------
    float
        Relative to the largest part; 0 where there is one part or none.
    """
    parts, count = ndimage.label(mask, np.ones((3,) * mask.ndim))
    if count < 2:
        return 0.0
    sizes = np.sort(np.bincount(parts.ravel())[1:])
    return float(sizes[-2] / sizes[-1])


def at_border(mask: np.ndarray) -> float:
    """Part of a mask that lies in the outermost voxels of its array; an axis of one voxel is none.

    >>> at_border(np.array([[1, 0, 0], [1, 1, 0], [0, 0, 0]], bool))
    0.6666666666666666
    """
    inner = tuple(slice(1, -1) if n > 1 else slice(None) for n in mask.shape)
    whole = int(mask.sum())
    return (whole - int(mask[inner].sum())) / whole if whole else 0.0
