"""Peak memory of a computation, each in a fresh process.

What counts is the increase of the process's resident memory over what it held before: libraries,
network and points are in both. On Linux the peak is reset first, so that imports do not hide it.
"""

from __future__ import annotations

import multiprocessing
import resource
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

_STATUS = Path("/proc/self/status")
_CLEAR = Path("/proc/self/clear_refs")


def peak_of(prepare: Callable[..., Callable[[], object]], *arguments: object) -> float:
    """MiB by which ``prepare(*arguments)()``, called three times, raises a fresh process's peak.

    Parameters
    ----------
    prepare : callable
        A function of a module (it is imported anew in the child) that returns the computation.
    *arguments
        Plain values.

    Raises
    ------
    RuntimeError
        If the child failed.
    """
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(target=_child, args=(sender, prepare, arguments), daemon=True)
    child.start()
    sender.close()
    try:
        found = receiver.recv()
    except EOFError:
        found = None
    child.join()
    if found is None or child.exitcode:
        raise RuntimeError(f"measuring the memory failed (exit code {child.exitcode})")
    return float(found)


def _child(
    sender: Connection, prepare: Callable[..., Callable[[], object]], arguments: tuple[object, ...]
) -> None:
    compute = prepare(*arguments)
    before = _reset()
    for _ in range(3):
        compute()
    sender.send(_peak() - before)
    sender.close()


def _reset() -> float:
    """Resident memory now, MiB, with the peak put back to it where the system allows."""
    try:
        _CLEAR.write_text("5")
        return _kilobytes("VmRSS") / 1024
    except OSError:
        return _peak()


def _peak() -> float:
    try:
        return _kilobytes("VmHWM") / 1024
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _kilobytes(field: str) -> int:
    for line in _STATUS.read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1])
    raise OSError(f"{_STATUS} has no {field}")
