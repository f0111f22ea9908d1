"""Run the workflow in a folder of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def snakemake(repository: Path, tmp_path: Path) -> Run:
    """Return a function that runs Snakemake below `tmp_path` and returns what it said."""
    return runner(repository, tmp_path)


def runner(repository: Path, folder: Path) -> Run:
    """Return a function that runs Snakemake in `folder`; keyword `env` adds variables."""

    def run(*words: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "snakemake", "-s", str(repository / "Snakefile"), *words],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
            env={**os.environ, "XDG_CACHE_HOME": str(folder / ".cache"), **(env or {})},
        )

    return run
