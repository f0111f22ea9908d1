"""What made a result: input files with their hashes, versions, settings."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import gbm
from gbm.files import sha256

PACKAGES = (
    "torch",
    "numpy",
    "scipy",
    "nibabel",
    "SimpleITK",
    "monai",
    "nilearn",
    "pytorch-optimizer",
    "snakemake",
)
"""Distributions that can change a number."""


def versions() -> dict[str, str]:
    """Versions of this package, of Python and of every dependency that can change a number.

    `source` is a hash over the package's own modules, so that an edited checkout shows.
    """
    found = {
        "bilo-gbm": gbm.__version__,
        "source": source_hash(),
        "python": platform.python_version(),
    }
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def source_hash() -> str:
    """First twelve hexadecimal digits of a SHA-256 over the modules of `gbm` and `bilo`."""
    root = Path(gbm.__file__).resolve().parent.parent
    digest = hashlib.sha256()
    for path in sorted([*(root / "gbm").rglob("*.py"), *(root / "bilo").rglob("*.py")]):
        digest.update(path.relative_to(root).as_posix().encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def inputs(files: Mapping[str, Path]) -> list[dict[str, Any]]:
    """Name, path, size and SHA-256 of every input file.

    Parameters
    ----------
    files : mapping
        Dotted key (such as `patient.segmentation.path`) to file.
    """
    return [
        {"key": key, "path": str(path), "bytes": path.stat().st_size, "sha256": sha256(path)}
        for key, path in files.items()
    ]
