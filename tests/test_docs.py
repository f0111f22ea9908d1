"""The documents tell the truth: every block of commands, of settings and of code in them is run.

Each line of a bash block is a command; `RUN` says how a program's lines are run here. A line of
another program, or a block in another language, fails. Tutorials, whose blocks follow one another,
are run by test_tutorials.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

import bilo
import gbm
from benchmarks.results.store import path_of
from benchmarks.runs import archive, code, parts
from gbm.config.loading import load_patient
from gbm.io.cohort_layout import CohortLayout
from gbm.io.files import write_json
from gbm.steps import cohort
from tests.benchmarks import made
from tests.tutorials import BLOCK, FOLDER
from tests.workflow.phantom import write

REPOSITORY = Path(__file__).resolve().parent.parent
PAGES = [REPOSITORY / f"{name}.md" for name in ("README", "CONTRIBUTING", "SECURITY")]
PAGES += sorted(set((REPOSITORY / "docs").rglob("*.md")) - set(FOLDER.glob("*.md")))
TUTORIALS = sorted(FOLDER.glob("*.md"))
LANGUAGES = {"bash", "yaml", "python"}


def _blocks(page: Path, language: str = r"\w*") -> list[str]:
    text = page.read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def _commands() -> list[str]:
    """All commands, each once, in the order of the pages; `a && b` are two."""
    lines = [
        line
        for page in PAGES
        for block in _blocks(page, "bash")
        for line in block.splitlines()
        if line.strip()
    ]
    parts = [part.strip() for line in lines for part in re.sub(r"\s#.*$", "", line).split("&&")]
    # experiments differ in the target alone: one dry run plans them all
    planned = "snakemake --cores all bench"
    others = [part for part in parts if not part.startswith(planned)]
    targets = [part.split()[-1] for part in parts if part.startswith(planned)]
    return list(dict.fromkeys([*others, " ".join(["snakemake --cores all", *targets])]))


def _python(words: list[str], folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
    )
    assert done.returncode == 0, done.stdout + done.stderr


def _plan(words: list[str], folder: Path) -> None:
    """A dry run; the wiring of --use-conda has a test of its own in test_environments."""
    if words == ["snakemake", "--lint"]:
        return _in_ci(words, folder)
    kept = [word for word in words if word != "--use-conda"]
    return _python([kept[0], "-n", "-q", "-s", str(REPOSITORY / "Snakefile"), *kept[1:]], folder)


def _dry(words: list[str], folder: Path) -> None:
    """The steps of a command; those of `gbm` itself are run in tests/gbm/command."""
    _python([*words, "--dry-run"], folder)


def _extras(words: list[str], folder: Path) -> None:
    """An installation of this folder with extras that exist; .ci/run makes one for real."""
    assert words[:3] == ["pip", "install", "-e"]
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    known = set(project["optional-dependencies"])
    target = re.fullmatch(r"\.(?:\[([\w,]+)\])?", words[3])
    assert target is not None
    assert set((target[1] or "test").split(",")) <= known


def _collect(words: list[str], folder: Path) -> None:
    """The options of pytest hold; the tests themselves are what runs now."""
    some = [str(REPOSITORY / name) for name in ("tests/test_imports.py", "tests/slurm")]
    _python([*words, "--collect-only", "-q", *some], REPOSITORY)


def _of_a_recipe(words: list[str], folder: Path) -> None:
    """Stages, files and images that exist; tests/containers carries the steps out."""
    lines = [command.split() for command in _commands()]
    built = {line[line.index("-t") + 1] for line in lines if line[:2] == ["docker", "build"]}
    built |= {line[2] for line in lines if line[:2] == ["apptainer", "build"]}
    match words:
        case ["docker", "build", "--target", stage, "-t", _, "."]:
            assert f" AS {stage}\n" in (REPOSITORY / "Dockerfile").read_text()
        case ["apptainer", "build", _, recipe]:
            assert (REPOSITORY / recipe).is_file()
        case ["docker", "push", image] | ["apptainer", "run", image, *_]:
            assert image in built
        case ["docker", "run", *options]:
            assert built & set(options)
        case _:
            raise AssertionError(words)


def _in_ci(words: list[str], folder: Path) -> None:
    """Run by continuous integration, where a formatter only checks."""
    script = (REPOSITORY / ".ci/run").read_text().replace(" --check", "")
    assert re.search(rf"^{re.escape(' '.join(words))}$", script, re.MULTILINE)


RUN: dict[str, Callable[[list[str], Path], None]] = {
    "snakemake": _plan,
    "python -m": lambda words, folder: _python(words[2:], folder),
    "gbm run": _dry,
    "gbm demo": _dry,
    "gbm": _python,
    "pip install": _extras,
    "pytest": _collect,
    "docker": _of_a_recipe,
    "apptainer": _of_a_recipe,
    "ruff": _in_ci,
    "snakefmt": _in_ci,
    "mypy": _in_ci,
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a user would type the commands: two patients, one of them in a BraTS-style folder, and
    results of an experiment and of a command."""
    user = tmp_path_factory.mktemp("user")
    p01 = write(user / "cohort", "p01")
    cohort.run(CohortLayout(user / "results/gbm"), {"p01": p01}, {"p01": ["check"]})
    write(user / "DIR/p02", "p02").unlink()
    (user / "DIR/p02/p02_wm.nii.gz").rename(user / "DIR/p02/p02_t1.nii.gz")
    (user / "workflow").symlink_to(REPOSITORY / "workflow")
    made.write(user / "results/benchmarks", [made.result("bilo", 0, 0.0, 0.01)])
    run, *_ = parts.runs("poisson_scalar")
    kept = made.result("bilo", 0, 0.0, 0.01, {"D": 2.0}, experiment=run.experiment)
    write_json(path_of(run, user / archive.ROOT), kept | {"code": code.of(run)})
    return user


@pytest.mark.parametrize("command", _commands())
def test_a_command_runs(command: str, folder: Path) -> None:
    how = [run for program, run in RUN.items() if f"{command} ".startswith(f"{program} ")]
    assert how, f"no way to run this is listed: {command}"
    how[0](shlex.split(command), folder)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_block_is_in_a_language_that_nothing_runs(page: Path) -> None:
    fences = re.findall(r"^```(.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    assert set(fences[::2]) <= LANGUAGES
    assert set(fences[1::2]) <= {""}


@pytest.mark.parametrize("page", TUTORIALS, ids=lambda page: page.name)
def test_every_block_of_a_tutorial_is_run_or_is_what_another_prints(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    fences = re.findall(r"^```(\w*)$", text, re.MULTILINE)[::2]
    blocks = BLOCK.findall(text)
    assert len(fences) == len(blocks) + sum(bool(expected) for *_, expected in blocks)


@pytest.mark.parametrize("package", [bilo, gbm], ids=lambda package: package.__name__)
def test_the_reference_has_every_public_name(package: ModuleType) -> None:
    page = REPOSITORY / f"docs/api/{package.__name__}.md"
    described = re.findall(rf"^::: {package.__name__}\.(\w+)$", page.read_text(), re.MULTILINE)
    assert sorted(described) == sorted(set(package.__all__) - {"__version__"})


@pytest.mark.parametrize("page", [*PAGES, *TUTORIALS], ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    prose = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    links = re.findall(r"\]\((?!https:)([^)#]+)[^)]*\)", prose)
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_every_profile_is_in_a_command() -> None:
    commands = " ".join(_commands())
    profiles = (path.name for path in (REPOSITORY / "workflow/profiles").iterdir())
    assert [p for p in profiles if f"--profile workflow/profiles/{p} " not in commands] == []


def test_two_commands_set_everything_up() -> None:
    text = PAGES[0].read_text(encoding="utf-8")
    assert "pip install -e . && snakemake --cores all\n" in text
    assert 'pip install -e ".[test]" && pytest\n' in text


def test_patient_files_are_valid(tmp_path: Path) -> None:
    """As they stand, and with the comments that are settings made settings."""
    blocks = [block for page in PAGES for block in _blocks(page, "yaml")]
    assert blocks
    file = tmp_path / "p01.yaml"
    for block in blocks:
        file.write_text(block)
        assert load_patient(file).id == "p01"
        file.write_text(re.sub(r"^(\s*)# ", r"\1", block, flags=re.MULTILINE))
        assert load_patient(file).tissue.given


@pytest.mark.parametrize(
    "block",
    [block for page in PAGES for block in _blocks(page, "python")],
    ids=lambda block: "code",
)
def test_code_runs(block: str) -> None:
    """The assertions in it are those of the page."""
    assert "\nassert " in block
    exec(compile(block, "docs", "exec"), {"__name__": "docs"})
