"""A growth model of the benchmark PREDICT-GBM (BrainLesion, `predict-gbm` on PyPI).

The benchmark starts a container with two folders: of `Patient-<n>/<n>-{gm,wm,csf,tumorseg}.nii.gz`
in the first it makes a density in [0, 1] on the same grid, `<n>.nii.gz` in the second.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import numpy as np

from gbm.config.errors import InputError
from gbm.config.fit_names import headline_fit
from gbm.config.loading import load_job
from gbm.domain.domain import load_domain
from gbm.imaging.image_files import image_header
from gbm.imaging.labels import load_regions
from gbm.imaging.patient_images import read_maps
from gbm.io.files import read_npz, write_text
from gbm.io.job import Job
from gbm.io.layout import Layout, arrays
from gbm.io.nifti import write_volume
from gbm.io.volumes import Volume
from gbm.plan.brain import brain_of_tissue
from gbm.results.export import density_in_file
from gbm.steps import baselines, characteristic, check, domain, tissue, verify

MAPS = ("gm", "wm", "csf")
FOLDER = re.compile(r"Patient-(.+)")

Method = Literal["direct", "bilo"]


@dataclass(frozen=True)
class Subject:
    """A patient of the benchmark: its number, and the folder of its images."""

    number: str
    folder: Path

    def image(self, name: str) -> Path:
        """The file of a map, or of `tumorseg`."""
        return self.folder / f"{self.number}-{name}.nii.gz"


def subjects(folder: Path) -> list[Subject]:
    """The patients in a folder, by name.

    Raises
    ------
    InputError
        If there is no such folder, or no patient in it.
    """
    if not folder.is_dir():
        raise InputError("there is no such folder", file=folder, key="input")
    found = [
        Subject(match[1], path)
        for path in sorted(folder.iterdir())
        if path.is_dir() and (match := FOLDER.fullmatch(path.name))
    ]
    if not found:
        raise InputError("holds no folder Patient-<number>", file=folder, key="input")
    return found


def predict(subject: Subject, out: Path, method: Method) -> Path:
    """The density of one patient by the direct fit, or by BiLO and its verification.

    What an earlier run left of this patient is removed first: it is no result of this one.

    Returns
    -------
    Path
        `<number>.nii.gz`: in [0, 1] on the grid of the segmentation, 0 outside the brain, which is
        gm + wm + csf > 1/2 with its holes closed.

    Raises
    ------
    InputError
        On a fault of the images, with the file.
    """
    made = out / f"{subject.number}.nii.gz"
    made.unlink(missing_ok=True)
    with TemporaryDirectory(prefix="predict-gbm-") as scratch:
        job = _job(subject, Path(scratch), method)
        density = _fitted(job, method)
        files, grid = job.files, image_header(job.patient.segmentation.grid)
        u = density_in_file(load_domain(files.domain), density, grid.shape, grid.affine)
        maps = read_maps(job.patient, load_regions(files.regions))[0]
        brain = brain_of_tissue(maps.wm.data, maps.gm.data, maps.csf.data)
    volume = Volume(np.where(brain.reshape(u.shape), u, np.float32(0)), grid.affine)
    write_volume(made, volume, description="tumour cell density", codes=grid.codes)
    return made


def _job(subject: Subject, scratch: Path, method: Method) -> Job:
    """The patient as one of ours, whose results are in a scratch folder."""
    tissue_maps = "\n".join(f"    {name}: {_quoted(subject.image(name))}" for name in MAPS)
    file = scratch / "patient.yaml"
    write_text(
        file,
        'patient:\n  id: "subject"\n'
        f"  tissue:\n{tissue_maps}\n"
        "  segmentation:\n    convention: predict_gbm\n"
        f"    path: {_quoted(subject.image('tumorseg'))}\n",
    )
    config: dict[str, Any] = {"dimensions": 3, "fit": {"method": method}}
    patient, settings = load_job(file, config)
    job = Job(file, settings, Layout(scratch / "results", patient.id))
    check.run(file, config, job.files)
    return job


def _fitted(job: Job, method: Method) -> np.ndarray:
    """The density on the voxels of the problem."""
    for step in (tissue, domain, characteristic, baselines):
        step.run(job)
    if method == "direct":
        return read_npz(arrays(job.files.baselines))["u_direct"]
    from gbm.steps import fit

    name = headline_fit(job.settings).name
    fit.run(job, name)
    verify.run(job, name)
    return read_npz(arrays(job.files.verified(name)))["u_fdm"]


def _quoted(path: Path) -> str:
    """An absolute path as a YAML string."""
    return "'" + str(path.resolve()).replace("'", "''") + "'"
