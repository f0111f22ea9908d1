"""Regions of labels and masks: what is accepted with a remark, what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gbm.config.conventions import CONVENTIONS
from gbm.config.errors import InputError
from gbm.config.patient import LabelMap
from gbm.imaging.labels import regions, regions_from_masks
from gbm.io.volumes import Volume


def _preset(name: str) -> LabelMap:
    convention = CONVENTIONS[name]
    return LabelMap(WT=tuple(convention.WT), TC=tuple(convention.TC))


def _line(*values: float) -> Volume:
    return Volume(np.array(values, np.float32).reshape(-1, 1, 1), np.eye(4), Path("seg.nii.gz"))


@pytest.mark.parametrize(
    ("convention", "whole", "core"),
    [("brats", [1, 1, 1, 1], [1, 0, 1, 1]), ("gliodil", [1, None, 1, 1], [1, None, 0, 1])],
)
def test_conventions(convention: str, whole: list[int | None], core: list[int | None]) -> None:
    for label, (in_whole, in_core) in enumerate(zip(whole, core, strict=True), start=1):
        volume = _line(0, label, 4, 1)
        if in_whole is None:
            with pytest.raises(InputError, match=f"label {label} .* is outside"):
                regions(volume, _preset(convention))
            continue
        found = regions(volume, _preset(convention))
        assert found.WT.data[1, 0, 0] == in_whole
        assert found.TC.data[1, 0, 0] == in_core


def test_float_labels_near_integers_are_labels() -> None:
    found = regions(_line(0, 1.0005, 1.9995, 4), _preset("brats"))
    assert found.labels == {1: 1, 2: 1, 4: 1}
    with pytest.raises(InputError, match="integers"):
        regions(_line(0, 1.01, 2, 4), _preset("brats"))


@pytest.mark.parametrize(
    ("ignore", "said"),
    [
        (
            (),
            "labels 2 (3 voxels), 7 (1 voxel) are outside the convention (allowed: 0, 1, 3, 4): "
            "map them with convention: {WT: [...], TC: [...]}, or count them as background with "
            "patient.segmentation: {ignore: [2, 7]}",
        ),
        (
            (7, 9),
            "label 2 (3 voxels) is outside the convention (allowed: 0, 1, 3, 4): "
            "map it with convention: {WT: [...], TC: [...]}, or count it as background with "
            "patient.segmentation: {ignore: [2, 7, 9]}",
        ),
    ],
)
def test_foreign_labels_are_counted_with_the_ways_out(ignore: tuple[int, ...], said: str) -> None:
    with pytest.raises(InputError) as caught:
        regions(_line(0, 2, 2, 2, 7, 1, 3), _preset("gliodil"), ignore)
    assert caught.value.message == said


def test_an_image_instead_of_a_segmentation_is_told_in_one_line() -> None:
    with pytest.raises(InputError, match=r"996 labels .* is it a segmentation") as caught:
        regions(_line(*range(1000)), _preset("gliodil"))
    assert len(str(caught.value)) < 200


def test_ignored_labels_are_background() -> None:
    stray, clean = (
        regions(_line(0, label, 4, 1, 3, label), _preset("gliodil"), (7, 8)) for label in (7, 0)
    )
    assert np.array_equal(stray.WT.data, clean.WT.data)
    assert np.array_equal(stray.TC.data, clean.TC.data)
    assert stray.labels == clean.labels == {1: 1, 3: 1, 4: 1}
    (remark,) = stray.warnings
    assert remark == "patient.segmentation.ignore: label 7 (2 voxels) counts as background"
    assert clean.warnings == ()  # a label that the file does not hold is no matter
    with pytest.raises(InputError, match="empty"):
        regions(_line(0, 7, 7), _preset("gliodil"), (7,))


@pytest.mark.parametrize(
    ("values", "word"),
    [((0, 0, 0), "empty"), ((0, 7, 1), "label 7"), ((0, np.nan, 1), "finite"), ((0, -1, 1), "-1")],
)
def test_refused_labels(values: tuple[float, ...], word: str) -> None:
    with pytest.raises(InputError, match=word) as caught:
        regions(_line(*values), _preset("brats"))
    assert caught.value.key == "patient.segmentation.path"
    assert caught.value.file == Path("seg.nii.gz")


def test_an_empty_core_is_a_remark() -> None:
    found = regions(_line(0, 2, 2), _preset("brats"))
    assert not found.TC.data.any()
    assert any("TC is empty" in warning for warning in found.warnings)


def test_oedema_only_masks_are_united_with_the_core() -> None:
    found = regions_from_masks(_line(0, 1, 1, 0, 0), _line(0, 0, 0, 1, 0))
    assert found.WT.data.ravel().tolist() == [False, True, True, True, False]
    assert any("WT := WT or TC" in warning for warning in found.warnings)


def test_swapped_masks_are_refused() -> None:
    with pytest.raises(InputError, match="swapped") as caught:
        regions_from_masks(_line(0, 0, 1, 0, 0), _line(0, 1, 1, 1, 0))
    assert caught.value.key == "patient.segmentation.masks.WT"


def test_masks_of_255_are_masks_and_probabilities_are_not() -> None:
    assert regions_from_masks(_line(0, 255, 255), _line(0, 0, 255)).TC.data.sum() == 1
    with pytest.raises(InputError, match="not a mask"):
        regions_from_masks(_line(0, 0.4, 1), _line(0, 0, 1))


def test_masks_on_grids_that_do_not_overlap_are_refused() -> None:
    far = np.eye(4)
    far[0, 3] = 100.0
    core = Volume(np.ones((3, 1, 1), np.float32), far, Path("tc.nii.gz"))
    with pytest.raises(InputError, match="does not overlap") as caught:
        regions_from_masks(_line(0, 1, 1), core)
    assert caught.value.key == "patient.segmentation.masks.TC"


def test_identical_regions_are_no_swap() -> None:
    found = regions_from_masks(_line(0, 1, 1), _line(0, 1, 1))
    assert np.array_equal(found.WT.data, found.TC.data)
