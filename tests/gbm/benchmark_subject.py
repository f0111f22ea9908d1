"""A patient as the PREDICT-GBM benchmark lays them out."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np

from tests.gbm.round_head import RoundHead

AFFINE = np.array([[-1.0, 0, 0, 30.0], [0, -1.0, 0, 20.0], [0, 0, 1.0, -5.0], [0, 0, 0, 1]])


def write_subject(folder: Path, number: str = "00000") -> Path:
    """A round brain with a tumour of three labels and a cavity at its rim."""
    own = folder / f"Patient-{number}"
    own.mkdir(parents=True)
    head = RoundHead.made()
    fluid = np.where((head.radius >= 12.5) & (head.radius < 13.5), 1.0, 0.0)
    maps = {"wm": head.white, "gm": head.grey, "csf": fluid}
    labels = np.select([head.away < 2.5, head.away < 4, head.away < 6], [1, 3, 2], 0)
    rim = head.index[0] == 22
    labels[rim] = np.where(head.brain, 4, 0)[rim]
    for name, values in {**maps, "tumorseg": labels}.items():
        kind = np.int16 if name == "tumorseg" else np.float32
        nib.save(nib.Nifti1Image(values.astype(kind), AFFINE), own / f"{number}-{name}.nii.gz")
    return own
