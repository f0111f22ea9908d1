"""Gather one patient's parameters and metrics."""

from __future__ import annotations

from collections.abc import Sequence

from gbm.config.fit_names import FitSpec, planned
from gbm.domain.domain import load_domain
from gbm.growth.records import FitResult, Verification
from gbm.io.files import read_json, write_json, write_text
from gbm.io.job import Job
from gbm.io.provenance import cost, inputs
from gbm.judging.summary import StepRecords, summarise
from gbm.results.metrics_table import metric_rows, metrics_tsv
from gbm.results.references import CharacteristicStart, References
from gbm.results.registration_record import RegistrationRecord


def run(job: Job) -> None:
    """Gather all steps of one patient.

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
    files, domain, measured = job.files, load_domain(job.files.domain), read_json(job.files.quality)
    registered = measured.get("registration")
    verified = {spec.name: files.verified(spec.name) for spec in fits}
    found = StepRecords(
        domain=domain,
        characteristic=CharacteristicStart.model_validate(read_json(files.characteristic)),
        references=References.placed(read_json(files.baselines), domain),
        numbers=measured["numbers"],
        registration=registered and RegistrationRecord.model_validate(registered),
        fits={spec.name: FitResult.from_json(read_json(files.fit(spec.name))) for spec in fits},
        verifications={
            name: Verification.from_json(read_json(path))
            for name, path in verified.items()
            if path.exists()
        },
        input_warnings=tuple(read_json(files.check)["warnings"]) if job.file else (),
    )
    result = summarise(
        found,
        job.settings,
        inputs=inputs(job.patient.paths()) if job.file else (),
        cost=cost(files.costs, found.fits),
    )
    rows = metric_rows(found.verifications, result.headline, result.pinn, found.references)
    write_json(files.params, result.model_dump(mode="json"))
    write_text(files.metrics, metrics_tsv(rows))
