"""Does a 90 % interval hold the truth in nine of ten cases? Phantoms with wrong segmentations.

    python -m tests.gbm.coverage CACHE OUT [--truths N ...] [--kinds KIND ...] [--direct-fit]

Every truth is a tumour in a head of its own, grown by the phantoms' independent scheme and kept in
CACHE; every kind of wrong segmentation is drawn from it with a seed of its own:

    thr      the threshold varies smoothly, by .07 at most, over 4 mm
    disp     the outline is displaced by a Gaussian field of sd 1.2 mm over 6 mm
    disp2    of sd 1.8 mm over 8 mm, whole tumour and core correlated by .7
    moved    as disp, and the tissue map is that of a head moved by (2, -1) mm

(mm are widths of the filter of white noise). Lengths, rates, thresholds and places of the tumours
are drawn from ranges, not from the prior. A case is one JSON file in OUT, and what is there is not
done again; the table of all that are there comes last. None of these phantoms served to choose a
number of the method. `--direct-fit` adds the direct fit of every case, for comparison.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy.ndimage import distance_transform_edt

from bilo.posterior.intervals import weighted_quantiles
from gbm.demo.anatomy import smooth_noise
from gbm.demo.head import AFFINE, Grown, Head, Truth, axial_index, grow_in, slice_window
from gbm.demo.phantoms import PLACES, REACH_MM, SHARP_MM, Case, Phantom, atlas, drawn
from gbm.growth.extent import extent
from gbm.growth.inverse_problem import GrowthInverseProblem
from gbm.io.files import read_json, write_json, write_npz
from gbm.posterior.result import LOST, OutlinePosterior
from gbm.posterior.sampling import outline_posterior
from gbm.search.direct_fit import direct_fit

KINDS = ("thr", "disp", "disp2")
SEED = 140_000
"""Of truths, heads and errors; no other phantoms have it."""
LAMBDA_MM, RHO_T = (1.6, 6.5), (5.5, 12.0)
WHOLE, CORE = (0.22, 0.45), (0.55, 0.8)
PLACE_SD_MM = 6.0
SEEN_MM2 = {"WT": (500.0, 6000.0), "TC": (120.0, 4000.0)}
"""Sizes of tumours that are kept; others are drawn again."""
BAND_MM, BAND_DENSITY = 25.0, 0.01
"""Where the pointwise density is scored: so near WT, where the truth is above."""
NAMES = ("ln_lambda", "ln_rhoT", "ln_DT", "x0_x", "x0_y", "WT", "TC")


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


def truths(found: Phantom) -> dict[str, float]:
    """The true values by the names of `NAMES`."""
    truth, (x, y) = found.case.truth, found.x0
    ln = np.log([truth.lambda_mm, truth.rhoT, truth.DT_mm2])
    return dict(zip(NAMES, (*ln.tolist(), float(x), float(y), truth.WT, truth.TC), strict=True))


def samples(posterior: OutlinePosterior) -> dict[str, np.ndarray]:
    """Samples by the same names."""
    length, rhoT, (x, y) = posterior.ln_lambda, posterior.ln_rhoT, posterior.x0.T
    every = (length, rhoT, 2 * length + rhoT, x, y, *posterior.thresholds.values())
    return dict(zip(NAMES, every, strict=True))


def score(found: Phantom, posterior: OutlinePosterior) -> dict[str, Any]:
    """Everything the table needs of one case."""
    w, rows = posterior.weights, {}
    for name, truth in truths(found).items():
        values = samples(posterior)[name]
        low, q1, median, q3, high = weighted_quantiles(values, w, (0.05, 0.25, 0.5, 0.75, 0.95))
        mean = float(w @ values)
        sd = float(np.sqrt(w @ (values - mean) ** 2))
        rows[name] = {
            "truth": truth, "mean": mean, "median": float(median), "sd": sd,
            "in90": bool(low <= truth <= high), "in50": bool(q1 <= truth <= q3),
            "interval90": [float(low), float(high)],
        }  # fmt: skip
    domain, maps = found.domain, posterior.maps
    near = distance_transform_edt(~domain.WT, sampling=domain.spacing) <= BAND_MM
    scored = domain.tissue & ~domain.WT & near & (found.u > BAND_DENSITY)
    held = (maps.low <= found.u) & (found.u <= maps.high)
    reached = extent(domain, found.u)
    return {
        "parameters": rows,
        "band": float(held[scored].mean()) if scored.any() else None,
        "extent": {
            name: {"truth": reached[name], "in90": summary.covers(reached[name]),
                   "median": summary.median, "interval90": summary.interval90}
            for name, summary in posterior.extents.items()
        },
        "noise_mm": posterior.noise_mm, "misfit_mm": posterior.misfit_mm,
        "lost": posterior.lost_outline, "ess": posterior.effective_sample_size,
        "sampler": posterior.sampler, "flags": list(posterior.flags),
        "seconds": posterior.seconds,
    }  # fmt: skip


def scored(found: Phantom) -> dict[str, Any]:
    """The posterior of a case against its truth; processor seconds beside the wall's."""
    began = time.process_time()
    posterior = outline_posterior(found.domain)
    return {**score(found, posterior), "cpu_seconds": time.process_time() - began}


def fitted(found: Phantom) -> dict[str, float]:
    """The direct fit's estimates by the names of `NAMES`."""
    given = GrowthInverseProblem.of(found.domain)
    fit = direct_fit(found.domain, given.characteristic(found.domain), given)
    x, y = fit.x0
    ln = np.log([fit.lambda_mm, fit.rhoT, fit.DT])
    values = (*ln.tolist(), float(x), float(y), fit.thresholds["WT"], fit.thresholds["TC"])
    return {**dict(zip(NAMES, values, strict=True)), "seconds": fit.seconds}


def table(out: Path) -> str:
    """Rows of all cases in a folder: by kind, and by the share of the outlines at walls."""
    cases = {file.stem: read_json(file) for file in sorted(out.glob("truth-*.json"))}
    fits = {file.stem[4:]: read_json(file) for file in sorted(out.glob("fit-truth-*.json"))}
    groups = {kind: [k for k in cases if k.endswith(f"-{kind}")] for kind in (*KINDS, "moved")}
    groups["all"] = [k for kind in KINDS for k in groups[kind]]
    groups["clear"] = [k for k in groups["all"] if max(cases[k]["lost"].values()) <= LOST]
    groups["walls"] = [k for k in groups["all"] if k not in groups["clear"]]
    lines = ["coverage 90 % / 50 % / sd of z / median sd / RMSE of the median (of the direct fit)"]
    for group, names in groups.items():
        if names:
            lines += [f"{group} ({len(names)})", *_rows([cases[n] for n in names], names, fits)]
    return "\n".join(lines)


def _rows(cases: list[dict[str, Any]], names: list[str], fits: dict[str, Any]) -> list[str]:
    """The rows of one group."""
    lines = []
    shown = {name: (name,) for name in NAMES} | {"x0": ("x0_x", "x0_y")}
    for label, keys in shown.items():
        parts = [case["parameters"][key] for case in cases for key in keys]
        z = [(p["truth"] - p["mean"]) / p["sd"] for p in parts]
        rmse = np.sqrt(np.mean([(p["median"] - p["truth"]) ** 2 for p in parts]))
        both = [
            (case["parameters"][key], fits[name][key])
            for case, name in zip(cases, names, strict=True) for key in keys if name in fits
        ]  # fmt: skip
        other = ""
        if both:
            own = np.sqrt(np.mean([(p["median"] - p["truth"]) ** 2 for p, _ in both]))
            direct = np.sqrt(np.mean([(v - p["truth"]) ** 2 for p, v in both]))
            inside = np.mean([p["interval90"][0] <= v <= p["interval90"][1] for p, v in both])
            other = f"  direct fit ({len(both)}): {own:.3f} {direct:.3f}, inside {inside:.2f}"
        lines.append(
            f"  {label:9s} {np.mean([p['in90'] for p in parts]):.2f} / "
            f"{np.mean([p['in50'] for p in parts]):.2f} / {np.std(z):.2f} / "
            f"{np.median([p['sd'] for p in parts]):.3f} / {rmse:.3f}{other}"
        )
    band = [case["band"] for case in cases if case["band"] is not None]
    lines.append(f"  pointwise density {np.mean(band):.2f}")
    for name in cases[0]["extent"]:
        rows = [case["extent"][name] for case in cases]
        width = np.median([r["interval90"][1] - r["interval90"][0] for r in rows])
        lines.append(f"  {name} {np.mean([r['in90'] for r in rows]):.2f}, width {width:.1f}")
    ess, seconds = ([case[key] for case in cases] for key in ("ess", "cpu_seconds"))
    lines.append(
        f"  ESS {np.median(ess):.2f}, least {min(ess):.2f}; seconds {np.median(seconds):.1f}, "
        f"most {max(seconds):.1f}; fallbacks {sum(c['sampler'] == 'solver' for c in cases)}"
    )
    for region in ("WT", "TC"):
        misfit = np.median([c["misfit_mm"][region] for c in cases])
        noise = np.median([c["noise_mm"][region] for c in cases])
        lines.append(f"  {region} misfit {misfit:.2f} mm, noise {noise:.2f}")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cache", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--truths", type=int, nargs="*", default=list(range(60)))
    parser.add_argument("--kinds", nargs="*", default=list(KINDS), choices=(*KINDS, "moved"))
    parser.add_argument("--direct-fit", action="store_true")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    for n in given.truths:
        made = None
        for kind in given.kinds:
            name = f"truth-{n:03d}-{kind}"
            jobs = {given.out / f"{name}.json": scored}
            if given.direct_fit:
                jobs[given.out / f"fit-{name}.json"] = fitted
            for file, work in jobs.items():
                if not file.exists():
                    made = made or tumour(n, given.cache)
                    write_json(file, work(phantom(made, kind)))
                    print(file.stem, flush=True)
    print(table(given.out))


if __name__ == "__main__":
    main()
