"""The command line: exit status, streams, and files that can be used at once."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path

import numpy as np
import pytest

from gbm.__main__ import main
from gbm.config.loading import load_patient
from tests.gbm import head


@pytest.fixture
def patient(tmp_path: Path) -> Path:
    return head.write_patient(tmp_path, *head.ras((2.0, 2.0, 2.0)))


def test_a_good_patient_exits_with_0(patient: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "gbm", "check", str(patient)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "head1" in done.stdout
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("dimensions", "said"), [(2, ", axial slice "), (3, ", the whole tumour, WT ")]
)
def test_check_says_what_is_fitted(
    patient: Path, capsys: pytest.CaptureFixture[str], dimensions: int, said: str
) -> None:
    patient.write_text(patient.read_text() + f"dimensions: {dimensions}\n")
    assert main(["check", str(patient)]) == 0
    assert said in capsys.readouterr().out


def test_a_faulty_patient_exits_with_1_and_no_traceback(patient: Path) -> None:
    (patient.parent / "wm.nii.gz").unlink()
    done = subprocess.run(
        [sys.executable, "-m", "gbm", "check", str(patient)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "patient.tissue.wm" in done.stderr
    assert str(patient.parent / "wm.nii.gz") in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) <= 2


def test_the_installed_command_is_this_one(repository: Path) -> None:
    project = tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert EntryPoint("gbm", project["scripts"]["gbm"], "console_scripts").load() is main


@pytest.mark.parametrize(
    ("called", "name"), [("/usr/bin/gbm", "gbm"), ("/lib/gbm/__main__.py", "python -m gbm")]
)
def test_the_usage_is_what_was_typed(
    called: str, name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", [called])
    with pytest.raises(SystemExit, match="2"):
        main(["check"])
    assert f"usage: {name} check [-h]" in capsys.readouterr().err


def test_remarks_are_lines_of_warning(patient: Path, capsys: pytest.CaptureFixture[str]) -> None:
    affine, shape = head.ras((2.0, 2.0, 2.0))
    white = head.tissue(head.world(affine, shape))["wm"]
    head.save(patient.parent / "wm.nii.gz", (255 * white).astype(np.uint8), affine)
    assert main(["check", str(patient)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if line.startswith("warning: patient.tissue.wm: ")]


def test_one_bad_file_does_not_hide_another(
    patient: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = patient.parent / "missing.yaml"
    assert main(["check", str(missing), str(patient)]) == 1
    said = capsys.readouterr()
    assert str(missing) in said.err
    assert "ok: " in said.out


OLD, NEW = ("_seg", "_t1", "_t1ce", "_flair", "_t2"), ("-seg", "-t1n", "-t1c", "-t2f", "-t2w")
NAMES = {
    "HGG/Brats18_TCIA01_201_1": (OLD, ".nii.gz", (1, 2, 4)),
    "LGG/BraTS19_TCIA09_141_1": (OLD, ".nii.gz", (1, 2)),
    "BraTS20_Training_001": (OLD, ".nii", (1, 2, 4)),
    "BraTS20_Training_355": (("W39_1998.09.19_Segm", *OLD[1:]), ".nii", (1, 2, 4)),
    "BraTS2021_00000": (OLD, ".nii.gz", (1, 2, 4)),
    "BraTS-GLI-00002-000": (NEW, ".nii.gz", (1, 2, 3)),
    "plain": (("seg", "t1", "t1c", "flair", "t2"), ".nii.gz", (1, 3, 4)),
}
"""Folders as BraTS named them in 2018 to 2023 (with the one misnamed file of 2020), and labels."""


def _brats(root: Path) -> None:
    for folder, (ends, suffix, labels) in NAMES.items():
        for end in ends:
            name = end if end[0] not in "_-" else Path(folder).name + end
            data = np.ones((4, 4, 4), np.int16)
            if end == ends[0]:
                data = np.resize(np.array((0, *labels), np.int16), data.shape)
            head.save(root / folder / f"{name}{suffix}", data, np.eye(4))
    head.save(root / "incomplete" / "a_t1.nii.gz", np.ones((4, 4, 4), np.int16), np.eye(4))


def test_init_writes_a_file_for_every_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _brats(tmp_path / "data")
    out = tmp_path / "deep" / "cohort"
    assert main(["init", "--brats", str(tmp_path / "data"), "--out", str(out)]) == 0
    files = sorted(out.glob("*.yaml"))
    assert {f.stem for f in files} == {
        Path(f).name.replace("_", "").replace("-", "") for f in NAMES
    }
    for file in files:
        found = load_patient(file)
        assert found.id == file.stem
        assert found.segmentation.convention is not None
        assert set(found.paths()) == {
            "patient.segmentation.path",
            *(f"patient.images.{name}" for name in ("t1", "t1c", "flair", "t2")),
        }
        assert all(path.is_file() for path in found.paths().values())
        images = found.images
        assert images.t1 is not None
        assert images.t1c is not None
        assert images.t1.name.split(".")[0].endswith(("t1", "t1n"))
        assert images.t1c.name.split(".")[0].endswith(("t1ce", "t1c"))
    said = capsys.readouterr()
    assert "incomplete" in said.err
    stated = {
        "BraTS20Training355": "labels 1, 2, 4: BraTS 2017 to 2021",
        "BraTSGLI00002000": "labels 1, 2, 3: BraTS 2023",
        "BraTS19TCIA091411": "labels 1, 2: BraTS 2017 to 2021 or BraTS 2023",
        "plain": "labels 1, 3, 4: GliODIL",
    }
    for name, text in stated.items():
        assert f"{name}.yaml ({text})\n" in said.out
        assert f"  # {text}\n" in (out / f"{name}.yaml").read_text()
    regions = load_patient(out / "plain.yaml").segmentation.convention
    assert regions is not None
    assert set(regions.TC) == {1, 4}


@pytest.mark.parametrize(
    ("labels", "files", "told"),
    [
        ((1, 2, 3, 4), 0, "its labels 1, 2, 3, 4 are those of no known set"),
        ((1, 2, 7), 0, "its labels 1, 2, 7 are those of no known set"),
        ((1, 4), 1, "labels 1, 4 could also be those of GliODIL; taken as BraTS 2017 to 2021"),
        ((0.5, 1), 1, "holds values that are no integers"),
    ],
)
def test_init_tells_labels_it_cannot_place(
    labels: tuple[float, ...],
    files: int,
    told: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    values = np.resize(np.array((0, *labels), np.float32), (4, 4, 4))
    head.save(tmp_path / "data/a/a_seg.nii.gz", values, np.eye(4))
    head.save(tmp_path / "data/a/a_t1.nii.gz", values, np.eye(4))
    out = tmp_path / "cohort"
    assert main(["init", "--brats", str(tmp_path / "data"), "--out", str(out)]) == 0
    assert told in capsys.readouterr().err
    assert len(list(out.glob("*.yaml"))) == files


def test_init_keeps_files_that_were_edited(tmp_path: Path) -> None:
    _brats(tmp_path / "data")
    words = ["init", "--brats", str(tmp_path / "data"), "--out", str(tmp_path / "cohort")]
    assert main(words) == 0
    edited = tmp_path / "cohort" / "plain.yaml"
    edited.write_text("mine")
    assert main(words) == 0
    assert edited.read_text() == "mine"


def test_init_mixes_no_patients(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Images of several patients in one folder: which belong together, no name tells for sure."""
    _brats(tmp_path / "data")
    for name in ("p01_seg", "p02_seg", "p02_t1"):
        head.save(tmp_path / f"data/flat/{name}.nii.gz", np.ones((4, 4, 4), np.int16), np.eye(4))
    out = tmp_path / "cohort"
    assert main(["init", "--brats", str(tmp_path / "data"), "--out", str(out)]) == 0
    assert "data/flat: left out, more than one image is called seg" in capsys.readouterr().err
    assert not (out / "flat.yaml").exists()


def test_init_writes_where_it_can(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "cohort").touch()
    assert main(["init", "--brats", str(tmp_path), "--out", str(tmp_path / "cohort")]) == 1
    assert f"error: {tmp_path}/cohort: --out: is no folder" in capsys.readouterr().err


def test_init_finds_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for folder in (tmp_path, tmp_path / "none"):
        assert main(["init", "--brats", str(folder), "--out", str(tmp_path / "c")]) == 1
        assert str(folder) in capsys.readouterr().err
    assert not (tmp_path / "c").exists()
