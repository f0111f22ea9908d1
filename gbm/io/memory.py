"""Memory: what images and volumes take, asked for before the work begins, and where it ended."""

from __future__ import annotations

import re
from pathlib import Path

from gbm.config.errors import InputError

BYTES_A_VOXEL = 250
"""Peak of the steps of a volume, measured on whole heads, with room; see docs/scale.md."""
BYTES_TO_CHECK = 24
"""Peak of the check, a voxel of the largest image, measured on a head of 512^3 voxels."""
TOO_LARGE = (
    "is too large for the memory at hand: use a machine with more, or an image of fewer voxels"
)
MEMINFO = Path("/proc/meminfo")
CGROUP = Path("/sys/fs/cgroup")
_NO_MEMORY = ("bad_alloc", "Failed to allocate memory", "can't allocate memory", "Cannot allocate")
"""How SimpleITK, torch and the system say so."""


def needed_gb(voxels: int) -> float:
    """Memory of a problem of so many voxels of 1 mm, GB; half a GB of it is Python's own."""
    return 0.5 + BYTES_A_VOXEL * voxels / 1e9


def available_gb() -> float | None:
    """Memory that this machine, or the container's limit, could give now, GB; None: not told."""
    known = [gb for gb in (_of_machine(), _of_container()) if gb is not None]
    return min(known, default=None)


def _of_machine() -> float | None:
    try:
        for line in MEMINFO.read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return float(line.split()[1]) * 1024 / 1e9
    except OSError:
        pass
    return None


def _of_container() -> float | None:
    """What a control group (version 2) leaves; its cache may be taken."""
    try:
        limit, used, stat = (
            (CGROUP / name).read_text(encoding="ascii")
            for name in ("memory.max", "memory.current", "memory.stat")
        )
        cached = re.search(r"^inactive_file (\d+)$", stat, re.MULTILINE)
        return (float(limit) - float(used) + float(cached[1] if cached else 0)) / 1e9
    except (OSError, ValueError):  # no such group, or no limit: "max"
        return None


def require_memory(voxels: int, file: Path | None) -> None:
    """Raise where a problem of so many voxels would not fit.

    Raises
    ------
    InputError
        With the estimate and what there is.
    """
    size = f"the whole tumour and its surroundings, {voxels / 1e6:.1f} million voxels of 1 mm,"
    advice = "Fit one slice (dimensions: 2) or use a larger machine"
    _require(needed_gb(voxels), f"{size} take", advice, file, "dimensions")


def require_memory_to_check(voxels: int, file: Path, key: str) -> None:
    """Raise where an image of so many voxels could not even be looked at; see `require_memory`."""
    size = f"an image of {voxels / 1e6:.0f} million voxels takes"
    advice = "Use a larger machine, or an image of fewer voxels"
    _require(BYTES_TO_CHECK * voxels / 1e9, size, advice, file, key)


def _require(needed: float, what: str, advice: str, file: Path | None, key: str) -> None:
    there = available_gb()
    if there is not None and needed > there:
        raise InputError(
            f"{what} about {needed:.1f} GB of memory; {there:.1f} GB are free. {advice}",
            file=file,
            key=key,
        )


def in_words(error: Exception) -> str:
    """An error that nobody foresaw, in one line; for lack of memory, in the user's words.

    >>> in_words(ValueError("no slice 3"))
    'ValueError: no slice 3'
    """
    said = f"{type(error).__name__}: {error}"
    if isinstance(error, MemoryError) or any(words in said for words in _NO_MEMORY):
        return f"a step {TOO_LARGE} ({said.splitlines()[0]})"
    return said
