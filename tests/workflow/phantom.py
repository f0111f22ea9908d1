"""A patient small enough for a test: a round brain with its own tissue maps, a known tumour."""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np

from gbm.demo.solver import grow

SIDE, SLICES, MIDDLE = 72, 5, 2
AFFINE = np.array([[-1.0, 0, 0, 40.0], [0, -1.0, 0, 25.0], [0, 0, 1.0, 5.0], [0, 0, 0, 1]])
LAMBDA_MM, RHO_T = 2.6, 7.0
THRESHOLDS = {"WT": 0.35, "TC": 0.6}
ORIGIN = (38, 34)


def write(folder: Path, patient: str, extra: str = "") -> Path:
    """Write images and the patient file; return the latter."""
    folder.mkdir(parents=True, exist_ok=True)
    i, j = np.meshgrid(np.arange(SIDE), np.arange(SIDE), indexing="ij")
    radius = np.hypot(i - 35.5, (j - 35.5) / 1.05)
    brain = radius < 31.0
    grey = 1.0 / (1.0 + np.exp(-(radius - 27.0)))
    ventricle = np.hypot((i - 26.0) / 0.4, j - 36.0) < 8.0
    maps = {
        "wm": np.where(brain & ~ventricle, 1.0 - grey, 0.0),
        "gm": np.where(brain & ~ventricle, grey, 0.0),
        "csf": np.where(brain & ventricle, 1.0, 0.0),
    }
    squared = (i - ORIGIN[0]) ** 2 + (j - ORIGIN[1]) ** 2
    u = grow(
        maps["wm"] + maps["gm"] / 10.0,
        brain & ~ventricle,
        1.0,
        DT=LAMBDA_MM**2 * RHO_T,
        rhoT=RHO_T,
        seed_density=0.1 * np.exp(-0.1 * squared),
    )
    labels = np.zeros((SIDE, SIDE, SLICES), dtype=np.int16)
    for k in range(SLICES):
        shift = 0.03 * abs(k - MIDDLE)
        whole, core = (u > THRESHOLDS[name] + shift for name in ("WT", "TC"))
        labels[:, :, k] = np.where(core, 4, np.where(whole, 2, 0))
    _save(folder / f"{patient}_seg.nii.gz", labels)
    for name, values in maps.items():
        solid = np.repeat(values[:, :, None], SLICES, axis=2)
        _save(folder / f"{patient}_{name}.nii.gz", solid.astype(np.float32))
    tissue = ", ".join(f"{name}: {patient}_{name}.nii.gz" for name in maps)
    file = folder / f"{patient}.yaml"
    file.write_text(
        f'patient:\n  id: "{patient}"\n'
        f"  segmentation: {{path: {patient}_seg.nii.gz, convention: brats}}\n"
        f"  tissue: {{{tissue}}}\n{extra}"
    )
    return file


def _save(path: Path, data: np.ndarray) -> None:
    nibabel.save(nibabel.Nifti1Image(data, AFFINE), path)
