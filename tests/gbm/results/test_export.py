"""Slice and volume return to their place in the file, whatever orientation, voxels and angle."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest

from gbm.config.settings import Settings
from gbm.domain.domain import Domain, save_domain
from gbm.domain.plane import edge_names, slicing_axis
from gbm.io.files import read_json, write_npz, write_sealed
from gbm.io.job import Job
from gbm.io.layout import Layout, arrays, sidecar
from gbm.results.estimate import Estimate, Thresholds
from gbm.results.export import density_in_file, into_file, predicted_regions
from gbm.results.patient_result import PatientResult, read_result
from gbm.steps.export import run
from gbm.steps.metrics import run as step_metrics


def bump(world: np.ndarray, centre: np.ndarray) -> np.ndarray:
    """A smooth density in world coordinates, the truth that both grids sample."""
    return 0.9 * np.exp(-np.sum((world - centre) ** 2, axis=-1) / (2 * 12.0**2))


def oblique(angle: float) -> np.ndarray:
    """A rotation about a skew axis."""
    axis = np.array([0.3, -0.5, 0.81])
    axis /= np.linalg.norm(axis)
    k = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
    return np.eye(3) + np.sin(angle) * k + (1 - np.cos(angle)) * k @ k


def make_domain(rotation: np.ndarray, across: int, height: float, file_slice: int) -> Domain:
    """A 1 mm plane perpendicular to axis `across` of a rotated patient, through `height` mm."""
    inside = [axis for axis in range(3) if axis != across]
    nx, ny = 64, 56
    affine = np.eye(4)
    affine[:3, 0] = rotation[:, inside[0]]
    affine[:3, 1] = rotation[:, inside[1]]
    affine[:3, 2] = rotation[:, across]
    start = np.zeros(3)
    start[inside[0]], start[inside[1]], start[across] = -30.0, -27.0, height
    affine[:3, 3] = rotation @ start
    index = np.stack(np.meshgrid(np.arange(nx), np.arange(ny), indexing="ij"), axis=-1)
    world = index @ affine[:3, :2].T + affine[:3, 3]
    distance = np.linalg.norm(world - world[nx // 2, ny // 2], axis=-1)
    phi = np.clip((1 + np.tanh(24 - distance)) / 2, 1e-4, 1)
    tissue = (phi > 0.5).astype(float)
    return Domain(
        patient="t1", P=tissue, phi=phi, WT=distance < 12, TC=distance < 7,
        wm=tissue, gm=0 * tissue, csf=1 - tissue,
        axes=(np.arange(nx) - 30.0, np.arange(ny) - 27.0), x0=np.array([2.0, 1.0]),
        plane=("sagittal", "coronal", "axial")[across], slice=file_slice, affine=affine, numbers={},
    )  # fmt: skip


ORIENTATIONS = ("RAS", "LPS", "PSR", "SAL", "ILA")
ANGLES = (0.0, 0.35)


@pytest.mark.parametrize("angle", ANGLES)
@pytest.mark.parametrize("orientation", ORIENTATIONS)
@pytest.mark.parametrize("across", [0, 1, 2])
def test_slice_returns_to_its_place(orientation: str, angle: float, across: int) -> None:
    rotation = oblique(angle)
    voxel = np.array([0.9, 1.3, 1.1])
    shape = (80, 70, 75)
    affine = np.eye(4)
    affine[:3, :3] = rotation * voxel
    affine[:3, 3] = rotation @ (-0.5 * voxel * (np.array(shape) - 1))
    ras = nib.Nifti1Image(np.zeros(shape, np.uint8), affine)
    codes = nib.orientations.axcodes2ornt(tuple(orientation))
    file = ras.as_reoriented(
        nib.orientations.ornt_transform(nib.orientations.axcodes2ornt("RAS"), codes)
    )
    k_ras = shape[across] // 2 + 5
    height = voxel[across] * (k_ras - 0.5 * (shape[across] - 1))
    file_axis = int(np.nonzero(codes[:, 0] == across)[0][0])
    flip = orientation[file_axis] not in "RAS"
    k_file = shape[across] - 1 - k_ras if flip else k_ras
    domain = make_domain(rotation, across, height, k_file)

    assert slicing_axis(domain, file.affine) == file_axis
    centre = domain.to_world(domain.x0)
    index = np.stack(np.meshgrid(*map(np.arange, domain.phi.shape), indexing="ij"), axis=-1)
    u = bump(index @ domain.affine[:3, :2].T + domain.affine[:3, 3], centre)
    volume = into_file(domain, u, file.shape, file.affine)

    voxels = np.stack(np.meshgrid(*map(np.arange, file.shape), indexing="ij"), axis=-1)
    truth = bump(voxels @ file.affine[:3, :3].T + file.affine[:3, 3], centre)
    outside = np.delete(volume, k_file, axis=file_axis)
    got, want = np.take(volume, k_file, file_axis), np.take(truth, k_file, file_axis)
    assert not outside.any()
    covered = got > 0
    assert covered.sum() > 1500
    assert np.abs(got - want)[covered].max() < 2e-3
    peak = np.unravel_index(np.argmax(volume), volume.shape)
    found = file.affine[:3, :3] @ np.array(peak) + file.affine[:3, 3]
    assert np.linalg.norm(found - centre) < 1.0


def test_same_grid_is_exact() -> None:
    domain = make_domain(np.eye(3), 2, 0.0, 3)
    affine = domain.affine.copy()
    affine[:3, 3] -= affine[:3, 2] * 3
    shape = (*domain.phi.shape, 9)
    field = np.random.default_rng(0).random(domain.phi.shape)
    assert np.array_equal(into_file(domain, field, shape, affine)[..., 3], field)


@pytest.mark.parametrize("shape", [(64, 56), (64, 56, 1), (64, 56, 1, 1)])
def test_two_dimensional_files_keep_their_shape(shape: tuple[int, ...]) -> None:
    domain = make_domain(np.eye(3), 2, 0.0, 0)
    affine = domain.affine.copy()
    affine[:3, 2] = 0.0
    volume = into_file(domain, domain.phi, shape, affine)
    assert volume.shape == shape
    assert np.allclose(np.squeeze(volume), domain.phi)


def test_a_domain_of_another_file_is_refused() -> None:
    domain = make_domain(np.eye(3), 2, 0.0, 40)
    with pytest.raises(ValueError, match="slice 40"):
        into_file(domain, domain.phi, (64, 56, 9), domain.affine)


def test_regions_are_empty_without_a_threshold() -> None:
    regions = predicted_regions(np.array([0.2, 0.5, 0.9, 0.0]), {"WT": 0.35, "TC": None})
    assert regions["WT"].tolist() == [False, True, True, False]
    assert not regions["TC"].any()


def test_edge_names_follow_the_affine() -> None:
    assert edge_names(make_domain(np.eye(3), 2, 0.0, 0)) == (("L", "R"), ("P", "A"))
    assert edge_names(make_domain(np.eye(3), 0, 0.0, 0)) == (("P", "A"), ("I", "S"))


def test_written_files(result: PatientResult, tmp_path: Path) -> None:
    domain = make_domain(np.eye(3), 2, 0.0, 4)
    affine = domain.affine.copy()
    affine[:3, 3] -= affine[:3, 2] * 4
    segmentation = nib.Nifti1Image(np.zeros((*domain.phi.shape, 9), np.float32), affine)
    segmentation.header.set_slope_inter(2.0, 1.0)
    nib.save(segmentation, tmp_path / "seg.nii.gz")
    files = Layout(tmp_path, "t1")
    save_domain(files.domain, domain)
    distance = np.hypot(domain.axes[0][:, None] - 2.0, domain.axes[1][None, :] - 1.0)
    u = np.exp(-(distance**2) / 800)
    write_npz(arrays(files.verified(result.headline)), u_fdm=u)
    thresholds = Thresholds(WT=Estimate.of(0.4), TC=Estimate.of(0.7))
    found = result.model_copy(update={"thresholds": thresholds})
    write_sealed(files.params, found.model_dump(mode="json"))
    file = tmp_path / "t1.yaml"
    file.write_text(
        "patient:\n  id: t1\n  segmentation: {path: seg.nii.gz, convention: brats}\n"
        "  images: {t1: seg.nii.gz}\n"
    )
    run(Job(file, Settings(), files))
    masks = files.masks
    image = nib.load(files.density)
    data = image.get_fdata()
    assert np.isfinite(data).all()
    assert image.shape == segmentation.shape
    assert np.allclose(image.affine, affine)
    tissue = domain.phi > 0.5
    assert np.allclose(data[..., 4], np.where(tissue, u, 0), atol=1e-6)
    assert not data[..., [0, 1, 2, 3, 5, 6, 7, 8]].any()
    predicted = {r: np.asarray(nib.load(p).dataobj)[..., 4].astype(bool) for r, p in masks.items()}
    assert np.array_equal(predicted["WT"], tissue & (u > 0.4))
    assert np.array_equal(predicted["TC"], tissue & (u > 0.7))
    said = read_json(sidecar(files.density))
    assert said["Parameters"]["thresholds"] == thresholds.model_dump(mode="json")
    assert said["Parameters"]["lambda_mm"] == result.lambda_mm.model_dump(mode="json")
    assert read_json(sidecar(masks["WT"]))["Threshold"] == 0.4


INTERPOLATION = 3 * 0.9 / 12.0**2 / 8
"""Largest error of a trilinear interpolation of `bump`: h^2 / 8 of u'' along each axis."""


def make_volume(rotation: np.ndarray) -> Domain:
    """A crop of 1 mm around a ball of tissue of 20 mm, in a rotated head."""
    shape = (48, 52, 44)
    affine = np.eye(4)
    affine[:3, :3] = rotation
    affine[:3, 3] = rotation @ np.array([-24.0, -25.0, -20.0])
    index = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), axis=-1)
    world = index @ rotation.T + affine[:3, 3]
    distance = np.linalg.norm(world, axis=-1)
    phi = np.clip((1 + np.tanh(20 - distance)) / 2, 1e-4, 1).astype(np.float32)
    tissue = (phi > 0.5).astype(np.float32)
    return Domain(
        patient="t1", P=tissue, phi=phi, WT=distance < 12, TC=distance < 7,
        wm=tissue, gm=0 * tissue, csf=1 - tissue,
        axes=tuple(np.arange(n) + start for n, start in zip(shape, (-24, -25, -20), strict=True)),
        x0=np.array([2.0, 1.0, -3.0]), affine=affine, numbers={},
    )  # fmt: skip


def file_of(rotation: np.ndarray, orientation: str) -> nib.Nifti1Image:
    """An anisotropic file of a head larger than the crop, its axes turned and flipped."""
    voxel, shape = np.array([1.2, 0.9, 1.7]), (60, 72, 40)
    affine = np.eye(4)
    affine[:3, :3] = rotation * voxel
    affine[:3, 3] = rotation @ (-0.5 * voxel * (np.array(shape) - 1))
    codes = nib.orientations.axcodes2ornt(tuple(orientation))
    turn = nib.orientations.ornt_transform(nib.orientations.axcodes2ornt("RAS"), codes)
    return nib.Nifti1Image(np.zeros(shape, np.uint8), affine).as_reoriented(turn)


@pytest.mark.parametrize("angle", ANGLES)
@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_a_volume_returns_to_its_place(orientation: str, angle: float) -> None:
    """A known density comes back at the centres of the file's voxels, also where it is oblique."""
    domain, file = make_volume(oblique(angle)), file_of(oblique(0.7 * angle), orientation)
    centre = domain.to_world(domain.x0)
    index = np.stack(np.meshgrid(*map(np.arange, domain.phi.shape), indexing="ij"), axis=-1)
    u = bump(index @ domain.affine[:3, :3].T + domain.affine[:3, 3], centre).astype(np.float32)
    found = density_in_file(domain, u, file.shape, file.affine)

    voxels = np.stack(np.meshgrid(*map(np.arange, file.shape), indexing="ij"), axis=-1)
    world = voxels @ file.affine[:3, :3].T + file.affine[:3, 3]
    truth, radius = bump(world, centre), np.linalg.norm(world, axis=-1)
    assert found.dtype == np.float32
    assert np.isfinite(found).all()
    inside, outside = radius < 19.5, radius > 20.5
    assert inside.sum() > 10000
    assert np.abs(found - truth)[inside].max() < INTERPOLATION
    assert not found[outside].any()  # the crop goes on there, the tissue does not
    raw = into_file(domain, u, file.shape, file.affine)
    within = domain_index(domain, world)
    apart = np.minimum(within, np.array(domain.phi.shape) - 1 - within).min(axis=-1)
    assert not raw[apart < 0].any()  # and nothing is known beyond the crop
    assert raw[apart > 0].all()
    assert np.abs(raw - truth)[apart > 0].max() < INTERPOLATION


def domain_index(domain: Domain, world: np.ndarray) -> np.ndarray:
    return (world - domain.affine[:3, 3]) @ np.linalg.inv(domain.affine[:3, :3]).T


def test_a_grid_of_its_own_is_exact() -> None:
    domain = make_volume(np.eye(3))
    field = np.random.default_rng(0).random(domain.phi.shape)
    affine = domain.affine.copy()
    affine[:3, 3] -= [2, 3, 1]
    shape = tuple(n + 6 for n in domain.phi.shape)
    found = into_file(domain, field, shape, affine)
    place = tuple(slice(s, s + n) for s, n in zip((2, 3, 1), domain.phi.shape, strict=True))
    assert np.array_equal(found[place], field)
    assert np.count_nonzero(found) == field.size


def test_written_files_of_a_volume(volume_bundle: Any) -> None:
    bundle = volume_bundle
    step_metrics(bundle.job)
    run(bundle.job)
    files, domain = bundle.files, bundle.domain
    result = read_result(files.params)
    with np.load(arrays(files.verified(result.headline))) as stored:
        u = stored["u_fdm"]
    data = nib.load(files.density).get_fdata()
    assert data.shape == domain.phi.shape
    assert np.allclose(data, np.where(domain.tissue, u, 0), atol=1e-6)
    for region, level in (("WT", 0.33), ("TC", 0.6)):
        mask = np.asarray(nib.load(files.masks[region]).dataobj).astype(bool)
        assert np.array_equal(mask, data > level)
        assert mask.any(axis=(0, 1)).sum() > 5  # many slices
    said = read_json(sidecar(files.density))
    assert not {"Plane", "SliceIndex", "SliceAxis"} & {*said}
    assert "whole tumour" in said["Description"]
    assert "slice" not in said["Description"]
    assert "whole tumour" in read_json(sidecar(files.masks["WT"]))["Description"]
