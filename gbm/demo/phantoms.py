"""Phantoms: tumours of known parameters in a known head, to measure fits of one slice against.

Every phantom is a slice of the MNI152 atlas seen through a deformation of its own. The tumour is
grown by `gbm.demo.solver`, which shares nothing with the pipeline's solver, on a finer grid, and
outlined at two densities; the outlines err by a smooth displacement where the phantom is noisy. The
tissue is the true one: what a fit gets wrong is the fit's doing, not that of a registration.

>>> sorted({case.kind for case in phantoms()})
['clean', 'noisy', 'sharp', 'small core', 'wide']
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
from scipy.ndimage import distance_transform_edt

from gbm.config.settings import Settings
from gbm.demo.anatomy import smooth_noise
from gbm.demo.head import AFFINE, SHAPE, Grown, Head, Truth, axial_index, grow_in, slice_window
from gbm.domain.build import build_domain
from gbm.domain.domain import Domain
from gbm.imaging.atlas import Atlas, mni152
from gbm.imaging.labels import TumourRegions
from gbm.imaging.tissue import Tissue
from gbm.io.volumes import Volume

Kind = Literal["clean", "noisy", "small core", "sharp", "wide"]
REACH_MM = 70.0
"""So far from the origin nothing has arrived."""
SHARP_MM = 2.0
"""Fronts with a smaller lambda are grown on cells of a quarter millimetre, others on half."""

PLACES = {
    "frontal left": (-24.0, 32.0, 14.0),
    "frontal right": (26.0, 26.0, 20.0),
    "central left": (-32.0, -26.0, 27.0),
    "central right": (30.0, -14.0, 30.0),
    "parietal left": (-28.0, -48.0, 28.0),
    "parietal right": (30.0, -52.0, 24.0),
    "temporal left": (-38.0, -30.0, -2.0),
    "temporal right": (40.0, -24.0, -6.0),
    "occipital right": (28.0, -70.0, 8.0),
}
"""Origins in the atlas's world, mm; the nearest white matter is taken."""

# name, kind, place, lambda mm, rho T, u_WT, u_TC, errors of the outlines mm
_CASES: tuple[tuple[str, Kind, str, float, float, float, float, float], ...] = (
    ("clean-1", "clean", "central left", 2.2, 9.0, 0.30, 0.60, 0.0),
    ("clean-2", "clean", "frontal right", 3.0, 8.0, 0.40, 0.65, 0.0),
    ("clean-3", "clean", "parietal right", 4.2, 7.5, 0.30, 0.65, 0.0),
    ("clean-4", "clean", "temporal left", 3.5, 9.0, 0.35, 0.55, 0.0),
    ("clean-5", "clean", "frontal left", 2.5, 11.0, 0.25, 0.70, 0.0),
    ("clean-6", "clean", "central right", 5.0, 7.5, 0.35, 0.60, 0.0),
    ("noisy-1", "noisy", "central right", 2.2, 9.0, 0.35, 0.60, 0.5),
    ("noisy-2", "noisy", "parietal left", 3.0, 8.0, 0.30, 0.65, 0.5),
    ("noisy-3", "noisy", "frontal left", 4.2, 7.5, 0.40, 0.65, 0.5),
    ("noisy-4", "noisy", "temporal right", 3.5, 8.5, 0.25, 0.55, 1.0),
    ("noisy-5", "noisy", "frontal right", 2.5, 10.0, 0.45, 0.70, 1.0),
    ("noisy-6", "noisy", "parietal right", 5.0, 7.5, 0.30, 0.60, 1.0),
    ("noisy-7", "noisy", "occipital right", 1.7, 13.0, 0.35, 0.65, 1.0),
    ("noisy-8", "noisy", "central left", 3.2, 6.5, 0.28, 0.52, 1.0),
    ("small-core-1", "small core", "central left", 3.0, 6.0, 0.30, 0.60, 0.0),
    ("small-core-2", "small core", "frontal right", 4.0, 6.5, 0.25, 0.58, 0.5),
    ("small-core-3", "small core", "parietal left", 2.0, 5.5, 0.30, 0.62, 1.0),
    ("sharp-1", "sharp", "central right", 1.0, 14.0, 0.35, 0.60, 0.0),
    ("sharp-2", "sharp", "frontal left", 1.0, 11.0, 0.28, 0.68, 0.0),
    ("sharp-3", "sharp", "parietal right", 1.0, 12.0, 0.40, 0.55, 0.5),
    ("sharp-4", "sharp", "temporal left", 1.0, 10.0, 0.30, 0.62, 1.0),
    ("wide-1", "wide", "central left", 7.0, 8.0, 0.30, 0.60, 0.0),
    ("wide-2", "wide", "frontal right", 7.0, 8.5, 0.35, 0.65, 0.5),
    ("wide-3", "wide", "parietal left", 7.0, 7.5, 0.25, 0.55, 1.0),
)


@dataclass(frozen=True)
class Case:
    """What a phantom is made with: its name, kind and parameters, and the seed of head and errors.

    >>> phantoms()[0].truth.lambda_mm
    2.2
    """

    name: str
    kind: Kind
    truth: Truth
    seed: int

    def errors(self, lambda_mm: float, rhoT: float) -> dict[str, float]:
        """Errors of ln lambda and ln rho T."""
        truth = self.truth
        return {
            "ln_lambda": float(np.log(lambda_mm / truth.lambda_mm)),
            "ln_rhoT": float(np.log(rhoT / truth.rhoT)),
        }


@dataclass(frozen=True)
class Phantom:
    """A phantom as a fit sees it, beside what it was made with.

    Attributes
    ----------
    case : Case
    domain : Domain
        Tissue, regions and centroid of the slice.
    x0 : ndarray (2,)
        The true origin in the plane, mm.
    u : ndarray (nx, ny)
        The true density on the domain's voxels.
    """

    case: Case
    domain: Domain
    x0: np.ndarray
    u: np.ndarray


def phantoms() -> tuple[Case, ...]:
    """The standard set, always the same."""
    return tuple(
        Case(name, kind, Truth(length, rhoT, whole, core, PLACES[place], error), seed)
        for seed, (name, kind, place, length, rhoT, whole, core, error) in enumerate(_CASES)
    )


def make(case: Case) -> Phantom:
    """Grow and outline a phantom; half a minute for the slowest."""
    truth, rng = case.truth, np.random.default_rng(case.seed)
    head = Head.random(atlas(), rng)
    k = axial_index(head.origin(truth))
    window = slice_window(k)
    tumour = grow_in(head, truth, window, 4 if truth.lambda_mm < SHARP_MM else 2, REACH_MM)
    whole, core = (
        tumour.on_voxels(_outlined(tumour, level, truth, rng).astype(float)) >= 0.5
        for level in (truth.WT, truth.TC)
    )
    maps = tuple(a[:, :, 0] for a in head.tissue(window))
    return drawn(case, maps, whole, core & whole, tumour, k)


@cache
def atlas() -> Atlas:
    """The atlas of all phantoms' heads."""
    return mni152()


def _outlined(tumour: Grown, level: float, truth: Truth, rng: np.random.Generator) -> np.ndarray:
    """The tissue above a density, its border displaced by a smooth error, mm."""
    region, cell = tumour.u > level, 1.0 / tumour.refine
    outside = distance_transform_edt(~region) * cell
    inside = distance_transform_edt(region) * cell
    noise = smooth_noise(rng, region.shape, truth.boundary_length_mm / cell)
    return (inside - outside + truth.boundary_mm * noise > 0) & tumour.tissue


def drawn(
    case: Case,
    maps: tuple[np.ndarray, ...],
    whole: np.ndarray,
    core: np.ndarray,
    tumour: Grown,
    k: int,
) -> Phantom:
    """The domain that the pipeline makes of the true tissue and the drawn regions.

    Parameters
    ----------
    case : Case
    maps : two arrays (nx, ny)
        White and grey matter of the slice, on the images' voxels.
    whole, core : bool ndarray (nx, ny)
        WT and TC.
    tumour : Grown
        In the window of that slice.
    k : int
        Index of the slice.
    """
    affine = AFFINE.copy()
    affine[:3, 3] += k * AFFINE[:3, 2]

    def volume(a: np.ndarray) -> Volume:
        return Volume(a[..., None], affine)

    wm, gm = maps
    csf = np.clip(1.0 - wm - gm, 0.0, 1.0) * (wm + gm > 0)
    tissue = Tissue(volume(wm), volume(gm), volume(csf), qc={})
    found = TumourRegions(volume(whole), volume(core), {})
    domain = build_domain(case.name, tissue, found, Settings())
    # the domain's axes ascend in the world, those of the images descend
    column, row = (np.arange(n) for n in SHAPE[:2])
    x, y = AFFINE[0, 3] - column, AFFINE[1, 3] - row
    at = np.ix_(
        [int(np.argmin(np.abs(x - v))) for v in domain.axes[0]],
        [int(np.argmin(np.abs(y - v))) for v in domain.axes[1]],
    )
    return Phantom(case, domain, tumour.x0[:2], tumour.on_voxels(tumour.u)[at])
