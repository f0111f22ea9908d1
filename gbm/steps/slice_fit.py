"""What one slice of a volume says by itself: the direct fit of the two-dimensional problem."""

from __future__ import annotations

from gbm.config.settings import Settings
from gbm.domain.build import build_domain
from gbm.growth.characteristic import characteristic
from gbm.growth.inverse_problem import GrowthInverseProblem
from gbm.imaging.labels import load_regions
from gbm.imaging.tissue import Tissue
from gbm.io.files import read_json, write_json
from gbm.io.job import Job
from gbm.io.volumes import read_volume
from gbm.search.direct_fit import direct_fit


def run(job: Job) -> None:
    """Write `slice_fit.json`: the direct fit of the slice that `dimensions: 2` would fit.

    Settings `slice`, `tissue`, `growth`, `objective` and `bounds`; the priors, slope and grid are
    the defaults of the plane, as a job of one slice has them.
    """
    files, qc = job.files, read_json(job.files.tissue)
    tissue = Tissue(**{name: read_volume(path) for name, path in files.maps.items()}, qc=qc)
    settings = in_the_plane(job.settings)
    domain = build_domain(job.patient.id, tissue, load_regions(files.regions), settings)
    inverse = GrowthInverseProblem.of(domain, settings)
    radii = (domain.numbers["radius_WT_mm"], domain.numbers["radius_TC_mm"])
    thresholds = settings.objective.thresholds.model_dump()
    start = characteristic(*radii, thresholds, inverse.growth_bounds, inverse.seed(domain.x0))
    found = direct_fit(domain, start, inverse, refine=settings.verify.refine)
    write_json(
        files.slice_fit,
        {
            "lambda_mm": found.lambda_mm,
            "rhoT": found.rhoT,
            "DT_mm2": found.DT,
            "x0_mm": domain.to_world(found.x0),
            "slice": domain.slice,
            "plane": domain.plane,
            "objective": found.objective,
            "converged": found.converged,
            "warnings": list(found.warnings),
        },
    )


def in_the_plane(settings: Settings) -> Settings:
    """The settings of a volume for one of its slices, with the defaults of the plane."""
    given = settings.model_dump()
    given["dimensions"] = 2
    given["objective"] |= {"growth_prior": None, "k_final": None}
    given["verify"]["refine"] = None
    return Settings.model_validate(given)
