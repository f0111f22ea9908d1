"""What made a result: input files with their hashes, versions, settings."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import gbm
from gbm.files import sha256
from gbm.sources import source_hash

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
