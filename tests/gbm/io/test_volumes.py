"""Volumes against closed forms: an affine function of the world survives every resampling."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from gbm.config.errors import InputError
from gbm.io.nifti import read_volume, write_volume
from gbm.io.volumes import (
    Volume,
    canonical,
    coverage,
    one_millimetre_grid,
    resample_to,
    to_one_millimetre,
)

SLOPE = np.array([0.5, -0.3, 0.2])


def _rotation(degrees: float) -> np.ndarray:
    a = np.radians(degrees)
    return np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1.0]])


def _field(shape: tuple[int, ...], axes: np.ndarray) -> Volume:
    affine = np.eye(4)
    affine[:3, :3], affine[:3, 3] = axes, [12.0, -30.0, 7.0]
    index = np.indices(shape).reshape(3, -1)
    values = SLOPE @ (affine[:3, :3] @ index + affine[:3, 3:])
    return Volume(values.reshape(shape).astype(np.float32), affine)


GRIDS = {
    "ras": np.eye(3),
    "lps": np.diag([-1.0, -1.0, 1.0]),
    "permuted": np.array([[0, 0, -1.0], [1.0, 0, 0], [0, 1.0, 0]]),
    "anisotropic": np.diag([0.8, 1.25, 3.0]),
    "oblique": _rotation(20.0) @ np.diag([1.0, 1.5, 2.0]),
}


@pytest.mark.parametrize("name", GRIDS)
def test_one_millimetre_keeps_a_linear_function_of_the_world(name: str) -> None:
    volume = _field((24, 20, 16), GRIDS[name])
    made = to_one_millimetre(volume)
    assert np.allclose(made.spacing, 1.0, atol=1e-6)
    assert nib.aff2axcodes(made.affine) == ("R", "A", "S")
    index = np.indices(made.data.shape).reshape(3, -1)
    points = made.affine[:3, :3] @ index + made.affine[:3, 3:]
    source = np.linalg.inv(volume.affine[:3, :3]) @ (points - volume.affine[:3, 3:])
    last = np.array(volume.data.shape)[:, None] - 1
    interior = np.all((source >= 0) & (source <= last), axis=0)
    assert interior.mean() > 0.6
    expected = (SLOPE @ points)[interior]
    assert np.abs(made.data.reshape(-1)[interior] - expected).max() < 1e-3


@pytest.mark.parametrize("name", GRIDS)
def test_one_millimetre_grid_covers_the_field_of_view(name: str) -> None:
    volume = _field((24, 20, 16), GRIDS[name])
    grid = one_millimetre_grid(volume)
    everything = volume.with_data(np.ones(volume.data.shape, bool))
    assert coverage(everything, grid) == 1.0
    ratio = np.prod(grid.data.shape) / (np.prod(volume.data.shape) * np.prod(volume.spacing))
    assert 0.99 < ratio < 1.12


def test_labels_keep_their_volume_and_their_values() -> None:
    volume = _field((40, 40, 12), np.diag([1.0, 1.0, 3.0]))
    labels = volume.with_data(np.zeros(volume.data.shape, np.int16))
    labels.data[10:30, 12:28, 3:9] = 4
    made = to_one_millimetre(labels, 0)
    assert set(np.unique(made.data)) == {0, 4}
    assert np.count_nonzero(made.data) == 20 * 16 * 18


def test_canonical_is_the_same_image() -> None:
    volume = _field((5, 6, 7), GRIDS["permuted"])
    made = canonical(volume)
    index = np.argwhere(np.ones(made.data.shape, bool))
    points = index @ made.affine[:3, :3].T + made.affine[:3, 3]
    assert np.allclose(made.data.reshape(-1), points @ SLOPE, atol=1e-4)


def test_outside_the_field_of_view_is_the_fill() -> None:
    volume = _field((8, 8, 8), np.eye(3))
    far = Volume(np.zeros((8, 8, 8)), volume.affine + np.diag([0, 0, 0, 0.0]))
    shifted = far.affine.copy()
    shifted[0, 3] += 4.0
    made = resample_to(volume, Volume(far.data, shifted), 1, fill=-7.0)
    assert np.all(made.data[4:] == -7.0)
    assert np.allclose(made.data[:4], volume.data[4:])


def test_coverage_counts_voxel_centres() -> None:
    mask = Volume(np.ones((10, 4, 4), bool), np.eye(4))
    affine = np.eye(4)
    affine[0, 3] = 5.0
    assert coverage(mask, Volume(np.zeros((20, 4, 4)), affine)) == 0.5
    affine[0, 3] = 50.0
    assert coverage(mask, Volume(np.zeros((20, 4, 4)), affine)) == 0.0


@pytest.mark.parametrize("shape", [(9, 8), (9, 8, 1), (9, 8, 1, 1), (9, 8, 7, 1, 1)])
def test_two_dimensions_and_singleton_axes_are_read(tmp_path: Path, shape: tuple[int, ...]) -> None:
    path = tmp_path / "a.nii.gz"
    data = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    nib.save(nib.Nifti1Image(data, np.eye(4)), path)
    volume = read_volume(path)
    assert volume.data.ndim == 3
    assert np.array_equal(volume.data.ravel(), data.ravel())


def test_unreadable_files_are_refused_with_file_and_key(tmp_path: Path) -> None:
    good = tmp_path / "good.nii.gz"
    nib.save(nib.Nifti1Image(np.ones((30, 30, 30), np.float32), np.eye(4)), good)
    cases: dict[str, bytes] = {
        "truncated.nii.gz": good.read_bytes()[:-30],
        "text.nii.gz": b"hello",
        "empty.nii": b"",
    }
    for name, content in cases.items():
        (tmp_path / name).write_bytes(content)
    four = tmp_path / "four.nii.gz"
    nib.save(nib.Nifti1Image(np.ones((4, 4, 4, 2), np.float32), np.eye(4)), four)
    for path in (*(tmp_path / name for name in cases), four, tmp_path / "none.nii.gz"):
        with pytest.raises(InputError) as caught:
            read_volume(path, "patient.images.t1")
        assert str(caught.value).startswith(f"{path}: patient.images.t1: ")
        assert len(str(caught.value).splitlines()) == 1


def test_written_volumes_are_read_back(tmp_path: Path, rng: np.random.Generator) -> None:
    volume = _field((6, 7, 8), GRIDS["oblique"]).with_data(rng.random((6, 7, 8)).astype(np.float32))
    write_volume(tmp_path / "deep" / "a.nii.gz", volume)
    back = read_volume(tmp_path / "deep" / "a.nii.gz")
    assert back.same_grid(volume)
    assert np.array_equal(back.data, volume.data)
    assert [p.name for p in (tmp_path / "deep").iterdir()] == ["a.nii.gz"]
