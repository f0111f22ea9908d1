"""How long jobs will take: as others of their kind did in this command, or as is usual."""

from __future__ import annotations

import os
import re
import statistics
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

USUAL_SECONDS = {
    "demo": 10, "check": 3, "register": 25, "tissue": 11, "domain": 2, "characteristic": 1,
    "baselines": 8, "direct_fixed": 8, "slice_fit": 8, "posterior": 8, "slices": 16,
    "identifiability": 19, "fit bilo": 90, "fit pinn": 100, "report": 8,
}  # fmt: skip
"""On one core, in the demo; these are proportions: a command has a pace of its own."""
OTHERWISE = 2.0
"""Of kinds that are not among them."""

_PROGRESS = re.compile(rb": step (\d+)/(\d+)  (?:[^\n]*  (\d+) s left)?")
_TAIL = 2000


def seconds_left_in(log: Path) -> float | None:
    """How long a fit has still to go, by the last line of progress in its log; None without one."""
    try:
        with log.open("rb") as stream:
            about = os.fstat(stream.fileno())
            stream.seek(max(about.st_size - _TAIL, 0))
            found = _PROGRESS.findall(stream.read())
    except OSError:
        return None
    if not found:
        return None
    return max(float(found[-1][2] or 0) - (time.time() - about.st_mtime), 0.0)


def expected_seconds(kinds: Iterable[str], measured: Mapping[str, list[float]]) -> dict[str, float]:
    """Seconds of a job of each kind.

    Parameters
    ----------
    kinds : iterable of str
        See `gbm.io.costs.kind`.
    measured : mapping
        Kind to the seconds that its jobs took in this command.
    """
    usual = sum(USUAL_SECONDS.get(kind, OTHERWISE) * len(took) for kind, took in measured.items())
    pace = sum(map(sum, measured.values())) / usual if usual else 1.0
    return {
        kind: statistics.median(measured[kind])
        if kind in measured
        else pace * USUAL_SECONDS.get(kind, OTHERWISE)
        for kind in kinds
    }
