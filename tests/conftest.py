"""Fixtures shared by every test: development data, threads, a headless figure backend, and
the workflow in a folder of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

# Set before numpy, torch or matplotlib are imported by a test: small problems run slower on many
# threads than on one, and figures must not look for a screen.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
os.environ.setdefault("MPLBACKEND", "Agg")

# What a script starts in the background ignores Ctrl-C, and so do its children: the tests of
# interruptions hear it wherever they run.
signal.signal(signal.SIGINT, signal.default_int_handler)

import numpy as np  # noqa: E402
import pytest  # noqa: E402

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def repository() -> Path:
    """Root of the checkout."""
    return REPOSITORY


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """Folder of the development data (real patients); skips the test where there is none.

    The environment variable ``BILO_DATA`` overrides the default ``<repository>/../shared/data``.
    """
    folder = Path(os.environ.get("BILO_DATA", REPOSITORY.parent / "shared" / "data"))
    if not (folder / "patients").is_dir():
        pytest.skip(f"no development data in {folder} (set BILO_DATA)")
    return folder


@pytest.fixture
def rng() -> np.random.Generator:
    """A seeded generator, fresh for every test."""
    return np.random.default_rng(20240607)


Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def snakemake(repository: Path, tmp_path: Path) -> Run:
    """Return a function that runs Snakemake below `tmp_path` and returns what it said."""
    return runner(repository, tmp_path)


def runner(repository: Path, folder: Path, timeout: float = 600) -> Run:
    """Return a function that runs Snakemake in `folder`; keyword `env` adds variables."""

    def run(*words: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "snakemake", "-s", str(repository / "Snakefile"), *words],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout,
            env={**os.environ, "XDG_CACHE_HOME": str(folder / ".cache"), **(env or {})},
        )

    return run
