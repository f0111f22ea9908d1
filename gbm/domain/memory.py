"""Memory that a volume takes, asked for before the work begins."""

from __future__ import annotations

from pathlib import Path

from gbm.config.errors import InputError

BYTES_A_VOXEL = 400
"""Peak of the steps of a volume, fitted on whole heads; see docs/scale.md."""
MEMINFO = Path("/proc/meminfo")


def needed_gb(voxels: int) -> float:
    """Memory of a problem of so many voxels of 1 mm, GB; half a GB of it is Python's own."""
    return 0.5 + BYTES_A_VOXEL * voxels / 1e9


def available_gb() -> float | None:
    """Memory that this machine could give now, GB; None where it does not tell."""
    try:
        for line in MEMINFO.read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return float(line.split()[1]) * 1024 / 1e9
    except OSError:
        pass
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
