"""Real patients on several slices, and phantoms: what the fits find, and what the verdict says.

    python -m tests.gbm.slices DATA OUT [PATIENT:OFFSET ...]      five slices of every patient
    python -m tests.gbm.slices DATA OUT PATIENT:OFFSET:heat ...   the heat lift, without a verdict
    python -m tests.gbm.slices phantoms OUT [CASE ...]            `gbm.demo.phantoms`

The pipeline's own steps run in one process, without Snakemake: one registration a patient, then
for each slice (mm from that of the largest extent) tissue, domain, references, the headline fit,
its verification and the verdict. A slice's files lie in a folder of its own and are left there.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from gbm.config.fit_names import planned
from gbm.config.loading import load_patient
from gbm.config.settings import Settings
from gbm.demo.phantoms import make, phantoms
from gbm.domain.domain import Domain, load_domain, save_domain
from gbm.domain.fitted_slice import choose_slab
from gbm.growth.characteristic import characteristic
from gbm.imaging.labels import read_regions
from gbm.io.files import read_json, write_json
from gbm.results.patient_result import PatientResult, read_result
from gbm.steps import baselines
from gbm.steps.domain import run as step_domain
from gbm.steps.fit import run as step_fit
from gbm.steps.metrics import run as step_metrics
from gbm.steps.register import run as step_register
from gbm.steps.tissue import run as step_tissue
from gbm.steps.verify import run as step_verify

OFFSETS_MM = (-10, -5, 0, 5, 10)
NAMES = ("t1", "wm", "gm", "csf", "image")


def prepare(data: Path, patient: str, offset: int, out: Path) -> tuple[Path, Settings]:
    """Registration, tissue and domain of one slice; its folder and settings."""
    own, folder = out / patient, out / patient / f"{offset:+d}mm"
    folder.mkdir(parents=True, exist_ok=True)
    file, record = own / f"{patient}.yaml", own / "registration.json"
    files = {name: own / f"{name}.nii.gz" for name in NAMES}
    images = [n for n in ("t1", "t1c") if (data / patient / f"{n}.nii.gz").exists()]
    shown = ", ".join(f"{name}: {data / patient / name}.nii.gz" for name in images)
    seg = data / patient / "seg.nii.gz"
    file.write_text(
        f'patient:\n  id: "{patient}"\n  images: {{{shown}}}\n'
        f"  segmentation: {{path: {seg}, convention: brats}}\n"
    )
    if not record.exists():
        step_register(file=file, settings=Settings(), seed=0, threads=1, record=record, **files)
    regions = read_regions(load_patient(file).segmentation)
    index = choose_slab(regions, Settings().slice).index + offset
    settings = Settings.model_validate({"slice": {"plane": "axial", "index": index}})
    if not (folder / "domain.npz").exists():
        maps = {name: folder / f"{name}.nii.gz" for name in ("wm", "gm", "csf")}
        step_tissue(
            file=file, settings=settings, record=folder / "tissue.json", **maps,
            registration={name: files[name] for name in ("wm", "gm", "csf", "image")},
        )  # fmt: skip
        step_domain(
            file=file, settings=settings, tissue=folder / "tissue.json", registration=record,
            domain=folder / "domain.npz", quality=folder / "quality.json", **maps,
        )  # fmt: skip
    return folder, settings


def prepare_phantom(name: str, out: Path) -> tuple[Path, Settings, dict[str, float]]:
    """Domain of a phantom; its folder, the default settings and the truth."""
    (case,) = [case for case in phantoms() if case.name == name]
    made, folder = make(case), out / name
    folder.mkdir(parents=True, exist_ok=True)
    save_domain(folder / "domain.npz", made.domain)
    write_json(folder / "quality.json", {"numbers": dict(made.domain.numbers)})
    return folder, Settings(), {"lambda_mm": case.truth.lambda_mm, "rhoT": case.truth.rhoT}


def fit_and_verify(folder: Path, settings: Settings, name: str) -> tuple[Path, Path]:
    """References and one fit of a prepared slice, and its verification: the two records."""
    domain: Domain = load_domain(folder / "domain.npz")
    shared: dict[str, Any] = {"domain": folder / "domain.npz", "settings": settings}
    record, arrays = folder / f"{name}.json", folder / f"{name}.npz"
    verified = folder / "verify" / f"{name}.json"
    verified.parent.mkdir(exist_ok=True)
    if not (folder / "baselines.json").exists():
        radii = (domain.numbers["radius_WT_mm"], domain.numbers["radius_TC_mm"])
        write_json(folder / "characteristic.json", characteristic(*radii).to_json())
        baselines.run(
            characteristic=folder / "characteristic.json", record=folder / "baselines.json",
            fields=folder / "baselines.npz", **shared,
        )  # fmt: skip
    if not verified.exists():
        step_fit(
            characteristic=folder / "characteristic.json", baselines=folder / "baselines.json",
            name=name, record=record, fields=arrays, checkpoint=folder / f"{name}.safetensors",
            threads=1, **shared,
        )  # fmt: skip
        step_verify(
            fit=record, arrays=arrays, record=verified,
            fields=verified.with_suffix(".npz"), **shared,
        )  # fmt: skip
    return record, verified


def heat(folder: Path, settings: Settings) -> str:
    """The heat lift against the solver and the direct fit, in one row."""
    name = replace(planned(settings)[0], lift="heat").name
    record, verified = (read_json(path) for path in fit_and_verify(folder, settings, name))
    direct = read_json(folder / "baselines.json")["direct_fdm"]["objective"]
    return (
        f"lambda {record['lambda_mm']:.2f} rhoT {record['rhoT']:.2f} "
        f"error {verified['relative_error_u']['final']:.4f} "
        f"gap {verified['objective']['fdm'] - direct:+.4f} {record['seconds']:.0f} s"
    )


def fitted(folder: Path, settings: Settings) -> PatientResult:
    """References, headline fit, verification and verdict of a prepared slice."""
    params = folder / "params.json"
    if params.exists():
        return read_result(params)
    record, verified = fit_and_verify(folder, settings, planned(settings)[0].name)
    step_metrics(
        domain=folder / "domain.npz", characteristic=folder / "characteristic.json",
        quality=folder / "quality.json", baselines=folder / "baselines.json", fits=[record],
        verifications=[verified], settings=settings.model_dump(mode="json"), files={},
        params=params, metrics=folder / "metrics.tsv",
    )  # fmt: skip
    return read_result(params)


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
            folder, settings, truth = prepare_phantom(name, out)
            print(line(name, fitted(folder, settings), truth), flush=True)
        return
    patients = sorted(folder.name for folder in Path(data).iterdir())
    for name in names or [f"{p}:{offset}" for offset in OFFSETS_MM for p in patients]:
        patient, offset, *lift = name.split(":")
        folder, settings = prepare(Path(data), patient, int(offset), out)
        row = f"{name} {heat(folder, settings)}" if lift else line(name, fitted(folder, settings))
        print(row, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3:])
