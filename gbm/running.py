"""One patient in one process, without Snakemake: the steps in their order."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from gbm.config.errors import InputError
from gbm.config.fit_names import FitSpec, compared, planned
from gbm.config.loading import FOREIGN_KEYS, load_job
from gbm.config.plan import fits_neighbours
from gbm.config.writable import require_writable
from gbm.io.job import Job
from gbm.io.layout import Layout
from gbm.io.lock import hold
from gbm.results.patient_result import PatientResult, read_result
from gbm.steps import (
    baselines,
    characteristic,
    check,
    comparison,
    direct_fixed,
    domain,
    export,
    export_uncertainty,
    identifiability,
    metrics,
    plan,
    posterior,
    register,
    report,
    slice_fit,
    slices,
    tissue,
    verify,
)


def run_patient(
    file: Path | str, out: Path | str, *, threads: int = 1, **settings: Any
) -> PatientResult:
    """Run the main job of one patient; the numbers are those of the workflow.

    With ``fit={"comparison": True}`` the networks of the comparison follow, without their page.
    Nothing is resumed but an interrupted fit: every step runs, and writes where the workflow does,
    which will make all of it again: it knows nothing of what this made.
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
    with hold(root / ".lock", "out"):
        return _run(Job(path, chosen, Layout(root, patient.id), threads), settings)


def _run(job: Job, settings: Mapping[str, Any]) -> PatientResult:
    """All steps, in their order."""
    chosen = job.settings
    assert job.file is not None
    shutil.rmtree(job.files.notes, ignore_errors=True)  # they are about what the workflow made
    check.run(job.file, settings, job.files)
    if job.registered:
        register.run(job)
    for step in (tissue, domain, characteristic, baselines, identifiability):
        step.run(job)
    if chosen.dimensions == 3:
        slice_fit.run(job)
    if chosen.uncertainty.enabled:
        posterior.run(job)
    if fits_neighbours(chosen):
        slices.run(job)
    _fit(job, planned(chosen))
    metrics.run(job)
    export.run(job)
    if chosen.uncertainty.enabled:
        export_uncertainty.run(job)
    if chosen.dimensions == 3:
        plan.run(job)
        if job.patient.reference() is not None:
            from gbm.steps import dicom

            dicom.run(job)
    report.run(job)
    if chosen.fit.comparison:
        direct_fixed.run(job)
        _fit(job, compared(chosen))
        comparison.run(job)
    return read_result(job.files.params)


def _fit(job: Job, specs: Iterable[FitSpec]) -> None:
    """Fit and verify some networks; torch is imported where there is one."""
    for spec in specs:
        from gbm.steps import fit

        fit.run(job, spec.name)
        verify.run(job, spec.name)
