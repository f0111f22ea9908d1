"""One patient in one process, without Snakemake: the steps in their order."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gbm.config.errors import InputError
from gbm.config.fit_names import planned
from gbm.config.loading import FOREIGN_KEYS, load_job
from gbm.config.writable import require_writable
from gbm.io.job import Job
from gbm.io.layout import Layout
from gbm.results.patient_result import PatientResult, read_result
from gbm.steps import (
    baselines,
    characteristic,
    check,
    domain,
    export,
    fit,
    metrics,
    register,
    report,
    tissue,
    verify,
)


def run_patient(
    file: Path | str, out: Path | str, *, threads: int = 1, **settings: Any
) -> PatientResult:
    """Run all steps of one patient; the numbers are those of the workflow.

    Nothing is resumed but an interrupted fit: every step runs, and writes where the workflow does.
    Remarks and the fits' progress are printed; torch's and SimpleITK's numbers of threads are set
    for the whole process.

    Parameters
    ----------
    file : path
        The patient file.
    out : path
        Folder of the results, `results/gbm` in the workflow: `sub-<id>.html`, `sub-<id>/`, `work/`.
    threads : int
        Of the registration and of torch; with one the result is reproducible to the last digit.
    **settings
        Sections of `config.yaml`, such as ``fit={"seeds": [0, 1]}``; what the patient file
        overrides wins.

    Returns
    -------
    PatientResult
        What `desc-growth_params.json` holds.

    Raises
    ------
    InputError
        On a fault of the settings, the patient file or its images, with file and key.
    """
    path, root = Path(file), Path(out)
    for key in sorted({*FOREIGN_KEYS, "output"} & set(settings)):
        raise InputError("belongs to the workflow, not to one patient", key=key)
    if threads < 1:
        raise InputError(f"must be 1 or more, not {threads}", key="threads")
    require_writable(root, "out")
    patient, chosen = load_job(path, settings)
    job = Job(path, chosen, Layout(root, patient.id), threads)
    check.run(path, settings, job.files)
    if job.registered:
        register.run(job)
    for step in (tissue, domain, characteristic, baselines):
        step.run(job)
    for spec in planned(chosen):
        fit.run(job, spec.name)
        verify.run(job, spec.name)
    for step in (metrics, export, report):
        step.run(job)
    return read_result(job.files.params)
