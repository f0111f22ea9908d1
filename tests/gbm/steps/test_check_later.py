"""What plans and DICOM objects need is judged by `check`, before anything long runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from gbm.config.errors import InputError
from gbm.steps.check import check_patient
from tests.gbm import head


@pytest.fixture
def described(tmp_path: Path) -> Callable[[np.ndarray, float], Path]:
    """A patient with a recurrence of a value on the segmentation's grid, moved by mm."""
    file = head.write_patient(tmp_path, *head.ras((3.0, 3.0, 3.0)))

    def describe(value: int, moved: float) -> Path:
        seg = nib.load(tmp_path / "seg.nii.gz")
        affine = seg.affine.copy()
        affine[0, 3] += moved
        mask = np.full(seg.shape, value, np.uint8)
        nib.save(nib.Nifti1Image(mask, affine), tmp_path / "rec.nii.gz")
        own = tmp_path / "own.yaml"
        own.write_text(file.read_text() + "recurrence: {mask: rec.nii.gz}\n")
        return own

    return describe


@pytest.mark.parametrize("value", [0, 1])
def test_a_recurrence_elsewhere_is_refused(
    described: Callable[[int, float], Path], value: int
) -> None:
    file = described(value, 400.0)
    with pytest.raises(InputError, match="its grid does not overlap") as told:
        check_patient(file, {"dimensions": 3})
    assert told.value.key == "patient.recurrence.mask"
    assert told.value.file == file.parent / "rec.nii.gz"


def test_an_empty_one_is_remarked_with_file_and_key(
    described: Callable[[int, float], Path],
) -> None:
    report = check_patient(described(0, 0.0), {"dimensions": 3})
    (remark,) = [w for w in report.warnings if "recurrence" in w]
    assert remark == (
        "patient.recurrence.mask: the mask of rec.nii.gz is empty: every plan covers it"
    )
    assert "patient.recurrence.mask" not in report.files


def test_one_that_sticks_out_is_remarked(described: Callable[[int, float], Path]) -> None:
    report = check_patient(described(1, 30.0), {"dimensions": 3})
    assert any("of it lie outside the grid of the segmentation" in w for w in report.warnings)
