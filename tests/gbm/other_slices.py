"""Does the interval of one slice hold the answers of other slices of the same tumour?

    python -m tests.gbm.other_slices DATA OUT [PATIENT ...]

The interval of the largest slice, widened by its neighbours at 3 and 6 mm as in a report, is judged
on what the posterior says at -9, -4.5, 4.5, 9 and 12 mm, its modes and its medians, which widened
nothing. A patient is one JSON file in OUT, and what is there is not done again; the table comes
last.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from gbm.config.settings import Settings
from gbm.domain.build import build_domain
from gbm.imaging.labels import load_regions
from gbm.imaging.tissue import Tissue
from gbm.io.files import read_json, read_sealed, write_json
from gbm.io.job import Job
from gbm.judging.posterior import GrowthPosterior
from gbm.posterior.sampling import outline_posterior
from gbm.steps import baselines, characteristic, posterior
from gbm.steps import slices as neighbouring
from tests.gbm.slices import prepare

JUDGED_MM = (-9.0, -4.5, 4.5, 9.0, 12.0)
NAMES = ("lambda_mm", "rhoT", "DT_mm2")


def judged(data: Path, patient: str, out: Path) -> dict[str, Any]:
    """One patient: the widened intervals, and the modes on the slices that are judged."""
    job = prepare(data, patient, 0, out)
    widening = job.settings.model_copy(update={"uncertainty": Settings().uncertainty})
    job = replace(job, settings=widening)
    if not job.files.baselines.exists():
        characteristic.run(job)
        baselines.run(job)
    for step, file in ((posterior, job.files.posterior), (neighbouring, job.files.slices)):
        if not file.exists():
            step.run(job)
    known = GrowthPosterior.read(job.files, with_slices=True)
    estimates = {name: known.estimate(name, float(known.samples[name][0])) for name in NAMES}
    modes = [m for m in neighbouring.modes(job, JUDGED_MM) if m["offset_mm"] != 0]
    medians = _medians(job, [m["slice"] for m in modes])
    numbers = {
        name: {
            "interval90": e.interval90,
            "sd_log": _sd_log(e.interval90),
            "median": e.median,
            "modes": [m[name] for m in modes],
            "medians": [m[name] for m in medians],
        }
        for name, e in estimates.items()
    }
    return {"numbers": numbers, "offsets_mm": [m["offset_mm"] for m in modes]}


def _medians(job: Job, slices: Sequence[int]) -> list[dict[str, float]]:
    """Of the posteriors on other slices."""
    settings = neighbouring.by_outline(job.settings)
    tissue = Tissue.read(job.files.maps, read_sealed(job.files.tissue))
    regions = load_regions(job.files.regions)
    medians = []
    for index in slices:
        there = {"slice": settings.slice.model_copy(update={"index": index})}
        domain = build_domain(job.patient.id, tissue, regions, settings.model_copy(update=there))
        found = outline_posterior(domain).parameters()
        medians.append({name: found[name].median for name in NAMES})
    return medians


def _sd_log(interval: tuple[float, float] | None) -> float:
    """Of the logarithm, from the width of a 90 % interval."""
    assert interval is not None
    return float(np.log(interval[1] / interval[0]) / (2 * 1.645))


def table(out: Path) -> str:
    """Of each number the sd of (answer - median) / sd, and the share in the interval."""
    cases = [read_json(file)["numbers"] for file in sorted(out.glob("*.json"))]
    return "\n".join(_row(cases, name, what) for what in ("modes", "medians") for name in NAMES)


def _row(cases: list[dict[str, Any]], name: str, what: str) -> str:
    off, inside = [], []
    for case in (case[name] for case in cases):
        low, high = case["interval90"]
        for answer in case[what]:
            off.append(np.log(answer / case["median"]) / case["sd_log"])
            inside.append(low <= answer <= high)
    return (
        f"{what} of {name}: {len(off)} slices of {len(cases)} patients, "
        f"sd of (answer - median) / sd {np.std(off):.2f} (mean {np.mean(off):+.2f}), "
        f"inside {np.mean(inside):.2f}"
    )


def main(data: Path, out: Path, patients: list[str]) -> None:
    out.mkdir(parents=True, exist_ok=True)
    for patient in patients or sorted(p.name for p in data.iterdir() if p.is_dir()):
        file = out / f"{patient}.json"
        if not file.exists():
            write_json(file, judged(data, patient, out))
            print(patient, {k: v["interval90"] for k, v in read_json(file)["numbers"].items()})
    print(table(out))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:])
