"""Do fit and interval belong together? Direct fits by overlap and by outline in the posterior.

    python -m tests.gbm.one_answer OUT phantoms
    python -m tests.gbm.one_answer OUT DOMAIN.npz ...

Of each phantom, or domain file that a run has left, the direct fits of both objectives and the
posterior; whether each fit lies in the posterior's own 90 % interval (not widened by neighbouring
slices), the objective and overlap of both, and the truth where it is known. A case is one JSON file
in OUT, and what is there is not done again; the table comes last.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from gbm.config.settings import Settings
from gbm.demo.phantoms import make, phantoms
from gbm.domain.domain import Domain, load_domain
from gbm.growth.inverse_problem import GrowthInverseProblem
from gbm.growth.metrics import masks, scores
from gbm.io.files import read_json, write_json
from gbm.posterior.by_objective import direct_fit
from gbm.posterior.sampling import outline_posterior
from gbm.search.direct_fit import DirectFit

NAMES = ("lambda_mm", "rhoT")


def found(domain: Domain, truth: Mapping[str, float] | None) -> dict[str, Any]:
    """One case."""
    fits, starts = {}, {}
    for name in ("soft_dice", "outline"):
        settings = Settings.model_validate(
            {"dimensions": domain.dimensions, "objective": {"name": name}}
        )
        inverse = GrowthInverseProblem.of(domain, settings)
        fit = direct_fit(domain, inverse.characteristic(domain), inverse)
        starts[name], fits[name] = fit.candidate, _described(domain, fit)
    posterior = outline_posterior(domain, fit=starts["soft_dice"])
    known = {name: posterior.logarithms()[name] for name in NAMES}
    return {
        "fits": fits,
        "truth": truth,
        "posterior": {
            name: {"median": np.exp(s.median), "sd": s.sd, "interval90": np.exp(s.interval90)}
            for name, s in known.items()
        },
        "inside": {
            fit: {name: s.covers(np.log(fits[fit][name])) for name, s in known.items()}
            for fit in fits
        },
        "misfit_mm": posterior.misfit_mm,
        "flags": posterior.flags,
    }


def _described(domain: Domain, fit: DirectFit) -> dict[str, Any]:
    dice = scores(domain, masks(domain, fit.u, fit.thresholds))
    return {
        "lambda_mm": fit.lambda_mm,
        "rhoT": fit.rhoT,
        "thresholds": fit.thresholds,
        "dice": {region: values["dice"] for region, values in dice.items()},
        "converged": fit.converged,
        "warnings": fit.warnings,
        "seconds": fit.seconds,
    }


def table(out: Path) -> str:
    """A line a case, then shares and errors."""
    cases = {file.stem: read_json(file) for file in sorted(out.glob("*.json"))}
    lines = [_line(name, case) for name, case in cases.items()]
    for fit in ("soft_dice", "outline"):
        inside = [np.mean([case["inside"][fit][name] for case in cases.values()]) for name in NAMES]
        lines.append(f"{fit}: inside {inside[0]:.2f} (lambda), {inside[1]:.2f} (rho T)")
        errors = [_errors(case, fit) for case in cases.values() if case["truth"]]
        if errors:
            rms = np.sqrt(np.mean(np.square(errors), axis=0))
            worst = np.abs(errors).max(axis=0)
            lines[-1] += f"; rms error {rms.round(3)}, worst {worst.round(3)} (ln lambda, ln rho T)"
        dice = [case["fits"][fit]["dice"] for case in cases.values()]
        for region in ("WT", "TC"):
            lines[-1] += f"; DICE {region} {np.mean([d[region] for d in dice if d[region]]):.3f}"
    return "\n".join(lines)


def _line(name: str, case: Mapping[str, Any]) -> str:
    parts = [f"{name:22s}"]
    for fit, values in case["fits"].items():
        inside = "".join("+" if case["inside"][fit][n] else "-" for n in NAMES)
        parts.append(f"{fit} {values['lambda_mm']:.2f} {values['rhoT']:.2f} {inside}")
        if case["truth"]:
            parts.append("error {:+.3f} {:+.3f}".format(*_errors(case, fit)))
    known = case["posterior"]["lambda_mm"]
    low, high = known["interval90"]
    return "  ".join([*parts, f"posterior {known['median']:.2f} [{low:.2f}, {high:.2f}]"])


def _errors(case: Mapping[str, Any], fit: str) -> list[float]:
    return [float(np.log(case["fits"][fit][name] / case["truth"][name])) for name in NAMES]


def main(out: Path, names: list[str]) -> None:
    out.mkdir(parents=True, exist_ok=True)
    jobs: dict[str, Any] = {}
    if names == ["phantoms"]:
        jobs = {case.name: case for case in phantoms()}
    else:
        jobs = {"_".join(Path(name).parts[-3:-1]): Path(name) for name in names}
    for name, job in jobs.items():
        file = out / f"{name}.json"
        if file.exists():
            continue
        if isinstance(job, Path):
            case = found(load_domain(job), None)
        else:
            truth = {"lambda_mm": job.truth.lambda_mm, "rhoT": job.truth.rhoT}
            case = found(make(job).domain, truth)
        write_json(file, case)
        print(_line(name, read_json(file)), flush=True)
    print(table(out))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
