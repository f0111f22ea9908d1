"""Does a 90 % interval hold the truth in nine of ten cases? Phantoms with wrong segmentations.

    python -m tests.gbm.coverage CACHE OUT [--truths N ...] [--kinds KIND ...] [--direct-fit]

Truths and kinds are those of `tests.gbm.truths`; none of them served to choose a number of the
method. Grown tumours are kept in CACHE. A case is one JSON file in OUT, and what is there is not
done again; the table of all that are there comes last. `--direct-fit` adds the direct fit of every
case, for comparison.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from scipy.ndimage import distance_transform_edt

from bilo.posterior.intervals import weighted_quantiles
from gbm.config.settings import Settings
from gbm.demo.phantoms import Phantom
from gbm.demo.volumes import space_phantoms
from gbm.growth.extent import extent
from gbm.growth.inverse_problem import GrowthInverseProblem
from gbm.io.files import read_json, write_json
from gbm.posterior.result import LOST, OutlinePosterior
from gbm.posterior.sampling import outline_posterior
from gbm.search.direct_fit import direct_fit
from tests.gbm.truths import KINDS, grown_in_space, in_space, phantom, tumour

BAND_MM, BAND_DENSITY = 25.0, 0.01
"""Where the pointwise density is scored: so near WT, where the truth is above."""
OTHERS = ("moved", "space", "volumes")
"""Tissue maps moved by 2 mm; truths in space; the demo's own phantoms in space, 14 of them."""
AXES = ("x0_x", "x0_y", "x0_z")


def truths(found: Phantom) -> dict[str, float]:
    """The true values of all parameters."""
    truth = found.case.truth
    ln = dict(zip(("ln_lambda", "ln_rhoT"), np.log([truth.lambda_mm, truth.rhoT]), strict=True))
    ln["ln_DT"] = np.log(truth.DT_mm2)
    origin = dict(zip(AXES, found.x0, strict=False))
    return {k: float(v) for k, v in (ln | origin | {"WT": truth.WT, "TC": truth.TC}).items()}


def samples(posterior: OutlinePosterior) -> dict[str, np.ndarray]:
    """Samples by the same names."""
    length, rhoT = posterior.ln_lambda, posterior.ln_rhoT
    growth = {"ln_lambda": length, "ln_rhoT": rhoT, "ln_DT": 2 * length + rhoT}
    return growth | dict(zip(AXES, posterior.x0.T, strict=False)) | posterior.thresholds


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
    """The direct fit's estimates by the same names."""
    given = GrowthInverseProblem.of(found.domain, Settings(dimensions=found.domain.dimensions))
    fit = direct_fit(found.domain, given.characteristic(found.domain), given)
    ln = {"ln_lambda": np.log(fit.lambda_mm), "ln_rhoT": np.log(fit.rhoT), "ln_DT": np.log(fit.DT)}
    values = ln | dict(zip(AXES, fit.x0, strict=False)) | fit.thresholds
    return {name: float(value) for name, value in values.items()} | {"seconds": fit.seconds}


def table(out: Path) -> str:
    """Rows of all cases in a folder: by kind, and by the share of the outlines at walls."""
    cases = {file.stem: read_json(file) for file in sorted(out.glob("truth-*.json"))}
    fits = {file.stem[4:]: read_json(file) for file in sorted(out.glob("fit-truth-*.json"))}
    kinds = (*KINDS, *OTHERS)
    groups = {kind: [k for k in cases if k.endswith(f"-{kind}")] for kind in kinds}
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
    own_names = list(cases[0]["parameters"])
    shown = {name: (name,) for name in own_names} | {"x0": tuple(k for k in own_names if k in AXES)}
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


def made(n: int, kind: str, cache: Path) -> Phantom:
    """Truth number n with one kind of wrong segmentation."""
    if kind == "space":
        return in_space(n, cache)
    if kind == "volumes":
        return grown_in_space(space_phantoms()[n], cache)
    return phantom(tumour(n, cache), kind)


def run(name: str, make: Callable[[], Phantom], given: argparse.Namespace) -> None:
    """What is not there yet of one case."""
    jobs = {given.out / f"{name}.json": scored}
    if given.direct_fit:
        jobs[given.out / f"fit-{name}.json"] = fitted
    left = {file: work for file, work in jobs.items() if not file.exists()}
    found = make() if left else None
    for file, work in left.items():
        write_json(file, work(found))
        print(file.stem, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cache", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--truths", type=int, nargs="*", default=list(range(60)))
    parser.add_argument("--kinds", nargs="*", default=list(KINDS), choices=(*KINDS, *OTHERS))
    parser.add_argument("--direct-fit", action="store_true")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    for n in given.truths:
        for kind in given.kinds:
            run(f"truth-{n:03d}-{kind}", lambda n=n, kind=kind: made(n, kind, given.cache), given)
    print(table(given.out))


if __name__ == "__main__":
    main()
