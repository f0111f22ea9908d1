"""Profiles of Snakemake plan the demo patient: their options exist."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from tests.conftest import Run

EXECUTOR = {
    "default": "snakemake",
    "slurm": "snakemake_executor_plugin_slurm",
    "kubernetes": "snakemake_executor_plugin_cluster_generic",
}


@pytest.mark.parametrize("profile", EXECUTOR)
def test_a_profile_plans_the_demo(profile: str, snakemake: Run, repository: Path) -> None:
    if importlib.util.find_spec(EXECUTOR[profile]) is None:
        pytest.skip(f"{EXECUTOR[profile]} is not installed")
    done = snakemake("-n", "-q", "--profile", str(repository / "workflow/profiles" / profile))
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_profile_is_untested(repository: Path) -> None:
    folders = (repository / "workflow/profiles").iterdir()
    assert {folder.name for folder in folders if folder.is_dir()} == set(EXECUTOR)
