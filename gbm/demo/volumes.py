"""Phantoms in space: tumours of known parameters grown in three dimensions in a known head.

Like those of `gbm.demo.phantoms`, but whole: the density is grown on cells of half a millimetre,
which takes a minute or two, and kept in a folder. One density has two outlines, the exact ones of
its `clean` case and those of its `noisy` case, which err by a smooth displacement.

>>> [case.name for case in space_phantoms()[:2]]
['space-00-clean', 'space-00-noisy']
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from gbm.demo.head import AFFINE, Head, Truth, grow_whole
from gbm.demo.outlines import thresholded
from gbm.demo.phantoms import PLACES, Case, atlas
from gbm.io.files import write_npz

ERRORS_LENGTH_MM = 4.5
"""Width of the filter of the outlines' errors: a correlation length of 9 mm."""

# place, lambda mm, rho T, u_WT, u_TC, errors of the noisy outlines mm
_CASES: tuple[tuple[str, float, float, float, float, float], ...] = (
    ("central left", 2.5, 11.0, 0.30, 0.60, 1.0),
    ("frontal right", 3.0, 9.5, 0.30, 0.60, 1.2),
    ("parietal right", 3.5, 9.5, 0.25, 0.55, 1.5),
    ("temporal left", 2.0, 12.0, 0.35, 0.65, 1.0),
    ("frontal left", 1.5, 16.0, 0.45, 0.75, 1.2),
    ("central right", 4.0, 9.5, 0.25, 0.55, 1.2),
    ("parietal left", 2.8, 9.0, 0.30, 0.60, 1.0),
    ("temporal right", 1.7, 13.0, 0.40, 0.60, 1.5),
    ("occipital right", 2.2, 11.0, 0.25, 0.70, 1.2),
    ("frontal right", 1.5, 12.0, 0.45, 0.75, 1.0),
    ("central left", 3.2, 10.0, 0.20, 0.65, 1.5),
    ("parietal right", 2.0, 9.5, 0.30, 0.60, 1.2),
    ("frontal left", 2.5, 8.5, 0.22, 0.70, 1.0),
    ("temporal left", 2.0, 8.0, 0.22, 0.60, 1.0),
)


@dataclass(frozen=True)
class Volumes:
    """Tissue, density and regions on voxels of 1 mm; array axes ascend along R, A and S.

    Attributes
    ----------
    wm, gm, csf : float32 ndarray (nx, ny, nz)
        The true tissue, in [0, 1].
    u : float32 ndarray
        Density; 0 outside the tissue.
    WT, TC : bool ndarray
        The drawn regions.
    affine : ndarray (4, 4)
        Voxel index (i, j, k, 1) to RAS world mm.
    """

    wm: np.ndarray
    gm: np.ndarray
    csf: np.ndarray
    u: np.ndarray
    WT: np.ndarray
    TC: np.ndarray
    affine: np.ndarray

    @property
    def axes(self) -> tuple[np.ndarray, ...]:
        """World coordinates of the voxels along each axis, mm, ascending."""
        ends = zip(np.diag(self.affine), self.affine[:3, 3], self.u.shape, strict=False)
        return tuple(start + step * np.arange(n) for step, start, n in ends)

    def largest_slice(self) -> Volumes:
        """The axial slice of the largest WT area, as arrays (nx, ny, 1)."""
        k = int(np.argmax(self.WT.sum(axis=(0, 1))))
        affine = self.affine.copy()
        affine[:3, 3] += k * affine[:3, 2]
        names = ("wm", "gm", "csf", "u", "WT", "TC")
        thin = {name: getattr(self, name)[:, :, k : k + 1] for name in names}
        return Volumes(**thin, affine=affine)


@dataclass(frozen=True)
class SpacePhantom:
    """A phantom in space: its case, what is seen of it, and its true origin in RAS mm, (3,)."""

    case: Case
    volumes: Volumes
    x0: np.ndarray


def space_phantoms() -> tuple[Case, ...]:
    """The standard set, always the same: a clean and a noisy case of every tumour."""
    cases = []
    for seed, (place, length, rhoT, whole, core, error) in enumerate(_CASES):
        exact = Truth(length, rhoT, whole, core, PLACES[place], 0.0, ERRORS_LENGTH_MM)
        noisy = replace(exact, boundary_mm=error)
        cases.append(Case(f"space-{seed:02d}-clean", "clean", exact, seed))
        cases.append(Case(f"space-{seed:02d}-noisy", "noisy", noisy, seed))
    return tuple(cases)


def make_in_space(case: Case, folder: Path, refine: int = 2) -> SpacePhantom:
    """Outline a phantom in space, and grow it before where the folder does not have it yet.

    Parameters
    ----------
    case : Case
        One of `space_phantoms`, or another.
    folder : Path
        Of the grown densities, one ``.npz`` a tumour, named by what it was grown with.
    refine : int
        Cells along a millimetre of the grid that it is grown on.
    """
    truth = case.truth
    file = _file(case, folder, refine)
    if not file.exists():
        _grow(case, file, refine)
    with np.load(file, allow_pickle=False) as stored:
        wm, gm, u, affine, x0 = (stored[name] for name in ("wm", "gm", "u", "affine", "x0"))
    share, rng = wm + gm, np.random.default_rng([case.seed, 1])
    whole, core = (
        thresholded(u, share >= 0.5, level, truth, rng) for level in (truth.WT, truth.TC)
    )
    csf = np.where(share > 0, np.clip(1.0 - share, 0.0, 1.0), 0.0).astype(np.float32)
    return SpacePhantom(case, Volumes(wm, gm, csf, u, whole, core & whole, affine), x0)


def _file(case: Case, folder: Path, refine: int) -> Path:
    """Where a grown density lies: by its head and parameters, whatever its outlines."""
    truth = case.truth
    place = "_".join(f"{c:g}" for c in truth.origin_atlas)
    grown = f"lambda{truth.lambda_mm:g}_rhoT{truth.rhoT:g}_at{place}_head{case.seed}_refine{refine}"
    return folder / f"{grown}.npz"


def _grow(case: Case, file: Path, refine: int) -> None:
    """Grow a density in a head of its own and write it with the head's tissue, on 1 mm voxels."""
    head = Head.random(atlas(), np.random.default_rng(case.seed))
    window = head.brain
    tumour = grow_whole(head, case.truth, refine)
    # the images' first two axes descend in the world
    wm, gm, u = (a[::-1, ::-1] for a in (*head.tissue(window), tumour.in_tissue()[window]))
    affine = np.eye(4)
    last = [window[0].stop - 1, window[1].stop - 1, window[2].start]
    affine[:3, 3] = AFFINE[:3, :3] @ last + AFFINE[:3, 3]
    made = json.dumps(asdict(case.truth))
    write_npz(file, wm=wm, gm=gm, u=u, affine=affine, x0=tumour.x0, made=np.str_(made))
