"""What people expect around the code: files that parse, and that name what exists."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from gbm.version import __version__
from tests.test_imports import ORDER

ROOT = Path(__file__).resolve().parent.parent
FORMS = sorted((ROOT / ".github/ISSUE_TEMPLATE").glob("*.yml"))
LINTERS = ("ruff", "snakefmt", "snakemake", "mypy")


def _read(name: str) -> dict:
    return yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))


def test_hosted_ci_runs_the_script_of_ci() -> None:
    (job,) = _read(".github/workflows/ci.yml")["jobs"].values()
    (script,) = [step["run"] for step in job["steps"] if "run" in step]
    assert script == ".ci/run"
    assert (ROOT / script).stat().st_mode & 0o100


def test_hooks_are_the_linters_of_ci() -> None:
    (local,) = _read(".pre-commit-config.yaml")["repos"]
    assert local["repo"] == "local"
    lines = (ROOT / ".ci/run").read_text(encoding="utf-8").splitlines()
    in_ci = [line for line in lines if line.split(" ")[0] in LINTERS]
    assert [hook["entry"] for hook in local["hooks"]] == in_ci
    assert {hook["language"] for hook in local["hooks"]} == {"system"}


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.stem)
def test_a_form_warns_of_data_and_names_what_exists(form: Path) -> None:
    text = form.read_text(encoding="utf-8")
    parsed = yaml.safe_load(text)
    assert {"name", "description", "body"} <= set(parsed)
    first, *questions = parsed["body"]
    assert (
        "Attach no image, no DICOM file and no report of a person" in first["attributes"]["value"]
    )
    assert len({question["id"] for question in questions}) == len(questions) > 0
    assert all((ROOT / page).is_file() for page in re.findall(r"`(docs/[^`]*)`", text))


def test_the_citation_is_of_this_version() -> None:
    assert __version__.startswith(_read("CITATION.cff")["version"])


def test_the_citation_is_valid() -> None:
    """`cffconvert` wants an older jsonschema than our tests do: pipx installs it apart."""
    if shutil.which("cffconvert") is None:
        pytest.skip("no cffconvert here (pipx install cffconvert)")
    done = subprocess.run(
        ["cffconvert", "--validate", "-i", str(ROOT / "CITATION.cff")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("package", ORDER)
def test_packages_say_that_they_are_typed(package: str) -> None:
    assert (ROOT / package / "py.typed").is_file()
