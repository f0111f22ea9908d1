"""Tissue probabilities, and what stands for them inside the tumour."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy import ndimage

from gbm.io.nifti import read_volume
from gbm.io.volumes import Volume, resample_to

TISSUES = ("wm", "gm", "csf")


@dataclass(frozen=True)
class Tissue:
    """Tissue probabilities on one grid.

    Attributes
    ----------
    wm, gm, csf : Volume
        Probabilities in [0, 1]. Inside the tumour they are the prior's, untreated.
    qc : dict
        ``volume_ml`` of each tissue; where a mixture was fitted ``wm_gm_contrast``,
        ``brain_volume_ml``, ``means`` and ``sds`` of the classes.
    """

    wm: Volume
    gm: Volume
    csf: Volume
    qc: dict[str, Any]

    @classmethod
    def read(cls, maps: Mapping[str, Path], qc: dict[str, Any]) -> Tissue:
        """The maps of the files `wm`, `gm` and `csf`."""
        return cls(**{name: read_volume(path) for name, path in maps.items()}, qc=qc)

    def on(self, reference: Volume) -> Tissue:
        """Return the maps on another grid (linear)."""
        maps = {name: resample_to(getattr(self, name), reference, 1) for name in TISSUES}
        return Tissue(**maps, qc=self.qc)

    def filled(self, tumour: np.ndarray) -> Tissue:
        """Return the maps after `fill` inside `tumour`, which lies on their grid."""
        values = fill(self.wm.data, self.gm.data, self.csf.data, tumour)
        maps = {n: self.wm.with_data(v) for n, v in zip(TISSUES, values, strict=True)}
        return Tissue(**maps, qc=self.qc)


def fill(
    wm: np.ndarray, gm: np.ndarray, csf: np.ndarray, tumour: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Inside the tumour: no CSF and WM + GM = 1.

    A voxel with neither takes the ratio WM : GM of the nearest tissue; where there is no
    tissue at all it is white matter.

    Parameters
    ----------
    wm, gm, csf : ndarray
        Probabilities, any dimension.
    tumour : ndarray of bool
        Same shape.

    Returns
    -------
    wm, gm, csf : ndarray
        New arrays.
    """
    made = wm.copy(), gm.copy(), csf.copy()
    known = wm + gm > 0.1
    # beyond the brain there is nothing to know, and in a large image most is beyond it
    boxes = ndimage.find_objects((known | tumour).astype(np.int8))
    if not boxes:
        return made
    box = boxes[0]
    known, inside, total = known[box], tumour[box], wm[box] + gm[box]
    white = np.divide(wm[box], total, out=np.ones_like(total), where=known)
    if known.any():
        nearest = ndimage.distance_transform_edt(
            ~known, return_distances=False, return_indices=True
        )
        white = white[tuple(nearest)]
    for part, value in zip(made, (white, 1.0 - white, np.zeros_like(white)), strict=True):
        part[box][inside] = value[inside]
    return made
