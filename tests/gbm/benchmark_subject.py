"""A patient as the PREDICT-GBM benchmark lays them out."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np

AFFINE = np.array([[-1.0, 0, 0, 30.0], [0, -1.0, 0, 20.0], [0, 0, 1.0, -5.0], [0, 0, 0, 1]])
SHAPE = (32, 30, 28)


def write_subject(folder: Path, number: str = "00000") -> Path:
    """A round brain with a tumour of three labels and a cavity at its rim."""
    own = folder / f"Patient-{number}"
    own.mkdir(parents=True)
    index = np.indices(SHAPE)
    middle = np.array(SHAPE)[:, None, None, None] / 2
    radius = np.sqrt(((index - middle) ** 2).sum(axis=0))
    away = np.sqrt(((index - middle - np.array([2, 0, 0])[:, None, None, None]) ** 2).sum(axis=0))
    brain = radius < 12.5
    white = np.where(brain, 1 / (1 + np.exp(radius - 9.0)), 0.0)
    fluid = np.where((radius >= 12.5) & (radius < 13.5), 1.0, 0.0)
    maps = {"wm": white, "gm": np.where(brain, 1 - white, 0.0), "csf": fluid}
    labels = np.select([away < 2.5, away < 4, away < 6], [1, 3, 2], 0)
    labels[index[0] == 22] = np.where(brain, 4, 0)[index[0] == 22]
    for name, values in {**maps, "tumorseg": labels}.items():
        kind = np.int16 if name == "tumorseg" else np.float32
        nib.save(nib.Nifti1Image(values.astype(kind), AFFINE), own / f"{number}-{name}.nii.gz")
    return own
