"""Tumours of known parameters for the coverage of intervals, and wrong segmentations of them.

In the plane every truth is a slice of a head of its own, grown by the phantoms' scheme; every kind
of wrong segmentation is drawn from it with a seed of its own:

    thr      the threshold varies smoothly, by .07 at most, over 4 mm
    disp     the outline is displaced by a Gaussian field of sd 1.2 mm over 6 mm
    disp2    of sd 1.8 mm over 8 mm, whole tumour and core correlated by .7
    moved    as disp, and the tissue map is that of a head moved by (2, -1) mm

(mm are widths of the filter of white noise). In space there is one kind,

    space    the threshold varies so that the outline is displaced by 1.2 mm over 4.5 mm.

Lengths, rates, thresholds and places are drawn from ranges, not from the prior.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy.ndimage import distance_transform_edt

from gbm.demo.anatomy import smooth_noise
from gbm.demo.head import AFFINE, Grown, Head, Truth, axial_index, grow_in, slice_window
from gbm.demo.phantoms import PLACES, REACH_MM, SHARP_MM, Case, Phantom, atlas, drawn
from gbm.demo.volumes import ERRORS_LENGTH_MM, make_in_space
from gbm.growth.parameters import Growth
from gbm.growth.radial import radial, radius_at
from gbm.io.files import write_npz
from tests.gbm.volumes import problem

KINDS = ("thr", "disp", "disp2")
SEED = 140_000
"""Of truths, heads and errors; no other phantoms have it."""
LAMBDA_MM, RHO_T = (1.6, 6.5), (5.5, 12.0)
WHOLE, CORE = (0.22, 0.45), (0.55, 0.8)
PLACE_SD_MM = 6.0
SEEN_MM2 = {"WT": (500.0, 6000.0), "TC": (120.0, 4000.0)}
"""Sizes of tumours that are kept; others are drawn again."""
SPACE_LAMBDA_MM, SPACE_RHO_T = (1.5, 4.0), (8.0, 14.0)
SPACE_RADIUS_MM = (22.0, 45.0)
"""Of WT in white matter without walls, where it is about a third larger than in a head."""
SPACE_ERROR_MM = 1.2


@dataclass(frozen=True)
class Tumour:
    """A grown truth: its case, density, white and grey matter (nx, ny), and its slice."""

    case: Case
    grown: Grown
    maps: tuple[np.ndarray, np.ndarray]
    k: int


def tumour(n: int, cache: Path) -> Tumour:
    """Truth number n, grown where the cache does not have it yet."""
    file = cache / f"truth-{n:03d}.npz"
    if not file.exists():
        grow(n, file)
    with np.load(file, allow_pickle=False) as stored:
        u, tissue, x0, wm, gm = (stored[k] for k in ("u", "tissue", "x0", "wm", "gm"))
        k, refine = int(stored["k"]), int(stored["refine"])
        length, rhoT, whole, core = (float(v) for v in stored["truth"])
    case = Case(f"truth-{n:03d}", "noisy", Truth(length, rhoT, whole, core), SEED + n)
    return Tumour(case, Grown(u, tissue, slice_window(k), x0, refine), (wm, gm), k)


def grow(n: int, file: Path) -> None:
    """Draw tumours until one is of a size that is seen."""
    rng = np.random.default_rng([SEED, n])
    places = list(PLACES.values())
    while True:
        length, rhoT = (float(np.exp(rng.uniform(*np.log(v)))) for v in (LAMBDA_MM, RHO_T))
        whole, core = (float(rng.uniform(*v)) for v in (WHOLE, CORE))
        place = places[rng.integers(len(places))] + PLACE_SD_MM * rng.normal(size=3)
        truth = Truth(length, rhoT, whole, core, tuple(place))
        head = Head.random(atlas(), rng)
        k = axial_index(head.origin(truth))
        window = slice_window(k)
        grown = grow_in(head, truth, window, 4 if length < SHARP_MM else 2, REACH_MM)
        sizes = {
            name: float(np.sum((grown.u > level) & grown.tissue)) / grown.refine**2
            for name, level in (("WT", whole), ("TC", core))
        }
        if all(low < sizes[name] < high for name, (low, high) in SEEN_MM2.items()):
            break
    wm, gm = (a[:, :, 0] for a in head.tissue(window))
    file.parent.mkdir(parents=True, exist_ok=True)
    write_npz(
        file, u=grown.u.astype(np.float32), tissue=grown.tissue, x0=grown.x0, wm=wm, gm=gm,
        k=np.int64(k), refine=np.int64(grown.refine), truth=np.array([length, rhoT, whole, core]),
    )  # fmt: skip


def phantom(made: Tumour, kind: str) -> Phantom:
    """A truth with one kind of wrong segmentation."""
    rng = np.random.default_rng([made.case.seed, [*KINDS, "moved"].index(kind)])
    grown, truth = made.grown, made.case.truth
    levels, cell = (truth.WT, truth.TC), 1.0 / grown.refine

    def noise(width_mm: float) -> np.ndarray:
        return smooth_noise(rng, grown.u.shape, width_mm / cell)

    if kind == "thr":
        regions = [grown.u > level + 0.07 * np.tanh(noise(4.0)) for level in levels]
    else:
        sd, width, shared = (1.8, 8.0, 0.7) if kind == "disp2" else (1.2, 6.0, 0.0)
        first, second = noise(width), noise(width)
        errors = (first, shared * first + np.sqrt(1 - shared**2) * second)
        regions = [
            signed_distance(grown.u > level, cell) + sd * error > 0
            for level, error in zip(levels, errors, strict=True)
        ]
    whole, core = (grown.on_voxels((r & grown.tissue).astype(float)) >= 0.5 for r in regions)
    maps = made.maps
    if kind == "moved":
        maps = tuple(np.roll(a, (2, -1), axis=(0, 1)) for a in maps)
    found = drawn(made.case, maps, whole, core & whole, grown, made.k)
    share = Grown.on_voxels(grown, grown.tissue.astype(float))
    mean = grown.on_voxels(np.where(grown.tissue, grown.u, 0.0).astype(float))
    everywhere = replace(grown, u=np.divide(mean, share, out=np.zeros_like(mean), where=share > 0))
    return replace(found, u=on_domain(everywhere.u, found))


def signed_distance(region: np.ndarray, cell: float) -> np.ndarray:
    """Distance to the border of a region, mm, positive inside."""
    inside, outside = (distance_transform_edt(a) for a in (region, ~region))
    return cell * (inside - outside)


def on_domain(voxels: np.ndarray, found: Phantom) -> np.ndarray:
    """Values on the images' voxels at those of the domain, whose axes ascend in the world."""
    inverse = np.linalg.inv(AFFINE)
    i, j = (
        np.rint(inverse[k, k] * axis + inverse[k, 3]).astype(int)
        for k, axis in enumerate(found.domain.axes)
    )
    return voxels[np.ix_(i, j)]


def in_space(n: int, cache: Path) -> Phantom:
    """Truth number n of those in space, with its wrong segmentation; a minute or two to grow."""
    rng = np.random.default_rng([SEED, 3, n])
    places = list(PLACES.values())
    while True:
        ranges = (SPACE_LAMBDA_MM, SPACE_RHO_T)
        length, rhoT = (round(float(np.exp(rng.uniform(*np.log(v)))), 3) for v in ranges)
        whole, core = (round(float(rng.uniform(*v)), 3) for v in (WHOLE, CORE))
        r, u = radial(Growth.of_lambda(length, rhoT), dimensions=3)
        if SPACE_RADIUS_MM[0] < radius_at(r, u, whole) < SPACE_RADIUS_MM[1]:
            break
    place = places[rng.integers(len(places))] + PLACE_SD_MM * rng.normal(size=3)
    x, y, z = place.round(2).tolist()
    truth = Truth(length, rhoT, whole, core, (x, y, z), SPACE_ERROR_MM, ERRORS_LENGTH_MM)
    return grown_in_space(Case(f"space-{n:03d}", "noisy", truth, SEED + n), cache)


def grown_in_space(case: Case, cache: Path) -> Phantom:
    """The fitted volume of a case in space, and the truth on it."""
    made = make_in_space(case, cache)
    volumes = made.volumes
    domain = problem(volumes, 3, made.case.name)
    x0 = domain.x0 + np.linalg.solve(domain.affine[:3, :3], made.x0 - domain.to_world(domain.x0))
    u = np.zeros(domain.phi.shape, np.float32)
    # both grids are of 1 mm and parallel to the world; the domain may reach beyond the images
    first = [float(axis[0]) for axis in volumes.axes]
    start = np.rint(domain.affine[:3, 3] - first).astype(int)
    low, high = np.maximum(start, 0), np.minimum(start + u.shape, volumes.u.shape)
    there = tuple(slice(a, b) for a, b in zip(low - start, high - start, strict=True))
    u[there] = volumes.u[tuple(slice(a, b) for a, b in zip(low, high, strict=True))]
    return Phantom(made.case, domain, x0, u)
