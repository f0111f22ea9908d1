"""Which patients a command means, and what it refuses before anything runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from gbm.config.errors import InputError
from gbm.config.patient_list import patient_in, roster


def _write(folder: Path, name: str, patient_id: str, extra: str = "") -> Path:
    file = folder / name
    file.write_text(
        f"patient:\n  id: {patient_id}\n"
        "  segmentation: {path: s.nii.gz, convention: brats}\n  images: {t1: t1.nii.gz}\n" + extra
    )
    return file


def test_globs_and_lists_of_globs(tmp_path: Path) -> None:
    for name in ("b", "a"):
        _write(tmp_path, f"{name}.yaml", f'"{name}"')
    (tmp_path / "more").mkdir()
    _write(tmp_path / "more", "c.yaml", '"c"')
    assert list(roster("*.yaml", [tmp_path])) == ["a", "b"]
    assert list(roster(["more/*.yaml", "a.yaml", "*.yaml"], [tmp_path])) == ["c", "a", "b"]
    assert list(roster("**/*.yaml", [tmp_path])) == ["a", "b", "c"]


def test_folders_are_tried_in_order(tmp_path: Path) -> None:
    _write(tmp_path, "a.yaml", '"a"')
    empty = tmp_path / "empty"
    empty.mkdir()
    assert list(roster("a.yaml", [empty, tmp_path])) == ["a"]


def test_no_match_is_refused(tmp_path: Path) -> None:
    _write(tmp_path, "a.yaml", '"a"')
    with pytest.raises(InputError, match=r"patients: no patient file matches 'nowhere/\*.yaml'"):
        roster(["a.yaml", "nowhere/*.yaml"], [tmp_path])


@pytest.mark.parametrize("patterns", [None, [], 3, [1], {"a": 1}])
def test_what_is_no_glob_is_refused(patterns: object, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="patients: must be a glob"):
        roster(patterns, [tmp_path])


def test_duplicate_ids_are_refused_with_both_files(tmp_path: Path) -> None:
    _write(tmp_path, "a.yaml", '"same"')
    _write(tmp_path, "b.yaml", '"same"')
    with pytest.raises(InputError, match=r"b\.yaml: the id 'same' is also that of .*a\.yaml"):
        roster("*.yaml", [tmp_path])


def test_duplicate_ids_are_found_in_faulty_files_too(tmp_path: Path) -> None:
    _write(tmp_path, "a.yaml", '"same"')
    _write(tmp_path, "b.yaml", '"same"', "  imagse: {}\n")
    with pytest.raises(InputError, match="the id 'same'"):
        roster("*.yaml", [tmp_path])


@pytest.mark.parametrize(
    "content",
    [
        "patient:\n  id: '../../etc'\n",
        "patient: {id: [1]}\n",
        "patient: 3\n",
        "nothing: here\n",
        ": : :\n  - ]",
        "",
    ],
)
def test_faulty_files_get_a_harmless_name(content: str, tmp_path: Path) -> None:
    (tmp_path / "p-01 (new).yaml").write_text(content)
    _write(tmp_path, "other.yaml", '"p01new"')
    found = roster("*.yaml", [tmp_path])
    assert sorted(found) == ["p01new", "p01newx2"]
    assert found["p01newx2"].images == {}


def test_the_last_file_with_a_patient_wins(tmp_path: Path) -> None:
    first, second = _write(tmp_path, "a.yaml", '"a"'), _write(tmp_path, "b.yaml", '"b"')
    (tmp_path / "config.yaml").write_text("patients: x\n")
    assert patient_in([tmp_path / "config.yaml"]) is None
    assert patient_in([first, second, tmp_path / "config.yaml"]) == second
