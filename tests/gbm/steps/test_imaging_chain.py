"""From a patient file to the 2-D problem by the steps as the rules run them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest

from gbm.config.loading import load_settings
from gbm.domain.build import build_domain
from gbm.domain.domain import Domain, load_domain
from gbm.imaging.labels import read_regions
from gbm.imaging.tissue import TISSUES, Tissue
from gbm.io.files import read_json
from gbm.io.job import Job
from gbm.io.layout import Layout
from gbm.io.nifti import read_volume
from gbm.io.volumes import Volume
from gbm.judging.judge import judge
from gbm.steps import check, domain, register, tissue
from tests.gbm import head

ATLAS = "tissue: {{atlas: {{t1: a_t1.nii.gz, wm: a_wm.nii.gz, gm: a_gm.nii.gz}}, registration: {}}}"


def _atlas(folder: Path) -> None:
    affine, shape = head.ras((2.0, 2.0, 2.0))
    maps = head.tissue(head.world(affine, shape))
    head.save(folder / "a_t1.nii.gz", head.t1(maps, 3.0), affine)
    for name in ("wm", "gm"):
        head.save(folder / f"a_{name}.nii.gz", maps[name].astype(np.float32), affine)


def _chain(file: Path, out: Path) -> tuple[Domain, dict[str, Any]]:
    """Run check, register, tissue and domain; return the problem and its numbers."""
    job = Job(file, load_settings({}, file), Layout(out, "p1"))
    check.run(file, {}, job.files)
    for step in (register, tissue, domain):
        if job.registered or step is not register:
            step.run(job)
    return load_domain(job.files.domain), read_json(job.files.quality)


def _true_domain(file: Path, affine: np.ndarray, shape: np.ndarray) -> Domain:
    """The problem made of the head's true tissue."""
    truth = head.tissue(head.world(affine, shape))
    maps = (Volume(truth[name].astype(np.float32), affine) for name in TISSUES)
    settings = load_settings({}, file)
    found = read_regions(_segmentation(file))
    return build_domain("truth", Tissue(*maps, qc={}), found, settings)  # type: ignore[misc]


def _segmentation(file: Path) -> Any:
    from gbm.config.loading import load_patient

    return load_patient(file).segmentation


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (1.0, 1.0, 2.0)])
def test_a_head_s_own_map_comes_out(tmp_path: Path, spacing: tuple[float, float, float]) -> None:
    affine, shape = head.ras(spacing)
    flip = np.diag([-1.0, -1.0, 1.0, 1.0])
    flip[:2, 3] = shape[:2] - 1
    affine = affine @ flip
    _atlas(tmp_path)
    extra = ATLAS.format("affine") + "\n"
    file = head.write_patient(tmp_path, affine, shape, maps=False, extra=extra)
    made, quality = _chain(file, tmp_path / "out")
    true = _true_domain(file, affine, shape)
    assert made.slice == true.slice
    assert np.array_equal(made.WT.sum(), true.WT.sum())
    assert quality["numbers"]["brain_dice"] > 0.97
    assert quality["numbers"]["correlation"] > 0.9
    assert made.numbers["tissue_area_mm2"] == pytest.approx(true.numbers["tissue_area_mm2"], 0.06)
    mean = [(d.P * (d.phi > 0.5)).sum() / (d.phi > 0.5).sum() for d in (made, true)]
    assert mean[0] == pytest.approx(mean[1], rel=0.07)
    reference = read_volume(tmp_path / "seg.nii.gz")
    maps = Layout(tmp_path / "out", "p1").maps
    for name in TISSUES:
        assert read_volume(maps[name]).same_grid(reference)


@pytest.mark.parametrize("dimensions", [2, 3])
def test_a_whole_brain_labelled_as_tumour_is_red(tmp_path: Path, dimensions: int) -> None:
    affine, shape = head.ras((3.0, 3.0, 3.0))
    file = head.write_patient(tmp_path, affine, shape, extra=f"dimensions: {dimensions}\n")

    def reasons() -> set[str]:
        _, quality = _chain(file, tmp_path / "out")
        found = judge(quality["numbers"], load_settings({}, file)).gates
        return {gate.number for gate in found if gate.colour == "red"}

    assert reasons() == set()
    brain = sum(head.tissue(head.world(affine, shape)).values()) > 0.5
    head.save(tmp_path / "seg.nii.gz", 4 * brain.astype(np.int16), affine)
    on_a_slice = {"wt_slice_fraction"} if dimensions == 2 else set()
    assert reasons() >= {"wt_brain_fraction", *on_a_slice}


def test_a_single_slice_in_the_atlas_s_space(tmp_path: Path) -> None:
    affine, shape = head.ras()
    _atlas(tmp_path)
    extra = ATLAS.format("none") + "\n"
    file = head.write_patient(tmp_path, affine, shape, maps=False, extra=extra)
    flat = affine.copy()
    flat[:3, 3] += 44 * affine[:3, 2]
    for name in ("seg.nii.gz", "t1.nii.gz"):
        data = np.asarray(nib.load(tmp_path / name).dataobj)[:, :, 44]
        head.save(tmp_path / name, data, flat)
    made, quality = _chain(file, tmp_path / "out")
    assert (made.plane, made.slice) == ("axial", 0)
    assert judge(quality["numbers"], load_settings({}, file)).colour == "green"
    assert quality["numbers"]["brain_volume_ml"] is None
    assert made.numbers["wt_area_mm2"] == pytest.approx(np.pi * 16**2, rel=0.05)
