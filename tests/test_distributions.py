"""Wheel and sdist: the files they hold, and a wheel that works, and stays as it is, anywhere."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.workflow.phantom import write

pytestmark = pytest.mark.slow

IN_SDIST = ("bilo", "gbm", "benchmarks", "workflow", "tests", "docs", ".ci", ".github")
BESIDE = (
    "Snakefile", "config.yaml", "pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md",
    "CONTRIBUTING.md", "SECURITY.md", "CITATION.cff", ".gitignore", ".pre-commit-config.yaml",
    "mkdocs.yml", "Dockerfile", "apptainer.def",
)  # fmt: skip
OF_EXPERIMENTS = {
    "workflow/rules/benchmarks.smk", "workflow/rules/experiments.smk",
    "workflow/envs/benchmarks.yaml", "workflow/schemas/generate.py",
}  # fmt: skip
"""Of `workflow`, what only a clone needs."""


def _sources(repository: Path, *folders: str) -> set[str]:
    """Files of some folders, but for what Python and tools leave there."""
    return {
        path.relative_to(repository).as_posix()
        for folder in folders
        for path in (repository / folder).rglob("*")
        if path.is_file() and not any(part.startswith("__pycache__") for part in path.parts)
    }


def _run(*words: str | Path, folder: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """A program outside the clone, which nothing leads back to."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(
        [str(word) for word in words],
        cwd=folder, env={**kept, "XDG_CACHE_HOME": str(folder / ".cache"), **more},
        capture_output=True, text=True, check=False, timeout=1200,
    )  # fmt: skip


@pytest.fixture(scope="module")
def built(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Both distributions, the wheel made from the sdist."""
    out = tmp_path_factory.mktemp("dist")
    done = _run(sys.executable, "-m", "build", "--outdir", out, repository, folder=out)
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,), (sdist,) = out.glob("*.whl"), out.glob("*.tar.gz")
    return {"wheel": wheel, "sdist": sdist}


def test_the_sdist_holds_the_clone(repository: Path, built: dict[str, Path]) -> None:
    with tarfile.open(built["sdist"]) as archive:
        names = {name.split("/", 1)[1] for name in archive.getnames()}
    assert names == _sources(repository, *IN_SDIST) | {*BESIDE, "PKG-INFO"}


def test_the_wheel_holds_the_packages_and_the_workflow(
    repository: Path, built: dict[str, Path]
) -> None:
    with zipfile.ZipFile(built["wheel"]) as archive:
        names = set(archive.namelist())
    about = {name for name in names if ".dist-info/" in name}
    workflow = _sources(repository, "workflow") - OF_EXPERIMENTS | {"Snakefile", "config.yaml"}
    piped = {f"gbm/pipeline/{name}" for name in workflow}
    assert names - about == _sources(repository, "bilo", "gbm") | piped
    assert {re.sub(r".*\.dist-info/", "", name) for name in about} == {
        "METADATA", "WHEEL", "RECORD", "entry_points.txt",
        "licenses/LICENSE", "licenses/gbm/report/vendor/LICENSE.txt",
    }  # fmt: skip
    assert {"bilo/py.typed", "gbm/py.typed"} <= names


@pytest.fixture(scope="module")
def installed(built: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh environment with the wheel, which nobody may write to.

    The dependencies are those of this environment: one of its own would be gigabytes.
    """
    environment = tmp_path_factory.mktemp("fresh") / "venv"
    made = [sys.executable, "-m", "venv", "--without-pip", environment]
    assert _run(*made, folder=environment.parent).returncode == 0
    (site,) = environment.glob("lib/python*/site-packages")
    pip = [sys.executable, "-m", "pip", "--python", environment / "bin/python", "install"]
    done = _run(*pip, "--no-deps", built["wheel"], folder=environment.parent)
    assert done.returncode == 0, done.stderr
    ours = [path for path in map(Path, sys.path) if path.name == "site-packages"]
    (site / "dependencies.pth").write_text("".join(f"{path}\n" for path in ours))
    assert _run("chmod", "-R", "a-w", site, folder=environment.parent).returncode == 0
    return environment


def _state(folder: Path) -> dict[str, str]:
    """Every file, folder and link with its content: root may write whatever its mode says."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        if path.is_file()
        else "folder"
        for path in sorted(folder.rglob("*"))
    }


@pytest.fixture
def untouched(installed: Path) -> Iterator[Path]:
    """The environment; whatever a test does with it, it stays as it was."""
    before = _state(installed)
    yield installed / "bin/gbm"
    assert _state(installed) == before


def test_the_installed_package_is_what_runs(untouched: Path, tmp_path: Path) -> None:
    code = "import gbm, bilo, sys; print(gbm.__file__, bilo.__file__)"
    done = _run(untouched.parent / "python", "-c", code, folder=tmp_path)
    assert done.stdout.count(str(untouched.parents[1])) == 2, done.stdout + done.stderr


@pytest.mark.parametrize("command", [[], ["demo"], ["run"], ["init"], ["check"], ["report"]])
def test_it_says_what_there_is(untouched: Path, tmp_path: Path, command: list[str]) -> None:
    done = _run(untouched, *command, "--help", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("usage: gbm")


def test_the_demo_is_planned_and_its_files_go_where_the_results_go(
    untouched: Path, tmp_path: Path
) -> None:
    done = _run(untouched, "demo", "--dry-run", "--out", "here", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("demo: demo, check, register")
    made = ["here/demo/seg.nii.gz", "here/gbm/work/sub-demo/check.json"]
    snakefile = next(untouched.parents[1].glob("lib/python*/site-packages/gbm/pipeline/Snakefile"))
    words = ("-m", "snakemake", "-s", snakefile, "--cores", "1", *made)
    done = _run(
        untouched.parent / "python", *words, "--config", "output={root: here}", folder=tmp_path
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert {path.name for path in (tmp_path / "here/demo").iterdir()} == {
        "demo.yaml", "seg.nii.gz", "t1.nii.gz", "t1c.nii.gz",
    }  # fmt: skip
    checked = (tmp_path / made[1]).read_text()
    assert str(tmp_path / "here/demo/t1.nii.gz") in checked


def test_a_patient_is_checked(untouched: Path, tmp_path: Path) -> None:
    file = write(tmp_path, "p01")
    done = _run(untouched, "check", file, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].startswith(f"ok: {file}: p01, axial slice ")


def test_a_patient_is_run_to_the_end(untouched: Path, tmp_path: Path) -> None:
    """By the direct fit: torch and the C kernel have nothing to do with where files go."""
    write(tmp_path, "p01")
    words = ("run", "p01.yaml", "--set", "fit.method=direct", "--set", "uncertainty.enabled=false")
    done = _run(untouched, *words, folder=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    pages = ["results/gbm/sub-p01.html", "results/gbm/cohort.html"]
    assert done.stdout.splitlines() == pages
    for script in untouched.parents[1].glob("lib/**/gbm/pipeline/workflow/scripts/*.py"):
        script.touch()  # as another installation of the same would
    again = _run(untouched, *words, folder=tmp_path)
    assert again.returncode == 0
    assert again.stdout.splitlines()[0].startswith("there is nothing to do")
    before = [_undated(tmp_path / page) for page in pages]
    (tmp_path / pages[0]).unlink()
    (tmp_path / pages[1]).write_text("altered")
    report = _run(untouched, "report", "results", folder=tmp_path)
    assert (report.returncode, report.stdout.splitlines()) == (0, pages), report.stderr
    assert [_undated(tmp_path / page) for page in pages] == before
    planned = _run(untouched, *words, "--dry-run", folder=tmp_path)
    assert planned.stdout.splitlines()[0] == "p01: nothing to do"


def _undated(page: Path) -> str:
    return re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d", "", page.read_text())
