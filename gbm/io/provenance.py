"""What made a result: input files with their hashes, versions, the commit, time and memory."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Collection, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from pydantic import Field

from bilo.training.code_hash import commit, source_hash
from gbm.config.model import Model
from gbm.io.costs import read_cost
from gbm.io.files import sha256_of
from gbm.version import __version__

DISTRIBUTIONS = (
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

BEHIND_NUMBERS = ("baselines", "posterior", "slices", "fit", "metrics")
"""Steps whose code, with all that it imports, is behind the numbers of a result."""

OTHERS = ("fit_", "verify_", "direct_fixed", "comparison")
"""How names of steps begin that may belong to other fits, or to the comparison."""


class InputFile(Model):
    """One input file or folder, without its name, which may be a person's."""

    key: str = Field(description="dotted key in the patient file")
    bytes: int = Field(description="size; of a folder that of all its files")
    sha256: str = Field(description="hash of its content")
    series_sha256: str | None = Field(
        description="of DICOM: hash of the SeriesInstanceUID; null: no DICOM"
    )


class StepCost(Model):
    """What one step took."""

    step: str = Field(description="name of the step")
    seconds: float = Field(description="wall time, s")
    peak_memory_mb: float | None = Field(description="null: too short to be measured")


class RunCost(Model):
    """What the steps of a patient took, in the order they ended."""

    steps: tuple[StepCost, ...] = Field(description="each step")
    seconds: float = Field(description="sum over the steps, s")
    peak_memory_mb: float | None = Field(description="largest of all steps")


def versions() -> dict[str, str]:
    """Versions of this package, of Python and of every dependency that can change a number.

    `source` is a hash over the modules behind the numbers, so that an edited checkout shows.
    """
    found = {
        "bilo-gbm": __version__,
        "source": source_hash(*(f"gbm.steps.{step}" for step in BEHIND_NUMBERS)),
        "commit": commit(),
        "python": platform.python_version(),
    }
    for name in DISTRIBUTIONS:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def inputs(
    files: Mapping[str, Path], series: Mapping[str, str] | None = None
) -> tuple[InputFile, ...]:
    """Key, size and SHA-256 of every input file or folder.

    Parameters
    ----------
    files : mapping
        Dotted key (such as `patient.segmentation.path`) to file.
    series : mapping, optional
        Of DICOM, dotted key to SeriesInstanceUID.
    """
    known = series or {}
    return tuple(
        InputFile(
            key=key,
            bytes=_size(path),
            sha256=sha256_of(path),
            series_sha256=hashlib.sha256(known[key].encode()).hexdigest() if key in known else None,
        )
        for key, path in files.items()
    )


def _size(path: Path) -> int:
    files = path.rglob("*") if path.is_dir() else (path,)
    return sum(file.stat().st_size for file in files if file.is_file())


def cost(folder: Path, fits: Collection[str]) -> RunCost | None:
    """Time and memory of the steps so far, from what the workflow measured.

    Parameters
    ----------
    folder : Path
        Holds `<step>.tsv` with the columns `s` and `max_rss` (MB), as Snakemake writes them.
    fits : collection of str
        Names of the fits that belong to this result; others may be left from earlier commands.

    Returns
    -------
    RunCost or None
        A fit that was cut off and resumed counts its last part. None where nothing was measured.
    """
    files = sorted(folder.glob("*.tsv"), key=lambda file: file.stat().st_mtime)
    names = {f"{kind}_{name}" for kind in ("fit", "verify") for name in fits}
    steps = tuple(
        _measured(file) for file in files if file.stem in names or not file.stem.startswith(OTHERS)
    )
    if not steps:
        return None
    peaks = [step.peak_memory_mb for step in steps if step.peak_memory_mb is not None]
    return RunCost(
        steps=steps,
        seconds=sum(step.seconds for step in steps),
        peak_memory_mb=max(peaks, default=None),
    )


def _measured(file: Path) -> StepCost:
    job = read_cost(file)
    return StepCost(step=file.stem, seconds=job.seconds, peak_memory_mb=job.memory_mb)
