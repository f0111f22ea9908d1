"""Registration: a known affine and a known deformation of a small head are recovered."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gbm.config.errors import InputError
from gbm.config.gate_settings import GateSettings
from gbm.config.patient import LabelMap
from gbm.config.source import Source
from gbm.config.tissue_settings import AtlasPaths
from gbm.imaging.atlas import Atlas, load_atlas, mni152, probabilities
from gbm.imaging.brain import brain_mask, field_of_view
from gbm.imaging.labels import regions
from gbm.imaging.patient_images import read_head
from gbm.io.nifti import read_volume
from gbm.io.volumes import Volume
from gbm.registration.alignment import Placement, Score, ranked
from gbm.registration.itk import from_itk, to_itk, warp
from gbm.registration.register import ATTEMPTS, Subject, register
from tests.gbm import head


def _atlas() -> Atlas:
    affine, shape = head.ras((2.0, 2.0, 2.0))
    maps = head.tissue(head.world(affine, shape))
    volumes = {name: Volume(part.astype(np.float32), affine) for name, part in maps.items()}
    image = Volume(head.t1(maps, noise=3.0, seed=1), affine)
    return Atlas(name="head", t1=image, brain=image.with_data(image.data > 0), **volumes)


def _turn(degrees: tuple[float, float, float]) -> np.ndarray:
    a, b, c = np.radians(degrees)
    x = np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]])
    y = np.array([[np.cos(b), 0, np.sin(b)], [0, 1, 0], [-np.sin(b), 0, np.cos(b)]])
    z = np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]])
    return x @ y @ z


# Patient to atlas: 12 mm away, turned by up to 8 degrees, a tenth smaller, sheared.
TRUE = np.eye(4)
TRUE[:3, :3] = _turn((4.0, -3.0, 8.0)) @ np.array([[1.1, 0.03, 0], [0, 1.06, 0.02], [0, 0, 1.12]])
TRUE[:3, 3] = [8.0, -7.0, 5.0]


def _patient(bend_mm: float = 0.0) -> tuple[Volume, Volume, np.ndarray]:
    """Image, tumour, and the atlas point of every voxel (RAS); bends have the size of the head."""
    affine, shape = head.ras((1.5, 1.5, 1.5))
    places = head.world(affine, shape)
    points = np.einsum("ij,j...->i...", TRUE[:3, :3], places) + TRUE[:3, 3].reshape(3, 1, 1, 1)
    if bend_mm:
        points = points + bend_mm * np.sin(places[[1, 2, 0]] / 25.0)
    maps = head.tissue(points)
    image = Volume(2.5 * head.t1(maps, noise=6.0, seed=2), affine)
    tumour = np.linalg.norm(places - np.array([14.0, -8, 2]).reshape(3, 1, 1, 1), axis=0) < 11
    image.data[tumour] = 900.0
    return image, image.with_data(tumour), points


def _errors(transform: object, image: Volume, points: np.ndarray) -> np.ndarray:
    """Distance, mm, of the found from the true atlas point, over the brain (every 7th voxel)."""
    inside = np.argwhere(brain_mask(image))[::7]
    lps = np.array([-1.0, -1.0, 1.0])
    places = inside @ image.affine[:3, :3].T + image.affine[:3, 3]
    found = np.array([transform.TransformPoint((lps * p).tolist()) for p in places]) * lps  # type: ignore[attr-defined]
    return np.linalg.norm(found - points[:, *inside.T].T, axis=1)


def test_images_survive_the_way_to_itk_and_back(rng: np.random.Generator) -> None:
    affine, _ = head.ras((1.5, 2.0, 3.0))
    volume = Volume(rng.random((7, 6, 5)).astype(np.float32), affine)
    image = to_itk(volume)
    assert np.array_equal(from_itk(image, volume).data, volume.data)
    lps = image.TransformIndexToPhysicalPoint([2, 3, 4])
    assert np.allclose(np.array(lps) * [-1, -1, 1], (affine @ [2, 3, 4, 1])[:3])


def test_a_known_affine_is_recovered() -> None:
    image, tumour, points = _patient()
    errors = _errors(register(_atlas(), Subject(image, tumour), "affine").transform, image, points)
    assert np.median(errors) < 0.85
    assert np.percentile(errors, 95) < 1.5


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_head_that_is_turned_far_and_lies_elsewhere_is_found(axis: int) -> None:
    image, tumour, points = _patient()
    degrees = [0.0, 0.0, 0.0]
    degrees[axis] = 40.0
    turned = np.eye(4)
    turned[:3, :3], turned[:3, 3] = _turn(tuple(degrees)), [30.0, -20.0, 15.0]  # type: ignore[arg-type]
    moved, there = (Volume(v.data, turned @ v.affine) for v in (image, tumour))
    found = register(_atlas(), Subject(moved, there), "affine")
    assert np.percentile(_errors(found.transform, moved, points), 95) < 2.0
    (attempt,) = found.attempts
    assert len(attempt["starts"]) == 17
    assert [stage["stage"] for stage in attempt["stages"]] == ["rigid", "affine"]


def test_splines_do_not_depend_on_how_the_head_lies() -> None:
    image, tumour, _ = _patient(bend_mm=3.0)
    turned = np.eye(4)
    turned[:3, :3], turned[:3, 3] = _turn((0.0, 0.0, 35.0)), [10.0, 5.0, 0.0]
    moved, there = (Volume(v.data, turned @ v.affine) for v in (image, tumour))
    points = []
    for volume, mask in ((image, tumour), (moved, there)):
        found = register(_atlas(), Subject(volume, mask), "bspline")
        inside = np.argwhere(brain_mask(volume))[::97]
        places = inside @ volume.affine[:3, :3].T + volume.affine[:3, 3]
        lps = np.array([-1.0, -1.0, 1.0])
        points.append([found.transform.TransformPoint((lps * p).tolist()) for p in places])
    apart = np.linalg.norm(np.subtract(*points), axis=1)
    # of this small head the affine transforms alone are 1.2 mm apart
    assert np.percentile(apart, 95) < 1.25


def test_a_second_image_leads_where_the_first_shows_nothing() -> None:
    image, tumour, points = _patient()
    rng = np.random.default_rng(4)
    noise = np.where(brain_mask(image), rng.uniform(1.0, 2.0, image.data.shape), 0.0)
    blind = image.with_data(noise.astype(np.float32))
    found = register(_atlas(), Subject(blind, tumour, image), "affine")
    assert np.percentile(_errors(found.transform, image, points), 95) < 1.5
    chosen = next(attempt for attempt in found.attempts if attempt["chosen"])
    assert chosen["stages"][-1]["image"] == "t1c"


def test_what_fails_the_gates_is_tried_again_and_the_best_attempt_is_kept() -> None:
    image, tumour, _ = _patient()
    gates = GateSettings(correlation_min=1.0)
    found = register(_atlas(), Subject(image, tumour), "affine", seed=5, gates=gates)
    tried = [(attempt["metric"], attempt["seed"] - 5) for attempt in found.attempts]
    assert tuple(tried) == ATTEMPTS
    (chosen,) = [attempt for attempt in found.attempts if attempt["chosen"]]
    assert chosen["correlation"] == max(a["correlation"] for a in found.attempts)
    assert found.correlation == chosen["correlation"]


def test_a_stage_may_lose_no_more_than_noise() -> None:
    before = Score(0.960, {"t1": 1.00, "t1c": 0.80})
    assert Score(0.956, {"t1": 0.995, "t1c": 0.80}).keeps(before)
    assert not Score(0.954, {"t1": 1.2, "t1c": 0.8}).keeps(before)
    assert not Score(0.940, {"t1": 1.2, "t1c": 0.9}).keeps(before)
    assert not Score(0.970, {"t1": 1.2, "t1c": 0.78}).keeps(before)


def test_an_image_counts_relative_to_its_best() -> None:
    """The T1 shows little and prefers the wrong place by little; the T1c and the masks decide."""
    scores = {
        "wrong": Score(0.90, {"t1": 0.0102, "t1c": 0.5}),
        "right": Score(0.95, {"t1": 0.0100, "t1c": 0.9}),
    }
    candidates = [Placement(name, "t1", None, score) for name, score in scores.items()]  # type: ignore[arg-type]
    assert ranked(candidates)[0].name == "right"


def test_beyond_a_flat_face_nothing_is_seen() -> None:
    x, y, z = np.indices((40, 40, 40)) - 19.5
    ball = x**2 + y**2 + z**2 < 16**2
    assert field_of_view(ball).all()
    cut = ball & (z > -8)
    assert np.array_equal(field_of_view(cut), np.broadcast_to(z > -8, cut.shape))


def test_a_head_without_its_lower_part_is_not_squeezed() -> None:
    """The part is missing whether the field of view ends there or zeros follow."""
    image, tumour, points = _patient()
    low = image.affine[2, 3] + image.affine[2, 2] * np.arange(image.data.shape[2]) < -18.0
    cut = image.with_data(np.where(low, 0.0, image.data).astype(np.float32))
    found = register(_atlas(), Subject(cut, tumour), "affine")
    assert np.percentile(_errors(found.transform, cut, points), 95) < 2.0
    assert found.brain_dice > 0.97


def test_a_known_bend_is_recovered_better_by_splines() -> None:
    image, tumour, points = _patient(bend_mm=6.0)
    atlas = _atlas()
    affine = register(atlas, Subject(image, tumour), "affine", seed=0, threads=1)
    spline = register(atlas, Subject(image, tumour), "bspline", seed=0, threads=1)
    before, after = (_errors(r.transform, image, points) for r in (affine, spline))
    # A tenth only: this head is flat between few edges, and there the penalty decides.
    assert np.median(after) < 0.95 * np.median(before)
    assert spline.brain_dice > max(0.97, affine.brain_dice)
    assert spline.correlation > affine.correlation
    true = head.tissue(points)
    made, healthy = spline.wm.data > 0.5, brain_mask(image) & ~tumour.data
    overlap = 2 * (made & (true["wm"] > 0.5))[healthy].sum()
    assert overlap / (made[healthy].sum() + (true["wm"] > 0.5)[healthy].sum()) > 0.9


def test_the_same_seed_gives_the_same_transform() -> None:
    image, tumour, _ = _patient()
    runs = [
        register(_atlas(), Subject(image, tumour), "bspline", seed=3, threads=1) for _ in range(2)
    ]
    assert np.array_equal(runs[0].wm.data, runs[1].wm.data)


def test_none_takes_the_atlas_where_it_is() -> None:
    atlas = _atlas()
    affine, shape = head.ras((1.5, 1.5, 1.5))
    maps = head.tissue(head.world(affine, shape))
    image = Volume(head.t1(maps, noise=6.0), affine)
    found = register(atlas, Subject(image, image.with_data(np.zeros(shape, bool))), "none")
    assert np.abs(found.wm.data - maps["wm"]).mean() < 0.01
    assert found.brain_dice > 0.97
    assert found.correlation > 0.9


def test_a_bias_field_is_divided_out() -> None:
    affine, shape = head.ras((2.0, 2.0, 2.0))
    places = head.world(affine, shape)
    maps = head.tissue(places)
    clean = head.t1(maps, noise=3.0)
    biased = Volume(clean * np.exp(0.3 * places[1] / 50.0).astype(np.float32), affine)
    found = register(_atlas(), Subject(biased, biased.with_data(np.zeros(shape, bool))), "none")
    white = maps["wm"] > 0.9
    spread = [float(np.std(v[white]) / np.mean(v[white])) for v in (biased.data, found.image.data)]
    assert spread[1] < 0.5 * spread[0]


def test_a_single_slice_is_not_registered() -> None:
    thin = Volume(np.ones((100, 116, 3), np.float32), np.eye(4), Path("t1.nii.gz"))
    with pytest.raises(InputError, match="3 mm thick") as caught:
        register(_atlas(), Subject(thin, thin.with_data(thin.data > 1)), "affine")
    assert caught.value.file == Path("t1.nii.gz")


@pytest.mark.parametrize("slices", [1, 3])
def test_slices_in_the_atlas_s_space_need_no_registration(slices: int) -> None:
    atlas = _atlas()
    middle = atlas.t1.data.shape[2] // 2
    affine = atlas.t1.affine.copy()
    affine[:3, 3] += middle * affine[:3, 2]
    image = Volume(atlas.t1.data[:, :, middle : middle + slices].copy(), affine)
    found = register(
        atlas, Subject(image, image.with_data(np.zeros(image.data.shape, bool))), "none"
    )
    assert found.brain_dice > 0.99
    assert found.correlation > 0.99


def test_a_slab_in_a_padded_volume_is_refused_in_words() -> None:
    image, tumour, _ = _patient()
    middle = image.data.shape[2] // 2
    slab = image.with_data(np.zeros_like(image.data))
    slab.data[:, :, middle : middle + 4] = image.data[:, :, middle : middle + 4]
    with pytest.raises(InputError, match="only 6 mm thick"):
        register(_atlas(), Subject(slab, tumour), "affine")


def test_the_built_in_atlas_is_a_whole_brain() -> None:
    atlas = mni152()
    litres = atlas.brain.data.sum() * np.prod(atlas.brain.spacing) / 1e6
    assert 1.5 < litres < 2.2
    total = atlas.wm.data + atlas.gm.data + atlas.csf.data
    assert np.allclose(total[atlas.brain.data], 1.0, atol=0.02)
    assert not total[~atlas.brain.data].any()
    # white matter is brighter than grey, grey brighter than fluid
    means = [np.average(atlas.t1.data, weights=m.data) for m in (atlas.wm, atlas.gm, atlas.csf)]
    assert means[0] > means[1] > means[2]


def test_an_atlas_of_the_user_s_own_is_read(tmp_path: Path) -> None:
    affine, shape = head.ras((2.0, 2.0, 2.0))
    maps = head.tissue(head.world(affine, shape))
    paths = {
        "t1": head.save(tmp_path / "t1.nii.gz", head.t1(maps, noise=3.0), affine),
        "wm": head.save(tmp_path / "wm.nii.gz", (255 * maps["wm"]).astype(np.uint8), affine),
        "gm": head.save(tmp_path / "gm.nii.gz", maps["gm"].astype(np.float32), affine),
    }
    atlas = load_atlas(AtlasPaths(**paths))
    assert np.abs(atlas.wm.data - maps["wm"]).max() < 0.01
    assert np.abs(atlas.csf.data - maps["csf"]).max() < 0.02


@pytest.mark.parametrize(
    ("values", "word"),
    [
        ([0.0, 0.0, 0.0], "all zero"),
        ([0.0, -0.2, 1.0], "negative"),
        ([0.0, 40.0, 100.0], "neither 0-1 nor 0-255"),
        ([0.0, 40.0, 1000.0], "neither 0-1 nor 0-255"),
        ([np.nan, np.nan, np.nan], "finite"),
    ],
)
def test_maps_that_are_no_probabilities_are_refused(values: list[float], word: str) -> None:
    volume = Volume(np.array(values, np.float32).reshape(3, 1, 1), np.eye(4), Path("wm.nii"))
    with pytest.raises(InputError, match=word) as caught:
        probabilities(volume, "patient.tissue.wm")
    assert str(caught.value).startswith("wm.nii: patient.tissue.wm: ")


def test_maps_up_to_255_are_divided_with_a_remark() -> None:
    volume = Volume(np.array([0, 51, 255], np.float32).reshape(3, 1, 1), np.eye(4))
    made, remarks = probabilities(volume, "patient.tissue.wm")
    assert np.allclose(made.data.ravel(), [0, 0.2, 1])
    assert "255" in remarks[0]


def test_warping_by_nothing_is_resampling() -> None:
    import SimpleITK as sitk

    atlas = _atlas()
    same = warp(atlas.wm, atlas.t1, sitk.Transform(3, sitk.sitkIdentity))
    assert np.allclose(same.data, atlas.wm.data, atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize(("method", "least"), [("affine", 0.94), ("bspline", 0.96)])
def test_a_real_patient_is_registered(data_dir: Path, method: str, least: float) -> None:
    folder = data_dir / "patients" / "CBICAABM"
    image = read_head(Source("patient.images.t1", folder / "t1.nii.gz")).cropped().image
    label_map = LabelMap(WT=(1, 2, 3, 4), TC=(1, 3, 4))
    labels = regions(read_volume(folder / "seg.nii.gz"), label_map)
    found = register(mni152(), Subject(image, labels.on(image)[0]), method)
    assert found.brain_dice > least
    assert found.correlation > 0.45
    assert found.seconds < 120
