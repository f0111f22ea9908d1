"""The demo patients: spaces of their own, invertible anatomies, outlines true to their truth."""

from __future__ import annotations

import json
from pathlib import Path

import nibabel
import numpy as np
import pytest

from gbm.demo.anatomy import random_deformation
from gbm.demo.head import AFFINE, BRAIN_CENTRE, SHAPE
from gbm.demo.patient import MADE, make_demo
from gbm.steps.demo import run

FILES = {"segmentation": "seg.nii.gz", "t1": "t1.nii.gz", "t1c": "t1c.nii.gz", "truth": "made.json"}


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo")
    run(**{key: folder / name for key, name in FILES.items()})
    return folder


def test_the_deformation_is_smooth_and_inverts(rng: np.random.Generator) -> None:
    middle = AFFINE[:3, :3] @ (np.array(SHAPE) / 2) + AFFINE[:3, 3]
    deformation = random_deformation(np.random.default_rng(0), middle, BRAIN_CENTRE)
    points = middle + rng.uniform(-90, 90, (500, 3))
    assert np.allclose(deformation.inverse(deformation(points)), points, atol=1e-6)
    step = 1e-4
    columns = [(deformation(points + step * e) - deformation(points)) / step for e in np.eye(3)]
    volume = np.linalg.det(np.stack(columns, axis=-1))
    assert volume.min() > 0.7
    assert volume.max() < 1.4


def test_the_space_is_not_the_atlas_s(demo: Path) -> None:
    image = nibabel.load(demo / "t1.nii.gz")
    assert nibabel.aff2axcodes(image.affine) == ("L", "P", "S")
    assert np.linalg.norm(image.affine[:3, 3] - [98.0, 134.0, -72.0]) > 30.0


def test_the_segmentation_follows_the_truth(demo: Path) -> None:
    truth = json.loads((demo / "made.json").read_text())
    image = nibabel.load(demo / "seg.nii.gz")
    labels = np.asarray(image.dataobj)
    assert set(np.unique(labels)) == {0, 1, 2, 4}
    areas = (labels > 0).sum(axis=(0, 1))
    assert areas.argmax() == truth["slice"]
    assert 24.0 < np.sqrt(areas.max() / np.pi) < 30.0
    core = np.isin(labels, [1, 4]).sum(axis=(0, 1)).max()
    assert 14.0 < np.sqrt(core / np.pi) < 22.0
    voxel = np.linalg.inv(image.affine) @ [*truth["x0_mm"], 1.0]
    i, j, k = np.rint(voxel[:3]).astype(int)
    assert k == truth["slice"]
    assert labels[i, j, k] in (1, 4)
    assert truth["lambda_mm"] == pytest.approx(np.sqrt(truth["DT_mm2"] / truth["rhoT"]))


def test_the_scans_are_skull_stripped_and_cover_the_brain(demo: Path) -> None:
    for name in ("t1", "t1c"):
        data = np.asarray(nibabel.load(demo / f"{name}.nii.gz").dataobj)
        assert data.min() == 0
        assert 1.2e6 < (data > 0).sum() < 2.2e6
        assert not any(face.any() for axis in range(2) for face in np.take(data, [0, -1], axis))
    labels = np.asarray(nibabel.load(demo / "seg.nii.gz").dataobj)
    t1c = np.asarray(nibabel.load(demo / "t1c.nii.gz").dataobj)
    assert t1c[labels == 4].mean() > 1.3 * t1c[labels == 2].mean()


@pytest.mark.slow
def test_it_is_the_same_every_time(demo: Path, tmp_path: Path) -> None:
    names = tuple(FILES.values())
    run(**{key: tmp_path / name for key, name in FILES.items()})
    for name in names[:3]:
        first, second = (nibabel.load(folder / name) for folder in (demo, tmp_path))
        assert np.array_equal(np.asarray(first.dataobj), np.asarray(second.dataobj))
    assert (demo / names[3]).read_text() == (tmp_path / names[3]).read_text()


@pytest.mark.slow
def test_the_whole_tumour_follows_its_truth() -> None:
    """Labels of `demo3d` on 1 mm cells; it is the same every time."""
    demo, made = make_demo(dimensions=3, refine=1), MADE[3]
    truth, labels = demo.truth, demo.labels
    assert truth["patient"] == "demo3d"
    assert truth["dimensions"] == 3
    assert truth["lambda_mm"] == made.lambda_mm
    assert truth["DT_mm2"] == pytest.approx(made.lambda_mm**2 * made.rhoT)
    assert truth["thresholds"] == {"WT": made.WT, "TC": made.TC}
    assert set(np.unique(labels)) == {0, 1, 2, 4}
    core = np.isin(labels, [1, 4])
    assert 60.0 < (labels > 0).sum() / 1000.0 < 120.0
    assert 20.0 < core.sum() / 1000.0 < 70.0
    voxel = np.linalg.inv(AFFINE) @ [*truth["x0_mm"], 1.0]
    assert core[tuple(np.rint(voxel[:3]).astype(int))]
    # one hemisphere: the plane between them is where the atlas's x is 0
    points = np.argwhere(labels > 0) @ AFFINE[:3, :3].T + AFFINE[:3, 3]
    middle = AFFINE[:3, :3] @ (np.array(SHAPE) / 2) + AFFINE[:3, 3]
    head = random_deformation(np.random.default_rng(0), middle, BRAIN_CENTRE)
    assert np.mean(head(points)[:, 0] < 0.0) > 0.9
    again = make_demo(dimensions=3, refine=1)
    assert np.array_equal(again.labels, labels)
    assert np.array_equal(again.t1c, demo.t1c)
