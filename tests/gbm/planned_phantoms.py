"""Plans of phantoms in space: does that of the density cover more of what will be seen later?

`python -m tests.gbm.planned_phantoms CACHE OUT [NAME ...]` makes the direct fit of the noisy
phantoms of a set, draws the plans of equal volume, and scores them against a "recurrence": the
tissue (wm + gm >= 1/2, as for outlines) outside the outline where the true density is above 0.05.
One JSON a phantom; a fit that is there is left. A second pass, `--robust`, adds the plan of the
probability of infiltration.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np

from gbm.config.settings import Settings
from gbm.demo.volumes import Volumes, make_in_space, space_phantoms
from gbm.domain.domain import Domain
from gbm.growth.inverse_problem import GrowthInverseProblem
from gbm.io.files import read_json, read_npz, write_json, write_npz
from gbm.io.volumes import Volume
from gbm.plan.brain import brain_of_tissue
from gbm.plan.scores import Beside, coverage, far_from, scored
from gbm.plan.shapes import Drawn, Ground
from gbm.posterior.sampling import outline_posterior
from gbm.results.export import density_in_file
from gbm.search.coarse_search import Candidate
from gbm.steps.baselines import fit_record
from gbm.steps.posterior import sampling_of
from tests.gbm.volumes import fitted, problem

LATER = 0.05
"""True density above which tissue outside the outline counts as recurrence."""
FIRST = 12
"""Phantoms of the set."""


def planned(seen: Volumes, fields: dict[str, np.ndarray]) -> dict[str, dict[str, float]]:
    """Metrics of the standard plan and of those of some fields, on the phantom's own grid."""
    core, whole = Volume(seen.TC, seen.affine), Volume(seen.WT, seen.affine)
    brain = brain_of_tissue(seen.wm, seen.gm, seen.csf)
    ground = Ground.of(brain, core)
    standard = ground.standard(15.0)
    later = (seen.u > LATER) & ~seen.WT
    beside = Beside(standard, far_from(whole, brain), None, later & (seen.wm + seen.gm >= 0.5))
    masks = {"standard": standard}
    found = {"standard": scored(Drawn(standard, 0), -ground.distance, ground, beside)}
    for name, values in fields.items():
        drawn = ground.of_volume(values, int(standard.sum()))
        masks[name] = drawn.mask
        found[name] = scored(drawn, values, ground, beside)
    for name, drawn_mask in masks.items():
        found[name]["coverage_with_fluid"] = coverage(drawn_mask, later)
    return found


def on_grid(made: Domain, u: np.ndarray, seen: Volumes) -> np.ndarray:
    """A field of the problem on the phantom's grid."""
    return density_in_file(made, u, seen.u.shape, seen.affine)


def run(cache: Path, out: Path, names: list[str], robust: bool) -> None:
    """Fit and score the phantoms that are asked for, or the first twelve."""
    cases = [case for case in space_phantoms() if case.name.endswith("noisy")][:FIRST]
    for case in cases:
        file, kept = out / f"{case.name}.json", out / f"{case.name}.npz"
        if names and case.name not in names:
            continue
        seen = make_in_space(case, cache).volumes
        own = problem(seen, 3, case.name)
        if not file.exists():
            fit = fitted(own)
            write_npz(kept, model=on_grid(own, fit.u, seen))
            write_json(out / f"{case.name}_fit.json", fit_record(own, fit))
        fields: dict[str, Any] = read_npz(kept)
        if robust and "modelrobust" not in fields:
            settings = Settings(dimensions=3)
            direct = Candidate.of(read_json(out / f"{case.name}_fit.json"))
            inverse = GrowthInverseProblem.of(own, settings)
            posterior = outline_posterior(own, inverse, direct, sampling_of(settings.uncertainty))
            fields["modelrobust"] = on_grid(own, posterior.maps.infiltration, seen)
            write_npz(kept, **fields)
        scores = planned(seen, fields)
        write_json(file, scores)
        print(case.name, {p: round(v["coverage"], 4) for p, v in scores.items()}, flush=True)


if __name__ == "__main__":
    words = [word for word in sys.argv[1:] if word != "--robust"]
    run(Path(words[0]), Path(words[1]), words[2:], "--robust" in sys.argv)
