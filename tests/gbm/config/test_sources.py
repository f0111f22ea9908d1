"""Images of a patient file as files, folders and series; what stands beside them."""

from __future__ import annotations

from pathlib import Path

import pytest

from gbm.config.errors import InputError, public_name
from gbm.config.loading import load_patient, load_settings
from gbm.config.settings import GrowthRunSettings, Settings
from gbm.config.source import Source

PATIENT = 'patient:\n  id: "p1"\n  segmentation: {path: seg.nii.gz, convention: brats}\n'


def _file(folder: Path, more: str) -> Path:
    file = folder / "p1.yaml"
    file.write_text(PATIENT + more)
    return file


def test_a_folder_may_be_named_with_its_series(tmp_path: Path) -> None:
    (tmp_path / "scan").mkdir()
    images = '{t1: {path: study, series: "1.2.3"}, t1c: {path: scan}, flair: f.nii.gz}'
    found = load_patient(_file(tmp_path, f"  images: {images}\n"))
    sources = {key.rsplit(".", 1)[1]: source for key, source in found.sources().items()}
    assert sources["t1"] == Source("patient.images.t1", tmp_path / "study", "1.2.3")
    assert [sources[name].dicom for name in ("t1", "t1c", "flair", "path")] == [
        True, True, False, False
    ]  # fmt: skip
    # the T1c counts before the T1
    assert found.reference() == sources["t1c"]


@pytest.mark.parametrize("inside", [True, False])
def test_a_recurrence_stands_inside_the_patient_or_beside(tmp_path: Path, inside: bool) -> None:
    file = _file(tmp_path, f"{'  ' * inside}recurrence: {{mask: rec.nii.gz}}\n")
    found = load_patient(file)
    assert found.later() == {
        "patient.recurrence.mask": Source("patient.recurrence.mask", tmp_path / "rec.nii.gz")
    }
    # nothing that the growth depends on
    assert "patient.recurrence.mask" not in found.sources()
    assert load_settings({}, file) == Settings()


def test_but_not_in_both_and_not_in_a_file_without_a_patient(tmp_path: Path) -> None:
    both = "  recurrence: {mask: a.nii}\nrecurrence: {mask: b.nii}\n"
    with pytest.raises(InputError, match="stands inside patient, too"):
        load_patient(_file(tmp_path, both))
    with pytest.raises(InputError, match="unknown key"):
        load_settings({"recurrence": {"mask": "a.nii"}})


def test_no_result_of_the_growth_holds_the_plan() -> None:
    assert set(Settings.model_fields) - set(GrowthRunSettings.model_fields) == {"plan"}
    with pytest.raises(InputError, match=r"plan\.ctv_margin_mm: should be greater than 0"):
        load_settings({"plan": {"ctv_margin_mm": 0}})


def test_logs_call_dicom_by_a_digest(tmp_path: Path) -> None:
    folder = tmp_path / "Doe_Jane"
    folder.mkdir()
    for path in (folder, tmp_path / "Doe_Jane.dcm", tmp_path / "Doe_Jane.IMA", tmp_path / "IM0"):
        assert "Doe" not in public_name(path)
        assert public_name(path).startswith("DICOM input ")
        assert str(path) in str(InputError("is no image", file=path))
    assert public_name(tmp_path / "t1.nii.gz") == "t1.nii.gz"
