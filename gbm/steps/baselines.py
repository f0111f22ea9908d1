"""The honest references beside every network: disc, characteristic start, direct fit."""

from __future__ import annotations

from typing import Any

import numpy as np

from gbm.config.conventions import REGIONS
from gbm.domain.domain import Domain, load_domain
from gbm.growth.characteristic import Characteristic
from gbm.growth.disc import centroid, disc
from gbm.growth.extent import extent
from gbm.growth.finite_volume import solve
from gbm.growth.growth_map import coarsen
from gbm.growth.inverse_problem import GrowthInverseProblem
from gbm.growth.metrics import masks, scores
from gbm.io.files import read_sealed, write_npz, write_sealed
from gbm.io.job import Job
from gbm.io.layout import arrays
from gbm.posterior.by_objective import direct_fit
from gbm.posterior.objective import with_outlines
from gbm.search.direct_fit import DirectFit


def start_record(
    domain: Domain, start: Characteristic, inverse: GrowthInverseProblem, refine: int
) -> tuple[dict[str, Any], np.ndarray]:
    """The solution at the characteristic parameters and prior thresholds, nothing fitted."""
    u = coarsen(solve(domain, start, inverse.seed(domain.x0), cell_mm=1 / refine)[0], refine)
    levels = dict(zip(REGIONS, inverse.objective.prior_means, strict=True))
    record = {
        "DT_mm2": start.DT,
        "rhoT": start.rhoT,
        "lambda_mm": start.lambda_mm,
        "thresholds": levels,
        "x0_grid_mm": domain.x0.tolist(),
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
        "x0_grid_mm": fit.x0.tolist(),
        "x0_shift_mm": float(np.linalg.norm(fit.x0 - domain.x0)),
        "objective": fit.objective,
        "objective_network_grid": fit.objective_network_grid,
        "objective_prior": fit.objective_prior,
        "minima": list(fit.minima),
        "converged": fit.converged,
        "warnings": list(fit.warnings),
        "seconds": fit.seconds,
        "first_mode": fit.first_mode,
        "metrics": scores(domain, masks(domain, fit.u, fit.thresholds)),
        "extent": extent(domain, fit.u),
    }


def run(job: Job) -> None:
    """Make all references of one patient (settings objective, bounds, growth and verify).

    Written: `baselines.json` (characteristic_fdm, direct_fdm, disc) and its arrays
    (`u_characteristic`, `u_direct` (n_1, .., n_d), `disc_WT`, `disc_TC`).
    """
    files, refine = job.files, job.settings.verify.refine
    domain = load_domain(files.domain)
    start = Characteristic.from_json(read_sealed(files.characteristic))
    given = GrowthInverseProblem.of(domain, job.settings)
    fitted = direct_fit(domain, start, given, refine=refine)
    inverse = with_outlines(domain, given, fitted.first_mode)
    started, u_start = start_record(domain, start, inverse, refine)
    discs = disc(domain)
    write_sealed(
        files.baselines,
        {
            "characteristic_fdm": started,
            "direct_fdm": fit_record(domain, fitted),
            "disc": {"x0_grid_mm": centroid(domain), "metrics": scores(domain, discs)},
        },
    )
    write_npz(
        arrays(files.baselines),
        u_characteristic=u_start.astype(np.float32),
        u_direct=fitted.u.astype(np.float32),
        **{f"disc_{region}": mask for region, mask in discs.items()},
    )
