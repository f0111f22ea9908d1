"""Make a demo patient: `demo`, grown in a plane, or `demo3d`, grown in space."""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np

from gbm.demo.head import AFFINE, Truth
from gbm.demo.patient import make_demo
from gbm.io.files import sha256, write_json


def run(
    *,
    segmentation: Path,
    t1: Path,
    t1c: Path,
    truth: Path,
    seed: int = 0,
    made: Truth | None = None,
    dimensions: int = 2,
) -> None:
    """Make a demo patient and write its files.

    Parameters
    ----------
    segmentation, t1, t1c : Path
        Written: NIfTI files (BraTS labels; int16 scans, skull-stripped).
    truth : Path
        Written: DT_mm2, rhoT, lambda_mm, thresholds, x0_mm and how the demo was made, as JSON.
    seed, made, dimensions
        See `gbm.demo.patient.make_demo`.
    """
    demo = make_demo(seed, made, dimensions)
    for path, data in ((segmentation, demo.labels), (t1, demo.t1), (t1c, demo.t1c)):
        _save(path, data)
    write_json(truth, {**demo.truth, "segmentation_sha256": sha256(segmentation)})


def _save(path: Path, data: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = nibabel.Nifti1Image(data, AFFINE)
    image.header.set_xyzt_units("mm", "sec")
    nibabel.save(image, path)
