"""A synthetic head with known tissue, on any grid: the truth of the imaging tests."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np

SIZE_MM = (100.0, 116.0, 80.0)
"""Field of view."""

INTENSITY = {"wm": 300.0, "gm": 220.0, "csf": 90.0}
TUMOUR = (18.0, -10.0, 4.0)
"""Centre of the tumour, world mm."""


def ras(spacing: tuple[float, float, float] = (1.0, 1.0, 1.0)) -> tuple[np.ndarray, np.ndarray]:
    """Affine and shape of a grid along the world's axes, centred on the world's origin."""
    shape = np.rint(np.array(SIZE_MM) / spacing).astype(int)
    affine = np.diag([*spacing, 1.0])
    affine[:3, 3] = -0.5 * (shape - 1) * np.array(spacing)
    return affine, shape


def world(affine: np.ndarray, shape: np.ndarray) -> np.ndarray:
    """World mm of every voxel, (3, nx, ny, nz)."""
    index = np.indices(tuple(shape)).reshape(3, -1)
    return (affine[:3, :3] @ index + affine[:3, 3:]).reshape(3, *shape)


def tissue(points: np.ndarray) -> dict[str, np.ndarray]:
    """Tissue probabilities at world points: a brain with cortex, ventricles and a rim of fluid."""
    x, y, z = points

    def ball(a: float, b: float, c: float, width: float = 1.0, scale: np.ndarray | float = 1.0):
        radius = np.sqrt((x / a) ** 2 + (y / b) ** 2 + (z / c) ** 2) / scale
        return 1.0 / (1.0 + np.exp((radius - 1.0) * min(a, b, c) / width))

    # Folds: without them a registration could turn the head about its axes unpunished.
    folds = 1.0 + 0.09 * np.sin(x / 5.0 + 1.0) * np.sin(y / 6.0) + 0.05 * np.sin(z / 4.0 + x / 9.0)
    brain, cortex, white = ball(42, 50, 34, 0.3), ball(39, 47, 31), ball(31, 38, 24, scale=folds)
    left, right = (
        np.sqrt(((x - s) / 5) ** 2 + ((y + 4) / 15) ** 2 + (z / 9) ** 2) for s in (-7, 7)
    )
    ventricle = 1.0 / (1.0 + np.exp((np.minimum(left, right) - 1.0) * 5.0))
    # An asymmetry, so that a mirrored or shifted head is not mistaken for the true one.
    notch = np.exp(-(((x + 25) / 9) ** 2 + ((y - 22) / 9) ** 2 + ((z - 5) / 12) ** 2))
    wm = white * cortex * (1 - ventricle) * (1 - notch)
    gm = cortex * (1 - ventricle) * (1 - white * (1 - notch))
    inside = brain > 0.5
    maps = {"wm": np.where(inside, wm, 0.0), "gm": np.where(inside, gm, 0.0)}
    return {**maps, "csf": np.where(inside, 1.0 - wm - gm, 0.0)}


def labels(points: np.ndarray) -> np.ndarray:
    """BraTS labels of a lobed tumour: core of 9 mm around its centre, oedema of 16 mm."""
    x, y, z = (p - c for p, c in zip(points, TUMOUR, strict=True))
    angle = np.arctan2(y, x)
    radius = np.sqrt(x**2 + y**2 + (1.2 * z) ** 2) / (1.0 + 0.15 * np.cos(2 * angle))
    out = np.zeros(radius.shape, np.int16)
    out[radius < 16.0] = 2
    out[radius < 9.0] = 4
    out[radius < 4.0] = 1
    return out


def t1(maps: dict[str, np.ndarray], noise: float, seed: int = 0) -> np.ndarray:
    """Intensities of tissue maps with Gaussian noise, positive inside the brain."""
    brain = sum(maps.values()) > 0.5
    clean = sum(INTENSITY[name] * part for name, part in maps.items())
    noisy = clean + noise * np.random.default_rng(seed).standard_normal(clean.shape)
    return np.where(brain, np.maximum(noisy, 1.0), 0.0).astype(np.float32)


def save(path: Path, data: np.ndarray, affine: np.ndarray) -> Path:
    """Write a NIfTI file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    nib.save(nib.Nifti1Image(data, affine), path)
    return path


def write_patient(
    folder: Path, affine: np.ndarray, shape: np.ndarray, *, maps: bool = True, extra: str = ""
) -> Path:
    """Write images and the patient file of the head on a grid; return the patient file."""
    points = world(affine, shape)
    found = tissue(points)
    save(folder / "seg.nii.gz", labels(points), affine)
    lines = ["patient:", '  id: "head1"', "  segmentation: {path: seg.nii.gz, convention: brats}"]
    if maps:
        for name, part in found.items():
            save(folder / f"{name}.nii.gz", part.astype(np.float32), affine)
        lines.append("  tissue: {wm: wm.nii.gz, gm: gm.nii.gz, csf: csf.nii.gz}")
    else:
        save(folder / "t1.nii.gz", t1(found, noise=12.0), affine)
        lines.append("  images: {t1: t1.nii.gz}")
    file = folder / "p.yaml"
    file.write_text("\n".join(lines) + "\n" + extra)
    return file
