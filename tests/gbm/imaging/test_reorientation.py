"""The same patient stored, tilted or mirrored in another way gives the same numbers."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from gbm.config.fit_names import FitSpec
from gbm.config.loading import load_patient, load_settings
from gbm.config.settings import Settings
from gbm.config.source import Source
from gbm.domain.build import build_domain
from gbm.domain.domain import Domain
from gbm.growth.characteristic import characteristic
from gbm.growth.inverse_problem import GrowthInverseProblem
from gbm.imaging.labels import read_regions
from gbm.imaging.patient_images import read_head, read_maps
from gbm.network_fit.tumour_fit import fit_tumour
from gbm.search.direct_fit import direct_fit
from tests.gbm import head

ARRAYS = ("P", "phi", "WT", "TC", "wm", "gm", "csf")
STORED = ("LPS", "LAS", "RPS", "PIR", "SAL", "ASR")


def _domain(file: Path) -> Domain:
    """The 2-D problem of a patient with tissue maps of its own."""
    patient, settings = load_patient(file), load_settings({}, file)
    regions = read_regions(patient.segmentation)
    return build_domain(patient.id, read_maps(patient, regions)[0], regions, settings)


def _stored_as(folder: Path, axes: str) -> None:
    """Permute and flip the arrays of all images, and say so in their affines."""
    for path in folder.glob("*.nii.gz"):
        image = nib.load(path)
        start = nib.io_orientation(image.affine)
        turn = nib.orientations.ornt_transform(start, nib.orientations.axcodes2ornt(axes))
        nib.save(image.as_reoriented(turn), path)


def _moved(folder: Path, motion: np.ndarray) -> None:
    """Move the patient in the world: the arrays stay as they are."""
    for path in folder.glob("*.nii.gz"):
        image = nib.load(path)
        nib.save(nib.Nifti1Image(np.asarray(image.dataobj), motion @ image.affine), path)


def _tilt(*degrees: float) -> np.ndarray:
    motion = np.eye(4)
    motion[:3, :3] = Rotation.from_euler("xyz", degrees, degrees=True).as_matrix()
    motion[:3, 3] = [11.3, -4.7, 29.1]
    return motion


def _mirrored(folder: Path) -> None:
    """The mirror image of the patient, in the same place."""
    for path in folder.glob("*.nii.gz"):
        image = nib.load(path)
        nib.save(nib.Nifti1Image(np.asarray(image.dataobj)[::-1], image.affine), path)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Domain:
    return _domain(head.write_patient(tmp_path_factory.mktemp("ras"), *head.ras()))


@pytest.mark.parametrize("axes", STORED)
def test_the_order_of_axes_in_a_file_changes_no_bit(
    axes: str, plain: Domain, tmp_path: Path
) -> None:
    file = head.write_patient(tmp_path, *head.ras())
    _stored_as(tmp_path, axes)
    found = _domain(file)
    for name in (*ARRAYS, "x0", "affine"):
        assert np.array_equal(getattr(found, name), getattr(plain, name)), name
    for own, its in zip(found.axes, plain.axes, strict=True):
        assert np.array_equal(own, its)
    assert found.numbers == plain.numbers


@pytest.mark.parametrize("axes", STORED)
def test_nor_does_it_in_what_is_registered(axes: str, tmp_path: Path) -> None:
    file = head.write_patient(tmp_path, *head.ras((2.0, 2.0, 2.0)), maps=False)
    path = load_patient(file).images.t1
    assert path is not None
    plain = read_head(Source("patient.images.t1", path)).cropped()
    _stored_as(tmp_path, axes)
    found = read_head(Source("patient.images.t1", path)).cropped()
    assert np.array_equal(found.image.data, plain.image.data)
    assert np.array_equal(found.brain.data, plain.brain.data)
    assert np.allclose(found.image.affine, plain.image.affine, atol=1e-5)


def test_a_tilted_patient_has_the_same_slice(plain: Domain, tmp_path: Path) -> None:
    file = head.write_patient(tmp_path, *head.ras())
    motion = _tilt(12.0, -9.0, 21.0)
    _moved(tmp_path, motion)
    found = _domain(file)
    for name in ARRAYS:
        assert np.allclose(getattr(found, name), getattr(plain, name), atol=1e-5), name
    assert found.numbers == pytest.approx(plain.numbers)
    moved = motion @ [*plain.to_world(plain.x0), 1.0]
    assert np.allclose(found.to_world(found.x0), moved[:3], atol=1e-3)


def test_a_mirrored_patient_has_the_mirrored_slice(plain: Domain, tmp_path: Path) -> None:
    file = head.write_patient(tmp_path, *head.ras())
    _mirrored(tmp_path)
    found = _domain(file)
    for name in ARRAYS:
        assert np.allclose(getattr(found, name), getattr(plain, name)[::-1], atol=1e-6), name
    assert found.numbers == pytest.approx(plain.numbers)
    assert found.to_world(found.x0) * [-1, 1, 1] == pytest.approx(plain.to_world(plain.x0))


def test_a_grid_turned_in_the_plane_shows_the_same_tumour(plain: Domain, tmp_path: Path) -> None:
    """The same head sampled on axes at 25 degrees: sizes and start agree to a percent.

    Labels of 1 mm tell the area of the core, 256 voxels, to two percent, its radius to one.
    """
    affine, shape = head.ras()
    turn = _tilt(0.0, 0.0, 25.0)
    turn[:3, 3] = 0.0
    found = _domain(head.write_patient(tmp_path, turn @ affine, shape))
    for name in ("radius_WT_mm", "radius_TC_mm", "tissue_area_mm2"):
        assert found.numbers[name] == pytest.approx(plain.numbers[name], rel=0.01), name
    starts = [
        characteristic(d.numbers["radius_WT_mm"], d.numbers["radius_TC_mm"]) for d in (found, plain)
    ]
    assert starts[0].lambda_mm == pytest.approx(starts[1].lambda_mm, rel=0.01)
    assert starts[0].rhoT == pytest.approx(starts[1].rhoT, rel=0.01)
    assert np.allclose(found.to_world(found.x0), plain.to_world(plain.x0), atol=0.3)


@pytest.mark.slow
def test_the_inferred_parameters_of_a_tilted_patient_are_the_same(
    plain: Domain, tmp_path: Path
) -> None:
    """Direct fit and BiLO to one percent, where the world's coordinates are others."""
    file = head.write_patient(tmp_path, *head.ras())
    _moved(tmp_path, _tilt(12.0, -9.0, 21.0))
    settings = Settings.model_validate(
        {"fit": {"pretrain_steps": 300, "finetune_steps": 600, "device": "cpu"}}
    )
    plan = FitSpec("bilo", "char", "inferred", None, 0)
    found = []
    for domain in (plain, _domain(file)):
        numbers = domain.numbers
        start = characteristic(numbers["radius_WT_mm"], numbers["radius_TC_mm"])
        direct = direct_fit(domain, start, GrowthInverseProblem.of(domain, settings)).candidate
        network, _ = fit_tumour(domain, start, direct.x0, settings, plan)
        thresholds = [*direct.thresholds, *network.thresholds.values()]
        lengths = [direct.lambda_mm, network.lambda_mm]
        found.append([*lengths, direct.rhoT, network.rhoT, *thresholds])
    assert found[1] == pytest.approx(found[0], rel=0.01)
