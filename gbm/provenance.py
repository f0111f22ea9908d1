"""What made a result: input files with their hashes, versions, the commit, time and memory."""

from __future__ import annotations

import platform
import subprocess
from collections.abc import Collection, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import gbm
from gbm.files import read_json, sha256
from gbm.sources import ROOT, source_hash
from gbm.step import COST

PACKAGES = (
    "torch",
    "numpy",
    "scipy",
    "nibabel",
    "SimpleITK",
    "nilearn",
    "pytorch-optimizer",
    "snakemake",
)
"""Distributions that can change a number."""


def versions() -> dict[str, str]:
    """Versions of this package, of Python and of every dependency that can change a number.

    `source` is a hash over the modules behind the numbers, so that an edited checkout shows.
    """
    found = {
        "bilo-gbm": gbm.__version__,
        "source": source_hash("gbm.fit", "gbm.assemble"),
        "commit": commit(),
        "python": platform.python_version(),
    }
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def inputs(files: Mapping[str, Path]) -> list[dict[str, Any]]:
    """Name, path, size and SHA-256 of every input file.

    Parameters
    ----------
    files : mapping
        Dotted key (such as `patient.segmentation.path`) to file.
    """
    return [
        {
            "key": key,
            "path": str(path.resolve()),
            "bytes": path.stat().st_size,
            "sha256": sha256(path),
        }
        for key, path in files.items()
    ]


def commit() -> str:
    """The git commit of this checkout, with `, changed` where files differ from it."""

    def git(*words: str) -> str:
        done = subprocess.run(
            ["git", "-C", str(ROOT), *words], capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    try:
        # An installed package may lie inside a checkout of something else.
        if git("rev-parse", "--show-toplevel") != str(ROOT):
            return "not a checkout"
        changed = git("status", "--porcelain", "--untracked-files=no")
        return git("rev-parse", "HEAD") + (", changed" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return "not a checkout"


def cost(logs: Path, fits: Collection[str]) -> dict[str, Any]:
    """Time and memory of the steps so far, from the files beside their logs.

    Parameters
    ----------
    logs : Path
        Folder of one patient's logs.
    fits : collection of str
        Names of the fits that belong to this result; others may be left from earlier commands.

    Returns
    -------
    dict
        `steps`, each with `step`, `seconds` and `peak_memory_mb`, in the order they ended; the sum
        of `seconds` and the largest `peak_memory_mb`. A fit that was cut off and resumed counts
        its last part.
    """
    files = sorted(logs.glob(f"**/*{COST}"), key=lambda file: file.stat().st_mtime)
    steps = [read_json(file) for file in files]
    names = {f"{kind}_{name}" for kind in ("fit", "verify") for name in fits}
    steps = [
        s for s in steps if s["step"] in names or not s["step"].startswith(("fit_", "verify_"))
    ]
    return {
        "steps": steps,
        "seconds": sum(step["seconds"] for step in steps),
        "peak_memory_mb": max((step["peak_memory_mb"] for step in steps), default=None),
    }
