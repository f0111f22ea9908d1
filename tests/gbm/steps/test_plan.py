"""The step that draws plans: its files, a recurrence, and what is refused or remarked."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest

from gbm.config.errors import InputError
from gbm.config.settings import Settings
from gbm.imaging.labels import load_regions, save_regions
from gbm.io.files import read_json, sha256
from gbm.io.job import Job
from gbm.io.layout import PLANS, sidecar
from gbm.plan.table import RESEARCH, read_plans
from gbm.steps import plan


def _job(bundle: Any, extra: str = "", **settings: Any) -> Job:
    """The patient with more in its section of the patient file."""
    file = bundle.root / "more.yaml"
    file.write_text((bundle.root / "p1.yaml").read_text() + extra)
    chosen = Settings.model_validate(bundle.settings | settings)
    return Job(file, chosen, bundle.files)


def _mask(path: Path) -> np.ndarray:
    return np.asarray(nib.load(path).dataobj) > 0


def _save(bundle: Any, mask: np.ndarray, shift: tuple[float, ...] = (0, 0, 0)) -> str:
    affine = nib.load(bundle.root / "seg.nii.gz").affine.copy()
    affine[:3, 3] += shift
    nib.save(nib.Nifti1Image(mask.astype(np.uint8), affine), bundle.root / "rec.nii.gz")
    return "  recurrence: {mask: rec.nii.gz}\n"


def test_three_plans_of_one_volume_with_their_sidecars(volume_bundle: Any) -> None:
    files = volume_bundle.files
    masks = {name: _mask(path) for name, path in files.plans.items()}
    assert tuple(masks) == PLANS
    sizes = {int(mask.sum()) for mask in masks.values()}
    assert len(sizes) == 1
    assert sizes.pop() > volume_bundle.domain.WT.sum()
    reference = nib.load(volume_bundle.root / "seg.nii.gz")
    for name, path in files.plans.items():
        assert np.allclose(nib.load(path).affine, reference.affine)
        said = read_json(sidecar(path))
        assert said["Type"] == "ROI"
        assert said["SpatialReference"] == "patient.segmentation.path"
        assert said["Research"] == RESEARCH
        assert RESEARCH in said["Description"], name
        assert said["MarginMm"] == 15.0
        assert said["Brain"] == "tissue maps"
    assert read_json(sidecar(files.plans["model"]))["Sources"] == [
        "bids::sub-p1/anat/sub-p1_desc-fit_celldensity.nii.gz",
        "patient.segmentation.path",
    ]
    scores = read_plans(files.plan_metrics)
    assert tuple(scores) == PLANS
    assert scores["standard"]["dice"] == 1.0
    assert scores["model"]["other_hemisphere_ml"] is None
    assert "coverage" not in scores["model"]


def test_every_run_writes_the_same_bits(volume_bundle: Any) -> None:
    files = volume_bundle.files
    before = {path: sha256(path) for path in files.planned}
    plan.run(volume_bundle.job)
    assert {path: sha256(path) for path in files.planned} == before


def test_the_margin_is_that_of_the_settings(volume_bundle: Any) -> None:
    plan.run(_job(volume_bundle, plan={"ctv_margin_mm": 3.0}))
    small = _mask(volume_bundle.files.plans["standard"])
    core = volume_bundle.domain.TC
    places, cores = np.argwhere(small), np.argwhere(core)
    nearest = [np.linalg.norm(cores - place, axis=1).min() for place in places]
    assert max(nearest) == 3.0


def test_a_recurrence_is_scored_on_its_own_grid(volume_bundle: Any) -> None:
    """Half of it inside the standard plan, its grid moved by a whole voxel."""
    standard = _mask(volume_bundle.files.plans["standard"])
    inside, outside = (np.argwhere(m)[:100] for m in (standard, ~standard))
    mask = np.zeros(standard.shape, bool)
    mask[tuple(inside.T)] = mask[tuple(outside.T)] = True
    moved = np.pad(mask, ((1, 0), (0, 0), (0, 0)))
    plan.run(_job(volume_bundle, _save(volume_bundle, moved, (-1.0, 0.0, 0.0))))
    scores = read_plans(volume_bundle.files.plan_metrics)
    assert scores["standard"]["coverage"] == 0.5
    assert scores["standard"]["missed_ml"] == pytest.approx(0.1)
    assert scores["standard"]["recurrence_ml"] == pytest.approx(0.2)
    assert 0 < scores["model"]["auc"] < 1
    (given,) = read_json(sidecar(volume_bundle.files.plan_metrics))["Inputs"]
    assert given["key"] == "patient.recurrence.mask"
    assert given["sha256"] == sha256(volume_bundle.root / "rec.nii.gz")


def test_an_empty_recurrence_is_covered_and_said_to_be_empty(volume_bundle: Any) -> None:
    empty = np.zeros(volume_bundle.domain.phi.shape, bool)
    plan.run(_job(volume_bundle, _save(volume_bundle, empty)))
    scores = read_plans(volume_bundle.files.plan_metrics)
    assert {values["coverage"] for values in scores.values()} == {1.0}
    (remark,) = read_json(sidecar(volume_bundle.files.plan_metrics))["Remarks"]
    assert remark.startswith("patient.recurrence.mask: the mask of rec.nii.gz is empty")


@pytest.mark.parametrize(
    ("values", "shift", "words"),
    [
        (1, (500.0, 0, 0), "its grid does not overlap that of patient.segmentation.path"),
        (0, (500.0, 0, 0), "its grid does not overlap that of patient.segmentation.path"),
        (None, (0, 0, 0), "is not a mask: it must hold 0 and one other value"),
    ],
)
def test_a_recurrence_elsewhere_or_of_labels_is_refused(
    volume_bundle: Any, values: int | None, shift: tuple[float, ...], words: str
) -> None:
    shape = volume_bundle.domain.phi.shape
    labels = np.arange(np.prod(shape)).reshape(shape) % 4
    mask = labels if values is None else np.full(shape, values)
    with pytest.raises(InputError, match=words) as told:
        plan.run(_job(volume_bundle, _save(volume_bundle, mask, shift)))
    assert told.value.key == "patient.recurrence.mask"
    assert told.value.file == volume_bundle.root / "rec.nii.gz"


def test_one_beside_a_grid_that_overlaps_is_said_to_be_outside(volume_bundle: Any) -> None:
    shape = volume_bundle.domain.phi.shape
    wide = np.zeros((shape[0] + 20, *shape[1:]), bool)
    wide[:5] = True
    with pytest.raises(InputError, match="all of it lies outside the grid of"):
        plan.run(_job(volume_bundle, _save(volume_bundle, wide, (-20.0, 0.0, 0.0))))


def test_one_that_no_voxel_of_the_segmentation_shows_is_refused(volume_bundle: Any) -> None:
    """A voxel of 0.2 mm between the centres of four."""
    fine = np.zeros((5, 5, 5), bool)
    fine[2, 2, 2] = True
    file = _save(volume_bundle, fine, (10.3, 10.3, 10.3))
    image = nib.load(volume_bundle.root / "rec.nii.gz")
    affine = image.affine.copy()
    affine[:3, :3] *= 0.1
    nib.save(nib.Nifti1Image(np.asarray(image.dataobj), affine), volume_bundle.root / "rec.nii.gz")
    with pytest.raises(InputError, match="smaller than a voxel") as told:
        plan.run(_job(volume_bundle, file))
    assert told.value.key == "patient.recurrence.mask"


def test_one_outside_the_brain_is_remarked(
    volume_bundle: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    brain = np.ones(volume_bundle.domain.phi.shape, bool)
    brain[:4] = False
    monkeypatch.setattr(plan, "_brain", lambda job, grid: ("an image", brain))
    plan.run(_job(volume_bundle, _save(volume_bundle, ~brain)))
    (remark,) = read_json(sidecar(volume_bundle.files.plan_metrics))["Remarks"]
    assert remark == "100% of the recurrence lies outside the brain, where no plan is"


def test_without_a_posterior_the_robust_plan_is_empty_and_says_why(volume_bundle: Any) -> None:
    plan.run(_job(volume_bundle, uncertainty={"enabled": False}))
    files = volume_bundle.files
    assert not _mask(files.plans["modelrobust"]).any()
    assert set(read_plans(files.plan_metrics)["modelrobust"].values()) == {None}
    assert read_json(sidecar(files.plan_metrics))["Remarks"] == [plan.NOT_ASKED]
    assert _mask(files.plans["model"]).any()


def test_without_a_core_the_margin_is_that_of_the_whole_tumour(volume_bundle: Any) -> None:
    files = volume_bundle.files
    regions = load_regions(files.regions)
    nothing = np.zeros_like(regions.TC.data)
    save_regions(files.regions, replace(regions, TC=regions.TC.with_data(nothing)))
    before = _mask(files.plans["standard"]).sum()
    plan.run(volume_bundle.job)
    assert _mask(files.plans["standard"]).sum() > before
    assert read_json(sidecar(files.plan_metrics))["Remarks"] == [plan.NO_CORE]


def test_an_image_shows_the_brain_where_there_is_one(volume_bundle: Any) -> None:
    """It is larger than the tissue here; the T1c counts before the T1."""
    shape = volume_bundle.domain.phi.shape
    image = np.zeros(shape, np.float32)
    image[1:-1, 1:-1, 1:-1] = 80.0
    affine = nib.load(volume_bundle.root / "seg.nii.gz").affine
    nib.save(nib.Nifti1Image(image, affine), volume_bundle.root / "t1c.nii.gz")
    job = _job(volume_bundle)
    text = job.file.read_text().replace("images: {}", "images: {t1c: t1c.nii.gz}")
    job.file.write_text(text)
    plan.run(job)
    said = read_json(sidecar(volume_bundle.files.plan_metrics))
    assert said["Brain"] == "patient.images.t1c"
    standard = _mask(volume_bundle.files.plans["standard"])
    assert (standard & ~volume_bundle.domain.tissue).any()
    assert not (standard & (image == 0)).any()
