"""Gather one patient's parameters and metrics."""

from __future__ import annotations

from collections.abc import Sequence

from gbm.config.fit_names import FitSpec, planned
from gbm.config.plan import fits_neighbours
from gbm.domain.domain import load_domain
from gbm.imaging.image_files import input_files
from gbm.io.files import read_sealed, write_sealed, write_text
from gbm.io.job import Job
from gbm.io.provenance import cost
from gbm.judging.posterior import GrowthPosterior
from gbm.judging.summary import StepRecords, summarise
from gbm.judging.verified_fit import VerifiedFit
from gbm.results.metrics_table import (
    metric_rows,
    metrics_tsv,
    network_scores,
    posterior_scores,
    reference_scores,
)
from gbm.results.patient_result import SliceFit
from gbm.results.references import CharacteristicStart, References
from gbm.results.registration_record import RegistrationRecord


def run(job: Job) -> None:
    """Gather all steps of one patient's main job.

    Written: `desc-growth_params.json` (`gbm.results.patient_result.PatientResult`) and
    `desc-growth_metrics.tsv`.

    Raises
    ------
    InputError
        If there is no headline fit, or a fit has no verification.
    """
    gather_fits(job, planned(job.settings))


def gather_fits(job: Job, fits: Sequence[FitSpec]) -> None:
    """`run` for some of the fits."""
    files, domain, measured = (
        job.files,
        load_domain(job.files.domain),
        read_sealed(job.files.quality),
    )
    registered = measured.get("registration")
    record = {**read_sealed(files.baselines), **read_sealed(files.identifiability)}
    references = References.of(record, domain)
    direct, posterior, scale = references.direct_fdm, None, job.settings.objective.scale
    if job.settings.uncertainty.enabled:
        posterior = GrowthPosterior.read(files, fits_neighbours(job.settings))
    found = StepRecords(
        domain=domain,
        characteristic=CharacteristicStart.model_validate(read_sealed(files.characteristic)),
        references=references,
        numbers=measured["numbers"],
        registration=registered and RegistrationRecord.model_validate(registered),
        fits={spec.name: VerifiedFit.read(files, spec.name, direct, scale) for spec in fits},
        posterior=posterior,
        slice_fit=SliceFit.model_validate(read_sealed(files.slice_fit))
        if domain.dimensions == 3
        else None,
        input_warnings=tuple(read_sealed(files.check)["warnings"]) if job.file else (),
    )
    result = summarise(
        found,
        job.settings,
        inputs=input_files(job.patient.sources()) if job.file else (),
        cost=cost(files.costs, found.fits),
    )
    scores = reference_scores(references)
    if result.method == "bilo":
        scores = network_scores("bilo", found.fits[result.headline].verification) | scores
    if posterior is not None:
        scores |= posterior_scores(posterior.extents)
    write_sealed(files.params, result.model_dump(mode="json"))
    write_text(files.metrics, metrics_tsv(metric_rows(scores, domain.dimensions)))
