"""The README tells the truth: its commands exist, parse, and the files it names are there."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from gbm.config import load_patient

README = Path(__file__).resolve().parent.parent / "README.md"
PATIENT = """\
patient:
  id: "p01"
  segmentation: {path: seg.nii.gz, convention: brats}
  images: {t1: t1.nii.gz}
"""


def _blocks(language: str) -> list[str]:
    text = README.read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def _commands(program: str) -> list[str]:
    lines = [line.strip() for block in _blocks("bash") for line in block.splitlines()]
    return [line for line in lines if line.startswith(program)]


def test_two_commands_set_everything_up() -> None:
    text = README.read_text(encoding="utf-8")
    assert "pip install -e . && snakemake --cores all\n" in text
    assert 'pip install -e ".[test]" && pytest\n' in text


@pytest.mark.parametrize("command", _commands("snakemake"))
def test_workflow_commands_plan_their_jobs(command: str, repository: Path, tmp_path: Path) -> None:
    (tmp_path / "cohort").mkdir()
    (tmp_path / "cohort" / "p01.yaml").write_text(PATIENT)
    words = [word for word in shlex.split(command, comments=True) if word != "--use-conda"]
    done = subprocess.run(
        [sys.executable, "-m", *words, "-n", "-q", "-s", str(repository / "Snakefile")],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("command", _commands("python -m"))
def test_python_commands_exist(command: str) -> None:
    module, *arguments = shlex.split(command, comments=True)[2:]
    done = subprocess.run(
        [sys.executable, "-m", module, arguments[0], "--help"],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr


def test_the_patient_file_is_valid(tmp_path: Path) -> None:
    (block,) = _blocks("yaml")
    file = tmp_path / "p01.yaml"
    file.write_text(block)
    assert load_patient(file).id == "p01"
    uncommented = re.sub(r"^(\s*)# ", r"\1", block, flags=re.MULTILINE)
    file.write_text(uncommented)
    assert load_patient(file).tissue.given
