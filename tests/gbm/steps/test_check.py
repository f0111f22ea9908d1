"""Checking a patient: what is refused names the file and the key, what is accepted says so."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from gbm.config.errors import InputError
from gbm.io.files import read_json, write_json
from gbm.steps.check import check_patient
from tests.gbm import head

COARSE = (2.0, 2.0, 2.0)
Change = Callable[[Path], None]


@pytest.fixture
def with_maps(tmp_path: Path) -> Path:
    return head.write_patient(tmp_path, *head.ras(COARSE))


@pytest.fixture
def with_image(tmp_path: Path) -> Path:
    return head.write_patient(tmp_path, *head.ras(COARSE), maps=False)


def _alter(name: str, change: Callable[[np.ndarray], np.ndarray]) -> Change:
    """Replace the data of an image."""

    def apply(folder: Path) -> None:
        image = nib.load(folder / name)
        data = change(np.asarray(image.dataobj))
        nib.save(nib.Nifti1Image(data, image.affine), folder / name)

    return apply


def _move(name: str, *mm: float) -> Change:
    """Shift an image in the world."""

    def apply(folder: Path) -> None:
        image = nib.load(folder / name)
        affine = image.affine.copy()
        affine[:3, 3] += mm
        nib.save(nib.Nifti1Image(np.asarray(image.dataobj), affine), folder / name)

    return apply


def _cut(name: str) -> Change:
    def apply(folder: Path) -> None:
        content = (folder / name).read_bytes()
        (folder / name).write_bytes(content[: len(content) // 2])

    return apply


def _edit(old: str, new: str) -> Change:
    def apply(folder: Path) -> None:
        text = (folder / "p.yaml").read_text()
        assert old in text
        (folder / "p.yaml").write_text(text.replace(old, new))

    return apply


def _middle(value: float) -> Callable[[np.ndarray], np.ndarray]:
    def change(data: np.ndarray) -> np.ndarray:
        data = data.astype(np.float32)
        data[tuple(n // 2 for n in data.shape)] = value
        return data

    return change


def _four(data: np.ndarray) -> np.ndarray:
    return np.stack([data, data], axis=-1)


def _refused(file: Path, change: Change, key: str, named: str, word: str) -> None:
    change(file.parent)
    with pytest.raises(InputError) as caught:
        check_patient(file, {})
    message = str(caught.value)
    assert caught.value.key == key
    assert str(file.parent / named) in message
    assert word in message
    assert len(message.splitlines()) <= 2


SEG, T1, WM = "seg.nii.gz", "t1.nii.gz", "wm.nii.gz"
SEG_KEY = "patient.segmentation.path"


@pytest.mark.parametrize(
    ("change", "key", "named", "word"),
    [
        (_cut(SEG), SEG_KEY, SEG, "truncated"),
        (_alter(SEG, np.zeros_like), SEG_KEY, SEG, "empty"),
        (_alter(SEG, lambda d: np.where(d == 4, 9, d)), SEG_KEY, SEG, "label 9"),
        (_alter(SEG, _four), SEG_KEY, SEG, "4-D"),
        (_cut(WM), "patient.tissue.wm", WM, "truncated"),
        (_alter(WM, lambda d: -d), "patient.tissue.wm", WM, "negative"),
        (_alter(WM, np.zeros_like), "patient.tissue.wm", WM, "all zero"),
        (_alter(WM, lambda d: 90 * d), "patient.tissue.wm", WM, "neither 0-1 nor 0-255"),
        (_alter(WM, _middle(np.nan)), "patient.tissue.wm", WM, "finite"),
        (_alter("csf.nii.gz", np.zeros_like), "patient.tissue.csf", "csf.nii.gz", "all zero"),
        (_move("gm.nii.gz", 500, 0, 0), "patient.tissue.gm", "gm.nii.gz", "overlap"),
        (_move(SEG, 14, -38, 24), "patient.tissue.wm", WM, "outside the tissue"),
        (_edit("csf.nii.gz}", "none.nii.gz}"), "patient.tissue.csf", "none.nii.gz", "no such file"),
        (_edit("wm: wm", "vm: wm"), "patient.tissue.vm", "p.yaml", "unknown key"),
        (_edit('"head1"', '"../x"'), "patient.id", "p.yaml", "pattern"),
    ],
)
def test_refused_with_maps(
    with_maps: Path, change: Change, key: str, named: str, word: str
) -> None:
    _refused(with_maps, change, key, named, word)


@pytest.mark.parametrize(
    ("change", "key", "named", "word"),
    [
        (_cut(T1), "patient.images.t1", T1, "truncated"),
        (_alter(T1, _four), "patient.images.t1", T1, "4-D"),
        (_alter(T1, _middle(np.nan)), "patient.images.t1", T1, "not finite"),
        (_alter(T1, _middle(np.inf)), "patient.images.t1", T1, "not finite"),
        (_alter(T1, np.zeros_like), "patient.images.t1", T1, "empty"),
        (_alter(T1, lambda d: d[:, :, 20:24]), "patient.images.t1", T1, "thick"),
        (_move(T1, 0, 300, 0), "patient.images.t1", T1, "overlap"),
        (_move(SEG, 14, -38, 24), "patient.images.t1", T1, "outside the brain"),
        (_edit("  images: {t1: t1.nii.gz}\n", ""), "patient.images.t1", "p.yaml", "neither"),
        (_edit("t1: t1", "flair: t1"), "patient.images.t1", "p.yaml", "neither"),
        (_edit("t1: t1", "t1: t2"), "patient.images.t1", "t2.nii.gz", "no such file"),
    ],
)
def test_refused_with_an_image(
    with_image: Path, change: Change, key: str, named: str, word: str
) -> None:
    _refused(with_image, change, key, named, word)


def test_swapped_masks_are_refused(with_image: Path) -> None:
    folder = with_image.parent
    image = nib.load(folder / SEG)
    labels = np.asarray(image.dataobj)
    head.save(folder / "big.nii.gz", (labels > 0).astype(np.uint8), image.affine)
    head.save(folder / "small.nii.gz", (labels == 4).astype(np.uint8), image.affine)
    text = with_image.read_text()
    old = "{path: seg.nii.gz, convention: brats}"
    good = text.replace(old, "{masks: {WT: big.nii.gz, TC: small.nii.gz}}")
    with_image.write_text(good)
    assert check_patient(with_image, {}).warnings == ()
    with_image.write_text(text.replace(old, "{masks: {WT: small.nii.gz, TC: big.nii.gz}}"))
    with pytest.raises(InputError, match="swapped") as caught:
        check_patient(with_image, {})
    assert caught.value.key == "patient.segmentation.masks.WT"


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda folder: None, None),
        (_alter(SEG, lambda d: d[..., None]), None),
        (_alter(SEG, lambda d: d.astype(np.float32) + np.float32(4e-4) * (d > 0)), None),
        (_alter(SEG, lambda d: np.where(d > 0, 2, 0).astype(np.int16)), "TC is empty"),
        (
            _alter(WM, lambda d: (255 * d).astype(np.uint8)),
            "patient.tissue.wm: the map is in 0-255",
        ),
        (_alter(WM, lambda d: np.where(d > 0, d, np.nan)), None),
        (_alter("csf.nii.gz", lambda d: np.minimum(d + 0.5, 1)), "add up to 1.5"),
        (_move(SEG, 1.0, 0.5, 0.25), None),
        (_alter(WM, lambda d: d[:, :, :24]), "field of view"),
    ],
)
def test_accepted_with_maps(with_maps: Path, change: Change, word: str | None) -> None:
    change(with_maps.parent)
    report = check_patient(with_maps, {})
    if word is not None:
        assert [w for w in report.warnings if word in w], report.warnings


@pytest.mark.parametrize(
    "change",
    [
        _alter(T1, lambda d: np.where(d > 0, d, np.nan)),
        _alter(T1, lambda d: np.where(d > 0, d, -1000)),
        _alter(T1, lambda d: d[..., None]),
        _alter(T1, lambda d: d[3:, :, 2:]),
        _edit("t1: t1", "t1c: t1"),
    ],
)
def test_accepted_with_an_image(with_image: Path, change: Change) -> None:
    change(with_image.parent)
    report = check_patient(with_image, {})
    assert report.tissue.startswith("patient.images.t1")


def test_a_two_dimensional_patient_with_maps_is_accepted(tmp_path: Path) -> None:
    affine, shape = head.ras(COARSE)
    file = head.write_patient(tmp_path, affine, shape)
    k = check_patient(file, {}).slice
    flat = affine.copy()
    flat[:3, 3] += k * affine[:3, 2]
    for name in ("seg", "wm", "gm", "csf"):
        data = np.asarray(nib.load(tmp_path / f"{name}.nii.gz").dataobj)[:, :, k]
        head.save(tmp_path / f"{name}.nii.gz", data, flat)
    report = check_patient(file, {})
    assert (report.plane, report.slice) == ("axial", 0)


def test_a_tumour_that_the_maps_leave_empty_is_accepted(with_maps: Path) -> None:
    labels = np.asarray(nib.load(with_maps.parent / SEG).dataobj)
    for name in ("wm", "gm", "csf"):
        _alter(f"{name}.nii.gz", lambda d: np.where(labels > 0, 0, d))(with_maps.parent)
    assert check_patient(with_maps, {}).warnings == ()


def test_the_report_is_json(with_maps: Path, tmp_path: Path) -> None:
    write_json(tmp_path / "check.json", check_patient(with_maps, {}))
    found = read_json(tmp_path / "check.json")
    assert found["patient"] == "head1"
    assert found["warnings"] == []
    assert found["volumes_ml"]["WT"] > found["volumes_ml"]["TC"] > 1.0


def test_faults_of_the_settings_are_named(with_maps: Path) -> None:
    with_maps.write_text(with_maps.read_text() + "slice: {index: 999}\n")
    with pytest.raises(InputError, match="outside the segmentation") as caught:
        check_patient(with_maps, {})
    assert caught.value.key == "slice.index"


def test_a_real_patient_is_accepted(data_dir: Path, tmp_path: Path) -> None:
    folder = data_dir / "patients" / "TCIA01201"
    file = tmp_path / "p.yaml"
    file.write_text(
        'patient:\n  id: "TCIA01201"\n'
        f"  segmentation: {{path: {folder}/seg.nii.gz, convention: brats}}\n"
        f"  images: {{t1: {folder}/t1.nii.gz}}\n"
    )
    report = check_patient(file, {})
    assert report.warnings == ()
    assert report.volumes_ml["WT"] == pytest.approx(155, abs=1)
    assert report.volumes_ml["TC"] == pytest.approx(71, abs=1)


def test_a_folder_of_results_that_is_not_the_command_s_is_named(with_maps: Path) -> None:
    with_maps.write_text(with_maps.read_text() + "output: {root: elsewhere}\n")
    (warning,) = check_patient(with_maps, {}).warnings
    assert warning.startswith("output.root: counts only where")
    assert "elsewhere" not in warning
    assert check_patient(with_maps, {"output": {"root": "elsewhere"}}).warnings == ()


@pytest.mark.parametrize(
    ("fit", "named"),
    [
        ({}, []),
        ({"lifts": ["char"]}, ["fit.lifts"]),
        ({"pinn_weights": [1e-3]}, ["fit.pinn_weights"]),
        ({"pinn_weights": [1e-3], "comparison": True}, []),
    ],
)
def test_settings_of_a_comparison_that_nobody_asks_for_are_remarked(
    with_maps: Path, fit: dict[str, object], named: list[str]
) -> None:
    remarks = check_patient(with_maps, {"fit": fit}).warnings
    found = [text for text in remarks if "belongs to the comparison" in text]
    assert [text.split(":")[0] for text in found] == named
    assert all("`snakemake compare`, or fit.comparison: true" in text for text in found)
