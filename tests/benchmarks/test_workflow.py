"""The workflow's targets run the command of this package."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import yaml

from benchmarks import plan
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
