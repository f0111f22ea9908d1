"""Characteristic growth parameters of one patient."""

from __future__ import annotations

from gbm.domain.domain import load_domain
from gbm.growth.characteristic import map_radii
from gbm.growth.inverse_problem import GrowthInverseProblem
from gbm.io.files import write_sealed
from gbm.io.job import Job


def run(job: Job) -> None:
    """Write the parameters whose radial solution has the radii of the segmentation.

    Settings: growth, objective and bounds. Beside them stand the radii that they have on the map.
    """
    domain = load_domain(job.files.domain)
    inverse = GrowthInverseProblem.of(domain, job.settings)
    thresholds, seed = job.settings.objective.thresholds.model_dump(), inverse.seed(domain.x0)
    found = inverse.characteristic(domain)
    on_map = map_radii(domain, found, seed, thresholds)
    write_sealed(job.files.characteristic, found.to_json() | {"map_radii_mm": on_map})
