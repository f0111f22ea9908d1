"""Memory that a volume takes, asked for before the work begins."""

from __future__ import annotations

import re
from pathlib import Path

from gbm.config.errors import InputError

BYTES_A_VOXEL = 250
"""Peak of the steps of a volume, measured on whole heads, with room; see docs/scale.md."""
MEMINFO = Path("/proc/meminfo")
CGROUP = Path("/sys/fs/cgroup")


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
    needed, there = needed_gb(voxels), available_gb()
    if there is not None and needed > there:
        raise InputError(
            f"the whole tumour and its surroundings, {voxels / 1e6:.1f} million voxels of 1 mm, "
            f"take about {needed:.1f} GB of memory; {there:.1f} GB are free. Fit one slice "
            "(dimensions: 2) or use a larger machine",
            file=file,
            key="dimensions",
        )
