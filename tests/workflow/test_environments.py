"""Conda environments: in step with pyproject.toml, complete for their rules, and really used.

That conda can solve them is not tested: a stand-in answers in its place.
"""

from __future__ import annotations

import ast
import os
import re
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from bilo.training.code_hash import source_files
from tests.conftest import Run
from tests.workflow.phantom import write

WORKFLOW = Path(__file__).resolve().parents[2] / "workflow"
ENVIRONMENTS = sorted((WORKFLOW / "envs").glob("*.yaml"))
CONDA_NAMES = {"torch": "pytorch"}
IMPORT_NAMES = {"yaml": "pyyaml", "torch": "pytorch", "SimpleITK": "simpleitk"}

STUB = """\
#!/usr/bin/env bash
echo "$*" >> "$STUB_HOME/calls"
case "$1 $2" in
  "--version ") echo "conda 24.11.0" ;;
  "info --json") printf '{"conda_prefix": "%s", "platform": "linux-64"}' "$STUB_HOME/base" ;;
  "config --get") echo '{"get": {"channel_priority": "strict"}}' ;;
  "env create")
    while [ $# -gt 0 ]; do [ "$1" = --prefix ] && prefix=$2; shift; done
    mkdir -p "$prefix/bin"
    printf '#!/bin/sh\\necho "$PYTHONPATH" >> "%s/pythonpath"\\nexec "%s" "$@"\\n' \\
      "$STUB_HOME" "$STUB_PYTHON" > "$prefix/bin/python"
    chmod +x "$prefix/bin/python" ;;
esac
"""
ACTIVATE = 'export PATH="$1/bin:$PATH"\n'


def _dependencies(file: Path) -> dict[str, str]:
    """Package to version range, conda's and pip's alike."""
    entries: list[str] = []
    for entry in yaml.safe_load(file.read_text())["dependencies"]:
        entries += entry["pip"] if isinstance(entry, dict) else [entry]
    return dict(_split(entry) for entry in entries)


def _split(requirement: str) -> tuple[str, str]:
    name, version = re.fullmatch(r"([A-Za-z0-9._-]+)(.*)", requirement).groups()
    return name.lower(), version.replace(" ", "")


def _project() -> dict[str, str]:
    project = tomllib.loads((WORKFLOW.parent / "pyproject.toml").read_text())["project"]
    wanted = dict(_split(entry) for entry in project["dependencies"])
    wanted["python"] = project["requires-python"]
    return {CONDA_NAMES.get(name, name): version for name, version in wanted.items()}


def _rules() -> list[tuple[str, str, str, list[str]]]:
    """Rule, environment, script and modules behind it, read from the rules."""
    found = []
    for file in sorted((WORKFLOW / "rules").glob("*.smk")):
        for block in re.split(r"^ *rule ", file.read_text(), flags=re.MULTILINE)[1:]:
            script = re.search(r'script:\s+"\.\./scripts/(.*)\.py"', block)
            if script is None:
                continue
            environment = re.search(r'conda:\s+"\.\./envs/(.*)\.yaml"', block)
            code = re.search(r"code=source_hash\((.*?)\)", block, re.DOTALL)
            assert environment is not None, block
            assert code is not None, block
            modules = re.findall(r'"([\w.]+)"', code[1])
            found.append((block.split(":")[0], environment[1], script[1], modules))
    return found


def _third_party(files: list[Path]) -> set[str]:
    names = set()
    for path in files:
        if path.suffix != ".py":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                names |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                names.add(node.module.split(".")[0])
    own = {"bilo", "gbm", "benchmarks"}
    return {IMPORT_NAMES.get(name, name) for name in names - own - sys.stdlib_module_names}


@pytest.mark.parametrize("file", ENVIRONMENTS, ids=lambda file: file.stem)
def test_environments_agree_with_pyproject(file: Path) -> None:
    project = _project()
    for name, version in _dependencies(file).items():
        if name != "pip":
            assert (name, version) == (name, project.get(name))


@pytest.mark.parametrize(("rule", "environment", "script", "modules"), _rules())
def test_environments_hold_what_their_rules_import(
    rule: str, environment: str, script: str, modules: list[str]
) -> None:
    path = WORKFLOW / "scripts" / f"{script}.py"
    used = re.findall(r"from ((?:gbm|benchmarks|bilo)[\w.]*) import", path.read_text())
    files = [path, *source_files(*modules, *used)]
    listed = _dependencies(WORKFLOW / f"envs/{environment}.yaml")
    provided = {name.replace("-", "_") for name in listed}
    assert _third_party(files) <= provided


def test_the_code_in_params_covers_what_a_script_calls() -> None:
    for rule, _, script, modules in _rules():
        text = (WORKFLOW / "scripts" / f"{script}.py").read_text()
        used = set(re.findall(r"from ((?:gbm|benchmarks|bilo)[\w.]*) import", text)) - {
            "gbm.io.job_log", "gbm.io.made_from"  # they tell of a job, and change no result
        }  # fmt: skip
        missing = set(source_files(*used)) - set(source_files(*modules))
        assert not missing, (rule, missing)


def test_the_code_behind_a_fit_is_the_core_as_well() -> None:
    """An edit of the method, of its kernel or of the equation makes the fits run again."""
    modules = next(modules for rule, _, _, modules in _rules() if rule == "fit")
    behind = {path.relative_to(WORKFLOW.parent).as_posix() for path in source_files(*modules)}
    assert behind >= {
        "bilo/methods/bilo.py",
        "bilo/methods/pinn.py",
        "bilo/training/loop.py",
        "bilo/training/recipes.py",
        "bilo/taylor/tanh_streams.c",
        "gbm/network_fit/tumour_problem.py",
        "gbm/network_fit/lifts.py",
        "gbm/growth/finite_volume.py",
        "gbm/config/settings.py",
    }


def test_jobs_run_inside_their_environment(
    snakemake: Run, repository: Path, tmp_path: Path
) -> None:
    write(tmp_path, "p01")
    home = tmp_path / "stub"
    for path, text in ((home / "bin/conda", STUB), (home / "base/bin/activate", ACTIVATE)):
        path.parent.mkdir(parents=True)
        path.write_text(text)
        path.chmod(0o755)
    done = snakemake(
        "--cores",
        "1",
        "--use-conda",
        "results/gbm/work/sub-p01/check.json",
        "--config",
        "patients=p01.yaml",
        env={
            "PATH": f"{home / 'bin'}:{os.environ['PATH']}",
            "STUB_HOME": str(home),
            "STUB_PYTHON": sys.executable,
        },
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "results/gbm/work/sub-p01/check.json").is_file()
    created = [line for line in (home / "calls").read_text().splitlines() if "env create" in line]
    assert len(created) == 1
    assert set((home / "pythonpath").read_text().split()) == {str(repository)}
