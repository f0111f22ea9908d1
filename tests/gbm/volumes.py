"""Whole tumours: phantoms of known parameters, and real heads turned, mirrored and thinned.

`python -m tests.gbm.volumes phantoms CACHE OUT [NAME ...]` makes the direct fit of phantoms
and of their largest slices, and writes one JSON a phantom: how far each is from the truth.

`python -m tests.gbm.volumes heads DATA OUT [PATIENT:KIND ...]` makes the direct fit of heads on
other grids (`KINDS`), with a registration of their own and, by `KIND:tissue`, with that tissue of
the undisturbed head, to tell registration from outline. What is there is left.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from gbm.config.settings import Settings
from gbm.demo.volumes import Volumes, make_in_space, space_phantoms
from gbm.domain.build import build_domain
from gbm.domain.domain import Domain, load_domain
from gbm.growth.inverse_problem import GrowthInverseProblem
from gbm.growth.metrics import masks, scores
from gbm.imaging.labels import TumourRegions
from gbm.imaging.tissue import Tissue
from gbm.io.files import plain, read_json, write_json
from gbm.io.job import Job
from gbm.io.layout import Layout
from gbm.io.nifti import read_volume, write_volume
from gbm.io.volumes import Volume, resample_to
from gbm.search.direct_fit import DirectFit, direct_fit
from gbm.steps import baselines, characteristic, check, domain, register, tissue

MAPS = ("wm", "gm", "csf")


def problem(seen: Volumes, dimensions: int, name: str) -> Domain:
    """The problem of a phantom, of the whole or of its largest slice, with its true tissue."""

    def volume(data: np.ndarray) -> Volume:
        return Volume(data, seen.affine)

    regions = TumourRegions(volume(seen.WT), volume(seen.TC), {}, ())
    maps = Tissue(*(volume(getattr(seen, key)) for key in MAPS), {})
    return build_domain(name, maps, regions, Settings(dimensions=dimensions))


def fitted(made: Domain) -> DirectFit:
    """The direct fit with the default settings of the dimension."""
    inverse = GrowthInverseProblem.of(made, Settings(dimensions=made.dimensions))
    return direct_fit(made, inverse.characteristic(made), inverse)


def phantoms(cache: Path, out: Path, names: list[str]) -> None:
    """Fit the phantoms that are asked for, or all."""
    for case in space_phantoms():
        file = out / f"{case.name}.json"
        if file.exists() or (names and case.name not in names):
            continue
        made, truth = make_in_space(case, cache), case.truth
        record: dict[str, Any] = {}
        for dimensions in (3, 2):
            own, began = problem(made.volumes, dimensions, case.name), time.process_time()
            found = fitted(own)
            predicted = scores(own, masks(own, found.u, found.thresholds))
            record[f"{dimensions}d"] = {
                "d_ln_lambda": np.log(found.lambda_mm / truth.lambda_mm),
                "d_ln_rhoT": np.log(found.rhoT / truth.rhoT),
                "x0_mm": np.linalg.norm(own.to_world(found.x0) - made.x0),
                "dice": {region: value["dice"] for region, value in predicted.items()},
                "warnings": found.warnings,
                "cpu_seconds": time.process_time() - began,
            }
        write_json(file, record)
        print(case.name, json.dumps(plain(record)), flush=True)


def _moved(linear: np.ndarray) -> Callable[[Volume, int], Volume]:
    """A map of the world, resampled on an upright grid of 1 mm that holds what the file shows."""

    def placed(v: Volume, order: int) -> Volume:
        ends = np.array(np.meshgrid(*((0, n - 1) for n in v.data.shape), indexing="ij"))
        move = np.eye(4)
        move[:3, :3] = linear
        affine = move @ v.affine
        world = affine[:3, :3] @ ends.reshape(3, -1) + affine[:3, 3:]
        low, high = world.min(1), world.max(1)
        upright = np.eye(4)
        upright[:3, 3] = low
        grid = Volume(np.zeros(tuple(np.ceil(high - low).astype(int) + 1), np.uint8), upright)
        return resample_to(Volume(v.data, affine), grid, 1 if order else 0)

    return placed


def _turned(v: Volume, order: int) -> Volume:
    return _moved(TURN)(v, order)


def _mirrored(v: Volume, order: int) -> Volume:
    """Left and right exchanged, the file's grid kept."""
    affine = v.affine.copy()
    affine[0] *= -1
    return Volume(v.data, affine)


def _reoriented(v: Volume, order: int) -> Volume:
    """The same voxels stored in another order."""
    permuted = np.ascontiguousarray(v.data.transpose(2, 0, 1)[::-1])
    affine = v.affine[:, [2, 0, 1, 3]].copy()
    affine[:3, 3] += affine[:3, 0] * (v.data.shape[2] - 1)
    affine[:3, 0] *= -1
    return Volume(permuted, affine)


def _thick(v: Volume, order: int) -> Volume:
    """Slices of 3 mm: every third of the labels, means of the images."""
    count = v.data.shape[2] // 3
    blocks = v.data[:, :, : 3 * count].reshape(*v.data.shape[:2], count, 3)
    affine = v.affine.copy()
    affine[:3, 3] += affine[:3, 2]
    affine[:3, 2] *= 3
    return Volume(blocks.mean(axis=3) if order else blocks[..., 1], affine)


TURN = np.array(
    [
        [np.cos(np.radians(20.0)), -np.sin(np.radians(20.0)), 0.0],
        [np.sin(np.radians(20.0)), np.cos(np.radians(20.0)), 0.0],
        [0.0, 0.0, 1.0],
    ]
)
MIRROR = np.diag([-1.0, 1.0, 1.0])
KINDS: dict[str, tuple[Callable[[Volume, int], Volume], np.ndarray]] = {
    "plain": (lambda v, order: v, np.eye(3)),
    "reoriented": (_reoriented, np.eye(3)),
    "mirrored": (_mirrored, MIRROR),
    "turned": (_turned, TURN),
    "thick": (_thick, np.eye(3)),
}
"""How a volume is changed (order 0: labels), and the map of the world that goes with it."""


def head(data: Path, out: Path, patient: str, kind: str, given: bool) -> Job:
    """The direct fit of a head on another grid; with the tissue of the plain one where given."""
    folder = out / f"{patient}_{kind}{'_tissue' if given else ''}"
    folder.mkdir(parents=True, exist_ok=True)
    change, _ = KINDS[kind]
    names = [n for n in ("t1", "t1c") if (data / patient / f"{n}.nii.gz").exists()]
    sources = {n: data / patient / f"{n}.nii.gz" for n in names}
    if given:
        sources = Layout(out / f"{patient}_plain", patient).maps
    for name, path in {"seg": data / patient / "seg.nii.gz", **sources}.items():
        changed = change(read_volume(path), int(name != "seg"))
        kept = changed.data.astype(np.int16) if name == "seg" else changed.data.astype(np.float32)
        write_volume(folder / f"{name}.nii.gz", Volume(kept, changed.affine))
    section = ", ".join(f"{name}: {name}.nii.gz" for name in sources)
    file = folder / "patient.yaml"
    file.write_text(
        f'patient:\n  id: "{patient}"\n  {"tissue" if given else "images"}: {{{section}}}\n'
        "  segmentation: {path: seg.nii.gz, convention: brats}\ndimensions: 3\n"
    )
    job = Job(file, Settings(dimensions=3), Layout(folder, patient))
    if not job.files.baselines.exists():
        check.run(file, {}, job.files)
        for step in [*([] if given else [register]), tissue, domain, characteristic]:
            step.run(job)
        baselines.run(job)
    return job


def heads(data: Path, out: Path, names: list[str]) -> None:
    """Fit what is asked for, beside the plain head."""
    for name in names:
        patient, kind, *given = name.split(":")
        plain_job = head(data, out, patient, "plain", False)
        job = head(data, out, patient, kind, bool(given))
        own, other = (
            read_json(at.files.baselines)["direct_fdm"] | {"made": load_domain(at.files.domain)}
            for at in (plain_job, job)
        )
        origins = [at["made"].to_world(np.array(at["x0_grid_mm"])) for at in (own, other)]
        apart = np.linalg.norm(KINDS[kind][1] @ origins[0] - origins[1])
        print(
            f"{name} lambda {other['lambda_mm']:.3f} rhoT {other['rhoT']:.3f} "
            f"d ln lambda {np.log(other['lambda_mm'] / own['lambda_mm']):+.4f} "
            f"d ln rhoT {np.log(other['rhoT'] / own['rhoT']):+.4f} x0 {apart:.2f} mm "
            f"J {other['objective']:.4f} {other['warnings']}",
            flush=True,
        )


if __name__ == "__main__":
    what, source, folder, *rest = sys.argv[1:]
    {"phantoms": phantoms, "heads": heads}[what](Path(source), Path(folder), rest)
