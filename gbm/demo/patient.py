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

from gbm.demo.anatomy import interpolated, paint, smooth_noise, world_points
from gbm.demo.head import (
    AFFINE,
    SHAPE,
    Head,
    Truth,
    axial_index,
    grow_in,
    grow_whole,
    slice_window,
)
from gbm.demo.names import DEMO_NAMES
from gbm.demo.outlines import thresholded
from gbm.imaging.atlas import mni152

EDEMA, ENHANCING, NECROTIC = 2, 4, 1


MADE = {
    2: Truth(),
    3: Truth(lambda_mm=2.5, rhoT=11.0, WT=0.35, TC=0.65, boundary_length_mm=4.5),
}
"""What the demo patients of the plane and of space are made with, by their dimensions."""

_REACH_MM = 65.0
_HEIGHT_MM = 14.0


@dataclass(frozen=True)
class DemoPatient:
    """Labels (BraTS), T1 and T1c (int16, skull-stripped) on `AFFINE`, and the truth by name."""

    labels: np.ndarray
    t1: np.ndarray
    t1c: np.ndarray
    truth: dict[str, Any]


def make_demo(
    seed: int = 0, made: Truth | None = None, dimensions: int = 2, refine: int = 2
) -> DemoPatient:
    """Make the demo patient whose tumour was grown on one slice, or that grown in space.

    Parameters
    ----------
    seed : int
        Of the deformation, the noise and the boundary errors.
    made : Truth, optional
        Parameters to make it with; those of `MADE` by default.
    dimensions : int
        2: `demo`, a tumour of the plane that tapers off above and below. 3: `demo3d`.
    refine : int
        Cells along a millimetre of the grid that it is grown on.
    """
    made = made or MADE[dimensions]
    rng = np.random.default_rng(seed)
    head = Head.random(mni152(), rng)
    healthy, tissue = _healthy(head), _tissue(head)
    segment = _segment_plane if dimensions == 2 else _segment_space
    labels, x0 = segment(head, tissue, made, rng, refine)
    brain = healthy > 0.05
    t1 = paint(healthy, brain, labels, {EDEMA: 0.85, ENHANCING: 0.8, NECROTIC: 0.55}, rng)
    t1c = paint(healthy, brain, labels, {EDEMA: 0.85, ENHANCING: 1.7, NECROTIC: 0.5}, rng)
    own: dict[str, Any] = {"slice": axial_index(x0)}
    steps = "Heun"
    if dimensions == 3:
        own = {"dimensions": 3}
        steps = "Runge-Kutta-Chebyshev"
    solver = f"explicit {steps} finite volumes, sharp tissue walls, {1 / refine} mm"
    own["solver"] = f"{solver} (gbm.demo.solver)"
    named = {"patient": DEMO_NAMES[dimensions], **own}
    return DemoPatient(labels, t1, t1c, {**named, **_record(made, x0, seed)})


def _healthy(head: Head) -> np.ndarray:
    """T1 intensities in [0, 1] on the patient's grid."""
    i, j = np.arange(SHAPE[0], dtype=float), np.arange(SHAPE[1], dtype=float)
    t1, atlas = np.empty(SHAPE, dtype=np.float32), head.atlas.t1
    for k in range(SHAPE[2]):
        points = head.deformation(world_points(AFFINE, i, j, k))
        t1[:, :, k] = interpolated(atlas.data, atlas.affine, points)
    # another scanner: not a linear function of the atlas's intensities
    scan: np.ndarray = (t1 / np.max(t1)) ** 1.2
    return scan


def _tissue(head: Head) -> np.ndarray:
    """Voxels of white or grey matter."""
    tissue = np.zeros(SHAPE, dtype=bool)
    wm, gm = head.tissue(head.brain)
    tissue[head.brain] = wm + gm >= 0.5
    return tissue


def _segment_plane(
    head: Head, tissue: np.ndarray, made: Truth, rng: np.random.Generator, refine: int
) -> tuple[np.ndarray, np.ndarray]:
    """BraTS labels of a tumour of the plane, tapering off above and below it; its origin.

    Thresholds of u with smooth errors.
    """
    middle = axial_index(head.origin(made))
    tumour = grow_in(head, made, slice_window(middle), refine, _REACH_MM)
    u = np.clip(tumour.on_voxels(tumour.u), 1e-9, 1.0 - 1e-9)
    # the front falls off like exp(-r/lambda): a millimetre is 1/lambda in the logit
    errors = [
        made.boundary_mm * smooth_noise(rng, u.shape, made.boundary_length_mm) for _ in range(3)
    ]
    labels = np.zeros(SHAPE, dtype=np.int16)
    for k in range(SHAPE[2]):
        offset = abs(k - middle) / _HEIGHT_MM
        if offset >= 1.0:
            continue
        taper = 0.5 * abs(k - middle) + 20.0 * (1.0 - np.sqrt(1.0 - offset**2))
        whole, core, dead = (
            (logit(u) + (error - taper) / made.lambda_mm > logit(level)) & tissue[:, :, k]
            for error, level in zip(errors, _levels(made, u), strict=True)
        )
        labels[:, :, k] = _labels(whole, core, dead)
    return labels, tumour.x0


def _segment_space(
    head: Head, tissue: np.ndarray, made: Truth, rng: np.random.Generator, refine: int
) -> tuple[np.ndarray, np.ndarray]:
    """BraTS labels of a tumour grown in space, by smooth fields of thresholds; its origin."""
    tumour = grow_whole(head, made, refine)
    u = tumour.in_tissue()
    whole, core, dead = (thresholded(u, tissue, level, made, rng) for level in _levels(made, u))
    return _labels(whole, core, dead).astype(np.int16), tumour.x0


def _levels(made: Truth, u: np.ndarray) -> tuple[float, float, float]:
    """Densities at which oedema, core and necrosis begin."""
    return made.WT, made.TC, 0.5 * (made.TC + float(u.max()))


def _labels(whole: np.ndarray, core: np.ndarray, dead: np.ndarray) -> np.ndarray:
    core = core & whole
    return np.select([core & dead, core, whole], [NECROTIC, ENHANCING, EDEMA], default=0)


def _record(made: Truth, x0: np.ndarray, seed: int) -> dict[str, Any]:
    """What the truth files have in common, named like the pipeline's own parameters."""
    return {
        "DT_mm2": made.DT_mm2,
        "rhoT": made.rhoT,
        "lambda_mm": made.lambda_mm,
        "thresholds": {"WT": made.WT, "TC": made.TC},
        "x0_mm": x0,
        "h0": made.h0,
        "r0_per_mm2": made.r0_per_mm2,
        "white_to_grey": made.white_to_grey,
        "boundary_mm": made.boundary_mm,
        "seed": seed,
        "anatomy": "MNI152 2009a symmetric, through an affine and a smooth deformation",
    }
