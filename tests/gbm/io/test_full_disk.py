"""No room, or no permission: it is said in a line, and what was there before stays whole."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gbm.config.errors import InputError
from gbm.config.writable import require_writable

STEP = """
import resource, sys
from pathlib import Path
import numpy as np
from gbm.io.files import write_json, write_npz
from gbm.io.job_log import step
from gbm.io.nifti import write_volume
from gbm.io.volumes import Volume

kind, folder = sys.argv[1], Path(sys.argv[2])
noise = np.random.default_rng(0).random((20, 20, 20))


def write_safetensors(path):
    import torch  # by this one alone: it takes a second
    from bilo.training.checkpoint import save

    save(path, {"noise": torch.from_numpy(noise)})


writers = {
    "json": lambda path: write_json(path, noise),
    "npz": lambda path: write_npz(path, noise=noise),
    "nii.gz": lambda path: write_volume(path, Volume(noise, np.eye(4))),
    "safetensors": write_safetensors,
    "log": lambda path: print("a line\\n" * 9999) or 1 / 0,
}
# Files may grow to 2 kB: the system refuses what goes beyond as it does on a full disk.
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
with step(folder / "step.log"):
    print("begun")
    writers[kind](folder / f"a.{kind}")
"""


@pytest.mark.parametrize("kind", ["json", "npz", "nii.gz", "safetensors", "log"])
def test_a_full_disk_ends_a_step_in_plain_words(kind: str, tmp_path: Path) -> None:
    old = tmp_path / f"a.{kind}"
    old.write_text("of an earlier run")
    done = subprocess.run(
        [sys.executable, "-c", STEP, kind, str(tmp_path)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1, done.stderr
    line = done.stderr.strip()
    assert line.startswith("error: OSError: ")
    assert "File too large" in line
    if kind != "log":
        assert str(old) in line
        assert (tmp_path / "step.log").read_text().startswith("begun\n")
    assert old.read_text() == "of an earlier run"
    assert {path.name for path in tmp_path.iterdir()} == {old.name, "step.log"}


def test_a_folder_that_can_be_made_is_fine(tmp_path: Path) -> None:
    require_writable(tmp_path / "new" / "results", "output.root")
    assert not (tmp_path / "new").exists()


def test_a_file_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "results").write_text("")
    for wanted in (tmp_path / "results", tmp_path / "results" / "deep" / "er"):
        with pytest.raises(InputError, match=r"output\.root: is no folder") as caught:
            require_writable(wanted, "output.root")
        assert caught.value.file == tmp_path / "results"


def test_a_link_to_nowhere_is_named(tmp_path: Path) -> None:
    (tmp_path / "results").symlink_to(tmp_path / "gone")
    with pytest.raises(InputError, match="is no folder"):
        require_writable(tmp_path / "results", "output.root")


def test_a_folder_without_permission_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The system's answer is stood in for: those who run tests as root may write everywhere."""
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != tmp_path)
    with pytest.raises(InputError, match="cannot be written to") as caught:
        require_writable(tmp_path / "new", "output.root")
    assert caught.value.file == tmp_path
