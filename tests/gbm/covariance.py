"""The network's own covariance beside the solver's, where the objective is the posterior.

    python -m tests.gbm.covariance CACHE OUT [--truths N ...] [--kind KIND]

BiLO fits truths of `tests.gbm.truths` under `objective.name: outline`. At its parameters the
standard deviations of ln D T and ln rho T (the origin held, thresholds free) are taken from the
network's derivative and from the solver's. A case is one JSON file in OUT, and what is there is not
done again; the table comes last.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from bilo.posterior.gauss_newton import covariance
from gbm.config.fit_names import FitSpec
from gbm.config.settings import Settings
from gbm.growth.inverse_problem import GrowthInverseProblem
from gbm.io.files import read_json, write_json
from gbm.network_fit.tumour_fit import TumourFit, fit_tumour
from gbm.posterior.by_objective import direct_fit
from gbm.posterior.growth_posterior import LogPosterior
from gbm.posterior.mode import start_of
from gbm.posterior.objective import OutlineObjective
from gbm.search.coarse_search import Candidate
from tests.gbm.truths import KINDS, phantom, tumour

SETTINGS = Settings.model_validate({"objective": {"name": "outline"}})
TO_PARAMS = np.array([[2.0, 1.0], [0.0, 1.0]])
"""ln D T and ln rho T by ln lambda and ln rho T."""


def solver_sd(posterior: LogPosterior, theta: np.ndarray) -> np.ndarray:
    """Standard deviations of ln D T and ln rho T at theta (n,), the origin held."""
    _, hessian = posterior.expand(theta, posterior.forward(theta))
    kept = [k for k in range(len(theta)) if not 2 <= k < posterior.growth.stop]
    spread = covariance(hessian[np.ix_(kept, kept)], posterior.scale[kept])[:2, :2]
    return np.sqrt(np.diag(TO_PARAMS @ spread @ TO_PARAMS.T))


def compared(n: int, kind: str, cache: Path) -> dict[str, Any]:
    """One case."""
    found = phantom(tumour(n, cache), kind)
    domain, given = found.domain, GrowthInverseProblem.of(found.domain, SETTINGS)
    start = given.characteristic(domain)
    direct = direct_fit(domain, start, given)
    spec = FitSpec(method="bilo", lift="char", origin="inferred", seed=0, weight=None)
    fit = TumourFit(domain, start, direct.x0, SETTINGS, spec, direct.first_mode)
    result, _ = fit_tumour(fit)
    outlines = fit.inverse.outlines
    assert isinstance(outlines, OutlineObjective)
    levels = np.array([result.thresholds["WT"], result.thresholds["TC"]])
    at = Candidate(result.lambda_mm, result.rhoT, direct.x0, levels)
    exact = solver_sd(outlines.posterior, start_of(at, outlines.posterior))
    sd, began = result.assessment["local_sd"], result.assessment["start"]
    own = [sd["rD"] * began["DT"] / result.DT_mm2, sd["rRHO"] * began["rhoT"] / result.rhoT]
    truth = found.case.truth
    return {
        "ln_sd_network": own,
        "ln_sd_solver": exact,
        "moved": [np.log(result.lambda_mm / direct.lambda_mm), np.log(result.rhoT / direct.rhoT)],
        "error": [np.log(result.lambda_mm / truth.lambda_mm), np.log(result.rhoT / truth.rhoT)],
        "error_direct": [
            np.log(direct.lambda_mm / truth.lambda_mm), np.log(direct.rhoT / truth.rhoT)
        ],
        "objective": [result.assessment["objective_fdm"], direct.objective],
        "seconds": result.seconds,
    }  # fmt: skip


def table(out: Path) -> str:
    """A line a case."""
    lines = ["case: sd of ln DT, ln rhoT of network / solver; BiLO - direct fit; objectives"]
    ratios = []
    for file in sorted(out.glob("*.json")):
        case = read_json(file)
        ratio = np.divide(case["ln_sd_network"], case["ln_sd_solver"])
        ratios.append(ratio)
        lines.append(
            f"{file.stem}: {np.round(case['ln_sd_network'], 4)} / "
            f"{np.round(case['ln_sd_solver'], 4)} = {ratio.round(2)}; "
            f"{np.round(case['moved'], 3)}; {np.round(case['objective'], 2)}; "
            f"error {np.round(case['error'], 3)} ({np.round(case['error_direct'], 3)})"
        )
    away = np.abs(np.array(ratios) - 1)
    lines.append(f"within 20 %: {(away <= 0.2).mean(axis=0)}, worst {away.max(axis=0).round(2)}")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cache", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--truths", type=int, nargs="*", default=list(range(10)))
    parser.add_argument("--kind", default="thr", choices=KINDS)
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    for n in given.truths:
        file = given.out / f"truth-{n:03d}-{given.kind}.json"
        if not file.exists():
            write_json(file, compared(n, given.kind, given.cache))
            print(file.stem, flush=True)
    print(table(given.out))


if __name__ == "__main__":
    main()
