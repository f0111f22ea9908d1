"""The demo patient: a synthetic tumour of known parameters in a head of its own.

The anatomy is the MNI152 atlas seen through a known deformation, so that registration has real work
to do. The tumour is grown by a solver of its own (`gbm.demo.solver`) on a finer grid, and
segmented by two thresholds with smooth errors of the boundary. What the pipeline should find is
written beside it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import logit

from gbm.demo.anatomy import (
    Deformation,
    interpolated,
    paint,
    random_deformation,
    smooth_noise,
    world_points,
)
from gbm.demo.solver import grow
from gbm.imaging.atlas import Atlas, mni152

SHAPE = (184, 224, 176)
"""Voxels of the demo's images."""

AFFINE = np.array(
    [
        [-1.0, 0.0, 0.0, 118.0],
        [0.0, -1.0, 0.0, 61.0],
        [0.0, 0.0, 1.0, -37.0],
        [0.0, 0.0, 0.0, 1.0],
    ]
)
"""Voxel to RAS world mm: LPS storage, 1 mm, and an origin far from the atlas's."""

BRAIN_CENTRE = np.array([0.0, -18.0, 8.0])
"""Middle of the brain in the atlas's world [mm]; it comes to lie in the middle of the images."""

EDEMA, ENHANCING, NECROTIC = 2, 4, 1


@dataclass(frozen=True)
class Truth:
    """What the demo is made with.

    Parameters
    ----------
    lambda_mm : float
        sqrt(D/rho), width of the invasion front [mm].
    rhoT : float
        Proliferation rate times T [-].
    WT, TC : float
        Cell densities at which oedema and core become visible.
    origin_atlas : tuple
        Origin of the tumour in the atlas's world [mm], moved to the nearest white matter.
    boundary_mm, boundary_length_mm : float
        Size and correlation length of the segmentation's errors [mm].
    h0, r0_per_mm2 : float
        Height and inverse squared width of the seed.
    white_to_grey : float
        Ratio of the diffusivities in white and grey matter.
    """

    lambda_mm: float = 4.2
    rhoT: float = 7.5
    WT: float = 0.30
    TC: float = 0.65
    origin_atlas: tuple[float, float, float] = (-32.0, -26.0, 27.0)
    boundary_mm: float = 0.5
    boundary_length_mm: float = 4.0
    h0: float = 0.1
    r0_per_mm2: float = 0.1
    white_to_grey: float = 10.0

    @property
    def DT_mm2(self) -> float:
        """D T = lambda^2 rho T [mm^2]."""
        return self.lambda_mm**2 * self.rhoT


@dataclass(frozen=True)
class GrownTumour:
    """The grown tumour on the 1 mm slice: density u (nx, ny), origin (RAS mm), slice index."""

    u: np.ndarray
    x0: np.ndarray
    slice: int


@dataclass(frozen=True)
class DemoPatient:
    """Labels (BraTS), T1 and T1c (int16, skull-stripped) on `AFFINE`, and the truth by name."""

    labels: np.ndarray
    t1: np.ndarray
    t1c: np.ndarray
    truth: dict[str, Any]


def make_demo(seed: int = 0, made: Truth | None = None) -> DemoPatient:
    """Make the demo patient.

    Parameters
    ----------
    seed : int
        Of the deformation, the noise and the boundary errors.
    made : Truth, optional
        Parameters to make it with.
    """
    made = made or Truth()
    rng = np.random.default_rng(seed)
    atlas = mni152()
    middle = AFFINE[:3, :3] @ (np.array(SHAPE) / 2.0) + AFFINE[:3, 3]
    deformation = random_deformation(rng, middle, BRAIN_CENTRE)
    healthy, wm, gm = _head(atlas, deformation)
    tumour = _tumour(atlas, deformation, made)
    labels = _segment(tumour, wm + gm >= 0.5, made, rng)
    brain = healthy > 0.05
    t1 = paint(healthy, brain, labels, {EDEMA: 0.85, ENHANCING: 0.8, NECROTIC: 0.55}, rng)
    t1c = paint(healthy, brain, labels, {EDEMA: 0.85, ENHANCING: 1.7, NECROTIC: 0.5}, rng)
    return DemoPatient(labels, t1, t1c, _record(made, tumour, seed))


def _head(atlas: Atlas, deformation: Deformation) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """T1 intensities in [0, 1] and the tissue maps on the patient's grid."""
    i, j = np.arange(SHAPE[0], dtype=float), np.arange(SHAPE[1], dtype=float)
    t1, wm, gm = (np.zeros(SHAPE, dtype=np.float32) for _ in range(3))
    for k in range(SHAPE[2]):
        points = deformation(world_points(AFFINE, i, j, k))
        t1[:, :, k] = interpolated(atlas.t1.data, atlas.t1.affine, points)
        head = t1[:, :, k] > 0
        wm[head, k] = interpolated(atlas.wm.data, atlas.wm.affine, points[head])
        gm[head, k] = interpolated(atlas.gm.data, atlas.gm.affine, points[head])
    # another scanner: not a linear function of the atlas's intensities
    return (t1 / np.max(t1)) ** 1.2, wm, gm


def _tumour(atlas: Atlas, deformation: Deformation, made: Truth, refine: int = 2) -> GrownTumour:
    """Grow the tumour on the axial slice through its origin, with cells of 1/refine mm."""
    origin = deformation.inverse(np.array(made.origin_atlas))
    index = np.linalg.inv(AFFINE) @ np.append(origin, 1.0)
    k = int(np.rint(index[2]))
    i, j = (_fine(n, refine) for n in SHAPE[:2])
    world = world_points(AFFINE, i, j, k)
    points = deformation(world)
    wm = interpolated(atlas.wm.data, atlas.wm.affine, points)
    gm = interpolated(atlas.gm.data, atlas.gm.affine, points)
    tissue = wm + gm >= 0.5
    white = np.divide(wm, wm + gm, out=np.zeros_like(wm), where=tissue)
    distance = np.linalg.norm(world - origin, axis=-1)
    x0 = world[np.unravel_index(np.argmin(np.where(white > 0.9, distance, np.inf)), white.shape)]
    squared = np.sum((world - x0) ** 2, axis=-1)
    density = grow(
        diffusivity=white + (1.0 - white) / made.white_to_grey,
        # so far out nothing has arrived
        tissue=tissue & (squared < 65.0**2),
        spacing=1.0 / refine,
        DT=made.DT_mm2,
        rhoT=made.rhoT,
        seed_density=made.h0 * np.exp(-made.r0_per_mm2 * squared),
    )
    u = density.reshape(SHAPE[0], refine, SHAPE[1], refine).mean(axis=(1, 3))
    return GrownTumour(u=u, x0=x0, slice=k)


def _fine(voxels: int, refine: int) -> np.ndarray:
    """Indices of the centres of the cells when every voxel is split into ``refine``."""
    return (np.arange(voxels * refine) + 0.5) / refine - 0.5


def _segment(
    tumour: GrownTumour, tissue: np.ndarray, made: Truth, rng: np.random.Generator
) -> np.ndarray:
    """BraTS labels: thresholds of u with smooth errors, tapering off above and below the slice."""
    u = np.clip(tumour.u, 1e-9, 1.0 - 1e-9)
    # the front falls off like exp(-r/lambda): a millimetre is 1/lambda in the logit
    errors = [
        made.boundary_mm * smooth_noise(rng, u.shape, made.boundary_length_mm) for _ in range(3)
    ]
    dead_level = 0.5 * (made.TC + float(u.max()))
    height = 14.0
    labels = np.zeros(SHAPE, dtype=np.int16)
    for k in range(SHAPE[2]):
        offset = abs(k - tumour.slice) / height
        if offset >= 1.0:
            continue
        taper = 0.5 * abs(k - tumour.slice) + 20.0 * (1.0 - np.sqrt(1.0 - offset**2))
        whole, core, dead = (
            (logit(u) + (error - taper) / made.lambda_mm > logit(level)) & tissue[:, :, k]
            for error, level in zip(errors, (made.WT, made.TC, dead_level), strict=True)
        )
        core &= whole
        labels[:, :, k] = np.select(
            [core & dead, core, whole], [NECROTIC, ENHANCING, EDEMA], default=0
        )
    return labels


def _record(made: Truth, tumour: GrownTumour, seed: int) -> dict[str, Any]:
    """The truth file, named like the pipeline's own parameters."""
    return {
        "patient": "demo",
        "DT_mm2": made.DT_mm2,
        "rhoT": made.rhoT,
        "lambda_mm": made.lambda_mm,
        "thresholds": {"WT": made.WT, "TC": made.TC},
        "x0_mm": tumour.x0,
        "slice": tumour.slice,
        "h0": made.h0,
        "r0_per_mm2": made.r0_per_mm2,
        "white_to_grey": made.white_to_grey,
        "boundary_mm": made.boundary_mm,
        "seed": seed,
        "solver": "explicit Heun finite volumes, sharp tissue walls, 0.5 mm (gbm.demo.solver)",
        "anatomy": "MNI152 2009a symmetric, through an affine and a smooth deformation",
    }
