"""The workflow's targets run the command of this package."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from benchmarks import experiments, plan
from benchmarks.design.setting import ALL, Setting
from benchmarks.results import store
from benchmarks.runs import archive, code, parts
from tests.conftest import Run

CONDA = {"torch": "pytorch", "pytorch_optimizer": "pytorch-optimizer"}


def _said(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_a_target_runs_every_planned_run_and_the_table(snakemake: Run) -> None:
    told = _said(snakemake("-n", "-p", "--cores", "1", "bench_fisher_kpp"))
    commands = re.findall(r"python -m benchmarks run .*? --out (\S+)", told)
    assert sorted(commands) == sorted(plan.files("fisher_kpp", "quick", "results/benchmarks"))
    assert "python -m benchmarks table fisher_kpp --results results/benchmarks" in told


def test_a_run_through_the_workflow(snakemake: Run, tmp_path: Path) -> None:
    (file,) = [
        file
        for file in plan.files("fisher_kpp", "quick", "results/benchmarks")
        if file.endswith("direct_fit/noise0_seed0.json")
    ]
    _said(snakemake("-q", "all", "--cores", "1", file))
    result = json.loads((tmp_path / file).read_text())
    assert max(row["rel_error"] for row in result["unknowns"].values()) < 1e-6


PYTHON = """#!/bin/sh
# notes the command of this package that it is asked for; a run of darcy fails
echo "$3 $4" >> commands
[ "$3" = run ] || exit 0
[ "$4" != darcy ] || exit 1
while [ "$1" != --out ]; do shift; done
echo "{}" > "$2"
"""


def test_a_bad_run_leaves_the_others_and_the_page_alone(snakemake: Run, tmp_path: Path) -> None:
    """The same command again makes what is missing, and nothing else."""
    stub = tmp_path / "bin/python"
    stub.parent.mkdir()
    stub.write_text(PYTHON)
    stub.chmod(0o755)
    env = {"PATH": f"{stub.parent}:{os.environ['PATH']}"}
    planned = [run for name in experiments.names() for run in parts.runs(name, "paper")]
    assert snakemake("-q", "all", "--cores", "2", "results_paper", env=env).returncode == 1
    done = (tmp_path / "commands").read_text().splitlines()
    assert sorted(done[:-2]) == sorted(f"run {run.experiment}" for run in planned)
    assert [line.split()[0] for line in done[-2:]] == ["keep", "page"]
    (tmp_path / "commands").unlink()
    stub.write_text(PYTHON.replace("exit 1", "true"))
    _said(snakemake("-q", "all", "--cores", "2", "results_paper", env=env))
    done = (tmp_path / "commands").read_text().splitlines()
    assert [line.split()[0] for line in done] == ["run", "keep", "page"]
    assert done[0] == "run darcy"


def test_runs_that_are_kept_are_judged_by_their_code(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """In a clone no file is older than another, and there is no memory of earlier commands."""
    monkeypatch.chdir(tmp_path)
    before = plan.missing("paper", "new")
    theory, darcy = Setting("theory", ALL, profile="full"), parts.runs("darcy", "paper")[0]
    for run, hashed in ((theory, code.of(theory)), (darcy, "of before")):
        fields = {"recipe": run.recipe, "profile": run.profile, "code": hashed}
        kept = dict.fromkeys(store.NEEDED_OF_FIT) | fields
        kept |= {"experiment": run.experiment, "method": run.method}
        store.write_text(store.path_of(run, archive.ROOT), json.dumps(kept))
    after = plan.missing("paper", "new")
    assert set(before) - set(after) == {f"new/{code.of(theory)}/theory/all/full.json"}
    assert f"new/{code.of(darcy)}/darcy/bilo/{darcy.name}.json" in after


def test_bilo_comes_before_the_networks_and_the_papers_recipe() -> None:
    first, second, third = (
        plan.priority("heat", run.method, run.name)
        for run in (parts.runs("heat", part)[0] for part in parts.PARTS)
    )
    assert first > second > third


def test_the_environment_holds_what_the_package_imports(repository: Path) -> None:
    wanted = {CONDA.get(name, name) for name in _imported(repository)}
    listed = yaml.safe_load((repository / "workflow/envs/benchmarks.yaml").read_text())
    (pip,) = [part["pip"] for part in listed["dependencies"] if isinstance(part, dict)]
    plain = [part for part in listed["dependencies"] if isinstance(part, str)]
    held = {re.split(r"[<>=]", part)[0] for part in [*plain, *pip]}
    assert wanted <= held


def _imported(repository: Path) -> set[str]:
    """Packages of others that `benchmarks` and `bilo` import."""
    found = set()
    for package in ("benchmarks", "bilo"):
        for path in (repository / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Import):
                    found |= {alias.name.split(".")[0] for alias in node.names}
                elif isinstance(node, ast.ImportFrom) and node.module:
                    found.add(node.module.split(".")[0])
    return found - set(sys.stdlib_module_names) - {"benchmarks", "bilo"}
