"""The honest references beside every network: disc, characteristic start, direct fit, profile."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from gbm.config.conventions import REGIONS
from gbm.config.settings import Settings
from gbm.domain.domain import Domain, load_domain
from gbm.growth.characteristic import Characteristic
from gbm.growth.disc import centroid, disc
from gbm.growth.finite_volume import coarsen, solve
from gbm.growth.inverse_problem import GrowthInverseProblem
from gbm.growth.metrics import masks, scores
from gbm.io.files import read_json, write_json, write_npz
from gbm.search.direct_fit import DirectFit, direct_fit
from gbm.search.identifiability import REDRAWN, local_spread, profile, surface


def start_record(
    domain: Domain, start: Characteristic, inverse: GrowthInverseProblem, refine: int
) -> tuple[dict[str, Any], np.ndarray]:
    """The solution at the characteristic parameters and prior thresholds, nothing fitted."""
    u = coarsen(
        solve(domain, start, inverse.seed(domain.x0), refine=refine)[0],
        refine,
    )
    levels = dict(zip(REGIONS, inverse.objective.prior_means, strict=True))
    record = {
        "DT_mm2": start.DT,
        "rhoT": start.rhoT,
        "lambda_mm": start.lambda_mm,
        "thresholds": levels,
        "x0_plane_mm": domain.x0.tolist(),
        "objective": inverse.value(
            u, np.array(inverse.objective.prior_means), start.lambda_mm, start.rhoT
        ),
        "objective_prior": inverse.prior(
            np.array(inverse.objective.prior_means), start.lambda_mm, start.rhoT
        ),
        "metrics": scores(domain, masks(domain, u, levels)),
    }
    return record, u


def fit_record(domain: Domain, fit: DirectFit) -> dict[str, Any]:
    """A direct fit as plain values, with its scores."""
    return {
        "DT_mm2": fit.DT,
        "rhoT": fit.rhoT,
        "lambda_mm": fit.lambda_mm,
        "thresholds": fit.thresholds,
        "x0_plane_mm": fit.x0.tolist(),
        "x0_shift_mm": float(np.hypot(*(fit.x0 - domain.x0))),
        "objective": fit.objective,
        "objective_prior": fit.objective_prior,
        "minima": list(fit.minima),
        "converged": fit.converged,
        "warnings": list(fit.warnings),
        "seconds": fit.seconds,
        "metrics": scores(domain, masks(domain, fit.u, fit.thresholds)),
    }


def run(
    *, domain: Path, characteristic: Path, settings: Settings, record: Path, fields: Path
) -> None:
    """Make all references of one patient.

    Parameters
    ----------
    domain, characteristic : Path
        `desc-domain.npz` and `characteristic.json`.
    settings : Settings
        Objective, bounds, growth and verify.
    record, fields : Path
        Written: `baselines.json` (characteristic_fdm, direct_fdm, direct_fixed_fdm with the origin
        fixed, disc, profile, surface, spread) and `baselines.npz` (`u_characteristic`, `u_direct`,
        `u_direct_fixed` (nx, ny), `disc_WT`, `disc_TC`).
    """
    problem, refine = load_domain(domain), settings.verify.refine
    start = Characteristic.from_json(read_json(characteristic))
    inverse = GrowthInverseProblem.of(problem, settings)
    started, u_start = start_record(problem, start, inverse, refine)
    fitted = direct_fit(problem, start, inverse, refine=refine)
    fixed = direct_fit(problem, start, inverse, x0="fixed", refine=refine)
    discs = disc(problem)
    write_json(
        record,
        {
            "characteristic_fdm": started,
            "direct_fdm": fit_record(problem, fitted),
            "direct_fixed_fdm": fit_record(problem, fixed),
            "disc": {"x0_plane_mm": centroid(problem), "metrics": scores(problem, discs)},
            "profile": profile(problem, fitted.candidate, inverse),
            "surface": surface(problem, fitted.candidate, inverse),
            "spread": {"dice_loss": REDRAWN, **local_spread(problem, fitted.candidate, inverse)},
        },
    )
    write_npz(
        fields,
        u_characteristic=u_start,
        u_direct=fitted.u,
        u_direct_fixed=fixed.u,
        **{f"disc_{region}": mask for region, mask in discs.items()},
    )
