"""What one slice of a volume says by itself: the direct fit of the two-dimensional problem."""

from __future__ import annotations

from gbm.config.merging import merge
from gbm.config.settings import BY_DIMENSION, Settings
from gbm.domain.build import build_domain
from gbm.domain.domain import Domain
from gbm.growth.inverse_problem import GrowthInverseProblem
from gbm.imaging.labels import TumourRegions, load_regions
from gbm.imaging.tissue import Tissue
from gbm.io.files import read_sealed, write_sealed
from gbm.io.job import Job
from gbm.posterior.by_objective import direct_fit
from gbm.search.direct_fit import DirectFit


def run(job: Job) -> None:
    """Write `slice_fit.json`: the direct fit of the slice that `dimensions: 2` would fit.

    Settings `slice`, `tissue`, `growth`, `objective` and `bounds`; the priors, slope and grid are
    the defaults of the plane, as a job of one slice has them.
    """
    files = job.files
    tissue = Tissue.read(files.maps, read_sealed(files.tissue))
    settings, regions = in_the_plane(job.settings), load_regions(files.regions)
    domain, found = fit_slice(job.patient.id, tissue, regions, settings)
    write_sealed(
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


def fit_slice(
    patient: str, tissue: Tissue, regions: TumourRegions, settings: Settings
) -> tuple[Domain, DirectFit]:
    """The slice that planar settings choose, and its direct fit."""
    domain = build_domain(patient, tissue, regions, settings)
    inverse = GrowthInverseProblem.of(domain, settings)
    start = inverse.characteristic(domain)
    return domain, direct_fit(domain, start, inverse, refine=settings.verify.refine)


def in_the_plane(settings: Settings) -> Settings:
    """The settings of a volume for one of its slices, with the defaults of the plane."""
    plane = {"dimensions": 2, **BY_DIMENSION[2]}
    return Settings.model_validate(merge(settings.model_dump(), plane))
