"""Real patients on several slices, and phantoms: what the fits find, and what the verdict says.

    python -m tests.gbm.slices DATA OUT [PATIENT:OFFSET ...]      five slices of every patient
    python -m tests.gbm.slices DATA OUT PATIENT:OFFSET:heat ...   the heat lift, without a verdict
    python -m tests.gbm.slices phantoms OUT [CASE ...]            `gbm.demo.phantoms`

The pipeline's own steps run in one process, without Snakemake: one registration a patient, then
for each slice (mm from that of the largest extent) tissue, domain, references, the headline fit,
its verification and the verdict, intervals left out (`tests.gbm.one_answer` has those). A slice's
files lie in a folder of its own and are left there.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from gbm.config.fit_names import FitSpec, headline_fit
from gbm.config.settings import Settings
from gbm.demo.phantoms import make, phantoms
from gbm.domain.domain import save_domain
from gbm.domain.fitted_grid import choose_slab
from gbm.imaging.labels import load_regions
from gbm.io.files import read_json, write_sealed
from gbm.io.job import Job
from gbm.io.layout import Layout
from gbm.results.patient_result import PatientResult, read_result
from gbm.steps import (
    baselines,
    characteristic,
    check,
    domain,
    fit,
    identifiability,
    register,
    tissue,
    verify,
)
from gbm.steps.metrics import gather_fits

OFFSETS_MM = (-10, -5, 0, 5, 10)
NO_INTERVALS = {"uncertainty": {"enabled": False}}


def prepare(data: Path, patient: str, offset: int, out: Path) -> Job:
    """Registration, tissue and domain of one slice, in a folder of its own."""
    own, files = out / patient, Layout(out / patient / f"{offset:+d}mm", patient)
    own.mkdir(parents=True, exist_ok=True)
    file, once = own / f"{patient}.yaml", Layout(own, patient)
    images = [n for n in ("t1", "t1c") if (data / patient / f"{n}.nii.gz").exists()]
    shown = ", ".join(f"{name}: {data / patient / name}.nii.gz" for name in images)
    seg = data / patient / "seg.nii.gz"
    file.write_text(
        f'patient:\n  id: "{patient}"\n  images: {{{shown}}}\n'
        f"  segmentation: {{path: {seg}, convention: brats}}\n"
    )
    if not once.registration.exists():
        check.run(file, {}, once)
        register.run(Job(file, Settings(), once))
    index = choose_slab(load_regions(once.regions), Settings().slice).index + offset
    plane = {"slice": {"plane": "axial", "index": index}}
    job = Job(file, Settings.model_validate({**plane, **NO_INTERVALS}), files)
    if not files.quality.exists():
        for path in (once.check, once.regions, once.registration, *once.registered.values()):
            there = files.root / path.relative_to(once.root)
            there.parent.mkdir(parents=True, exist_ok=True)
            there.unlink(missing_ok=True)
            there.symlink_to(path.resolve())
        tissue.run(job)
        domain.run(job)
    return job


def prepare_phantom(name: str, out: Path) -> tuple[Job, dict[str, float]]:
    """Domain of a phantom, with the default settings; the truth."""
    (case,) = [case for case in phantoms() if case.name == name]
    made, files = make(case), Layout(out, name)
    save_domain(files.domain, made.domain)
    write_sealed(files.quality, {"numbers": dict(made.domain.numbers)})
    job = Job(None, Settings.model_validate(NO_INTERVALS), files)
    return job, {"lambda_mm": case.truth.lambda_mm, "rhoT": case.truth.rhoT}


def fit_and_verify(job: Job, spec: FitSpec) -> None:
    """References and one fit of a prepared slice, and its verification, where they are missing."""
    if not job.files.baselines.exists():
        characteristic.run(job)
        baselines.run(job)
        identifiability.run(job)
    if not job.files.verified(spec.name).exists():
        fit.run(job, spec.name)
        verify.run(job, spec.name)


def heat(job: Job) -> str:
    """The heat lift against the solver and the direct fit, in one row."""
    spec = replace(headline_fit(job.settings), lift="heat")
    fit_and_verify(job, spec)
    record, verified = (read_json(at(spec.name)) for at in (job.files.fit, job.files.verified))
    direct = read_json(job.files.baselines)["direct_fdm"]["objective"]
    return (
        f"lambda {record['lambda_mm']:.2f} rhoT {record['rhoT']:.2f} "
        f"error {verified['relative_error_u']['final']:.4f} "
        f"gap {verified['objective']['fdm'] - direct:+.4f} {record['seconds']:.0f} s"
    )


def fitted(job: Job) -> PatientResult:
    """References, headline fit, verification and verdict of a prepared slice."""
    if not job.files.params.exists():
        spec = headline_fit(job.settings)
        fit_and_verify(job, spec)
        gather_fits(job, [spec])
    return read_result(job.files.params)


def line(name: str, result: PatientResult, truth: dict[str, float] | None = None) -> str:
    """One row of the table."""
    values = {"lambda_mm": result.lambda_mm.value, "rhoT": result.rhoT.value}
    objective, start = result.objective, result.start
    failed = [gate.number for gate in result.verdict.gates if gate.colour != "green"]
    off = "" if truth is None else " ".join(
        f"d ln {key} {np.log(values[key] / truth[key]):+.2f}" for key in values
    )  # fmt: skip
    return (
        f"{name} lambda {values['lambda_mm']:.2f} rhoT {values['rhoT']:.2f} {off} "
        f"error {result.relative_error_u.final:.4f} J {objective.fdm:.4f} "
        f"gap {objective.fdm - objective.direct_fit:+.4f} {start and start.source} "
        f"{result.verdict.colour} {failed} {result.seconds:.0f} s"
    )


def main(data: str, out: Path, names: list[str]) -> None:
    """Fit what is asked for, one line each."""
    if data == "phantoms":
        for name in names or [case.name for case in phantoms()]:
            job, truth = prepare_phantom(name, out)
            print(line(name, fitted(job), truth), flush=True)
        return
    patients = sorted(folder.name for folder in Path(data).iterdir())
    for name in names or [f"{p}:{offset}" for offset in OFFSETS_MM for p in patients]:
        patient, offset, *lift = name.split(":")
        job = prepare(Path(data), patient, int(offset), out)
        row = f"{name} {heat(job)}" if lift else line(name, fitted(job))
        print(row, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3:])
