"""The 2-D problem: phi against its formula, one anatomy on many grids, filling, the origin."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gbm.config.errors import InputError
from gbm.config.patient import LabelMap
from gbm.config.settings import Settings, SliceSettings
from gbm.config.tissue_settings import TissueSettings
from gbm.domain.build import build_domain, phase_field
from gbm.domain.domain import load_domain, save_domain
from gbm.imaging.labels import TumourRegions, regions
from gbm.imaging.tissue import TISSUES, Tissue, fill
from gbm.io.volumes import Volume
from tests.gbm import head

BRATS = LabelMap(WT=(1, 2, 3, 4), TC=(1, 3, 4))


def _rotation(degrees: float, axis: int) -> np.ndarray:
    a, r = np.radians(degrees), np.eye(3)
    i, j = (k for k in range(3) if k != axis)
    r[i, i] = r[j, j] = np.cos(a)
    r[i, j], r[j, i] = -np.sin(a), np.sin(a)
    return r


def _grids() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    affine, shape = head.ras()
    flipped = affine @ np.array(
        [[-1.0, 0, 0, shape[0] - 1], [0, -1.0, 0, shape[1] - 1], [0, 0, 1, 0], [0, 0, 0, 1]]
    )
    permuted = affine[:, [2, 0, 1, 3]]
    oblique = affine.copy()
    oblique[:3] = _rotation(15.0, 2) @ affine[:3]
    # the slices stay those of the other grids: in-plane voxels are finer, slices thicker
    thick, thick_shape = head.ras((0.8, 0.8, 4.0))
    thick[2, 3] = 3.5 - 4.0 * 10
    return {
        "ras": (affine, shape),
        "lps": (flipped, shape),
        "permuted": (permuted, shape[[2, 0, 1]]),
        "oblique": (oblique, shape),
        "anisotropic": (thick, thick_shape),
    }


GRIDS = _grids()


def _made(name: str) -> tuple[Tissue, TumourRegions]:
    affine, shape = GRIDS[name]
    points = head.world(affine, shape)
    maps = head.tissue(points)
    volumes = [Volume(maps[n].astype(np.float32), affine) for n in TISSUES]
    return Tissue(*volumes, qc={}), regions(Volume(head.labels(points), affine), BRATS)


@pytest.mark.parametrize("width", [2.0, 3.0])
def test_phase_field_of_a_half_plane_is_the_formula(width: float) -> None:
    mask = np.zeros((40, 8), bool)
    mask[:23] = True
    # the edge lies between the voxels 22 and 23
    distance = 0.5 * (22.5 - np.arange(40))
    expected = np.maximum((1 + np.tanh(3 * distance / width)) / 2, 1e-4)
    phi = phase_field(mask, 0.5, width)
    assert np.allclose(phi, expected[:, None], atol=1e-12)


def test_phase_field_of_a_disc_follows_the_distance_to_its_edge() -> None:
    i, j = np.indices((81, 81)) - 40
    radius = np.hypot(i, j)
    phi = phase_field(radius <= 25.3, 1.0, 3.0)
    formula = (1 + np.tanh(25.3 - radius)) / 2
    # a staircase: to half a voxel
    assert np.abs(phi - formula).max() < 0.25
    assert np.abs(phi - formula).mean() < 0.01
    assert np.array_equal(phi > 0.5, radius <= 25.3)


def test_phase_field_has_its_floor() -> None:
    assert phase_field(np.zeros((5, 5), bool), 1.0, 3.0).max() == 1e-4
    assert phase_field(np.ones((5, 5), bool), 1.0, 3.0).min() == 1.0


@pytest.mark.parametrize("name", [name for name in GRIDS if name != "ras"])
def test_the_same_head_on_another_grid_gives_the_same_problem(name: str) -> None:
    reference = build_domain("a", *_made("ras"), Settings())
    other = build_domain("a", *_made(name), Settings())
    middle = np.array(head.TUMOUR)
    for made in (reference, other):
        assert np.linalg.norm(made.to_world(made.x0) - middle) < 1.0, made.x0
    same_slice = abs(reference.to_world(reference.x0)[2] - other.to_world(other.x0)[2]) < 1e-6
    assert same_slice
    for key in ("wt_area_mm2", "radius_WT_mm", "radius_TC_mm", "tissue_area_mm2"):
        assert other.numbers[key] == pytest.approx(reference.numbers[key], rel=0.01), key
    for field in ("P", "phi"):
        total = getattr(other, field).sum()
        assert total == pytest.approx(getattr(reference, field).sum(), rel=0.01), field


@pytest.mark.parametrize("name", ["lps", "permuted"])
def test_reorientation_changes_nothing_but_the_slice_number(name: str) -> None:
    reference = build_domain("a", *_made("ras"), Settings())
    other = build_domain("a", *_made(name), Settings())
    for field in ("P", "phi", "WT", "TC", "x0"):
        assert np.allclose(getattr(reference, field), getattr(other, field), atol=1e-6), field
    for own, its in zip(reference.axes, other.axes, strict=True):
        assert np.allclose(own, its, atol=1e-6)
    assert np.allclose(reference.affine, other.affine)


@pytest.mark.parametrize("plane", ["axial", "coronal", "sagittal"])
def test_planes_hold_the_segmentation_of_their_slice(plane: str) -> None:
    tissue, found = _made("lps")
    settings = Settings(slice=SliceSettings(plane=plane))  # type: ignore[arg-type]
    made = build_domain("a", tissue, found, settings)
    axis = {"axial": 2, "coronal": 1, "sagittal": 0}[plane]
    section = np.take(found.WT.data, made.slice, axis=axis)
    assert made.numbers["wt_area_mm2"] == section.sum()
    assert section.sum() == found.WT.data.sum(axis=tuple({0, 1, 2} - {axis})).max()
    i, j = np.argwhere(made.WT)[0]
    world = made.affine @ [i, j, 0, 1]
    index = np.rint(np.linalg.inv(found.WT.affine) @ world).astype(int)[:3]
    assert index[axis] == made.slice
    assert found.WT.data[tuple(index)]


def test_p_is_white_plus_a_tenth_of_grey() -> None:
    made = build_domain("a", *_made("ras"), Settings())
    assert np.allclose(made.P, made.wm + made.gm / 10)
    assert made.P.max() <= 1 + 1e-6
    other = build_domain("a", *_made("ras"), Settings(tissue=TissueSettings(white_to_grey=4.0)))
    assert np.allclose(other.P, other.wm + other.gm / 4)


def test_inside_the_tumour_there_is_tissue_only() -> None:
    tissue, found = _made("ras")
    hole = found.WT.data & (np.indices(found.WT.data.shape)[0] % 2 == 0)
    for volume in (tissue.wm, tissue.gm, tissue.csf):
        volume.data[hole] = 0.0
    filled = build_domain("a", tissue, found, Settings())
    assert np.allclose((filled.wm + filled.gm)[filled.WT], 1.0)
    assert not filled.csf[filled.WT].any()
    assert (filled.phi > 0.5)[filled.WT].all()
    bare = build_domain("a", tissue, found, Settings(tissue=TissueSettings(fill_tumour=False)))
    outside = (bare.phi < 0.5)[bare.WT].mean()
    assert 0.5 < outside < 0.7  # every second column, and a part of the ventricle
    assert filled.numbers["wt_outside_tissue_fraction"] == pytest.approx(outside)


def test_a_voxel_without_tissue_takes_the_ratio_of_the_nearest() -> None:
    wm, gm = np.array([0.6, 0.0, 0.0, 0.1]), np.array([0.2, 0.0, 0.0, 0.9])
    tumour = np.array([False, True, True, False])
    white, grey, csf = fill(wm, gm, np.ones(4), tumour)
    assert np.allclose(white, [0.6, 0.75, 0.1, 0.1])
    assert np.allclose(grey, [0.2, 0.25, 0.9, 0.9])
    assert csf.tolist() == [1, 0, 0, 1]


def test_an_empty_core_starts_at_the_centroid_of_the_whole_tumour() -> None:
    tissue, found = _made("ras")
    found.TC.data[:] = False
    made = build_domain("a", tissue, found, Settings())
    i, j = np.argwhere(made.WT).mean(axis=0)
    assert np.allclose(made.x0, [made.axes[0][0] + i, made.axes[1][0] + j])


def test_an_origin_outside_the_tissue_moves_to_the_nearest_tissue() -> None:
    tissue, found = _made("ras")
    settings = Settings(tissue=TissueSettings(fill_tumour=False))
    free = build_domain("a", tissue, found, settings)
    points = head.world(*GRIDS["ras"])
    hole = np.hypot(points[0] - head.TUMOUR[0], points[1] - head.TUMOUR[1]) < 6
    for volume in (tissue.wm, tissue.gm):
        volume.data[hole] = 0.0
    made = build_domain("a", tissue, found, settings)
    i, j = np.rint(made.x0 - [a[0] for a in made.axes]).astype(int)
    assert made.phi[i, j] > 0.5
    assert 4.0 < np.linalg.norm(made.x0 - free.x0) < 8.0


def test_a_single_slice_decides_its_plane() -> None:
    tissue, found = _made("ras")
    k = build_domain("a", tissue, found, Settings()).slice
    cut = found.WT.affine.copy()
    cut[:3, 3] += k * cut[:3, 2]
    one = TumourRegions(
        Volume(found.WT.data[:, :, k : k + 1], cut), Volume(found.TC.data[:, :, k : k + 1], cut), {}
    )
    made = build_domain("a", tissue, one, Settings(slice=SliceSettings(plane="coronal")))
    assert (made.plane, made.slice) == ("axial", 0)
    assert made.numbers["wt_area_mm2"] == found.WT.data[:, :, k].sum()


@pytest.mark.parametrize(("index", "word"), [(500, "outside the segmentation"), (0, "empty")])
def test_slices_without_a_tumour_are_refused(index: int, word: str) -> None:
    with pytest.raises(InputError, match=word) as caught:
        build_domain("a", *_made("ras"), Settings(slice=SliceSettings(index=index)))
    assert caught.value.key == "slice.index"


def test_a_domain_survives_its_file(tmp_path: Path) -> None:
    made = build_domain("a", *_made("oblique"), Settings())
    save_domain(tmp_path / "d.npz", made)
    back = load_domain(tmp_path / "d.npz")
    for field in ("P", "phi", "WT", "TC", "axes", "x0", "affine"):
        for stored, own in zip(getattr(back, field), getattr(made, field), strict=True):
            assert np.array_equal(stored, own)
    assert (back.patient, back.plane, back.slice) == ("a", made.plane, made.slice)
    assert back.numbers == made.numbers
    (tmp_path / "d.npz").write_bytes(b"nonsense")
    with pytest.raises(InputError, match="is damaged"):
        load_domain(tmp_path / "d.npz")
    np.savez(tmp_path / "d.npz", P=made.P)
    with pytest.raises(InputError, match="not a domain"):
        load_domain(tmp_path / "d.npz")
