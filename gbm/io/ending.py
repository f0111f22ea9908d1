"""How a command ended: what became of its steps, told by the logs they write."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

from gbm.io.job_log import error_in

Steps = Callable[[str], bool]
"""Which steps count, by their names."""

Logs = tuple[Path, ...]
"""Logs of the steps of one job: mostly one, on a cluster several."""


@dataclass(frozen=True)
class Ending:
    """How a command ended, as far as its logs do not say.

    Attributes
    ----------
    stopped : bool
        Whether it was told to stop before it had done what it could.
    failed : tuple of tuple of Path
        Logs of the jobs that failed, whether or not these could say why.
    left : collection of Path
        Logs of the steps that did not end: not begun, or running when the command was stopped.
        What stands in them is that of an earlier command, or of the stop itself.
    """

    stopped: bool = False
    failed: tuple[Logs, ...] = ()
    left: Collection[Path] = ()

    def errors(self, folder: Path, counted: Steps = bool, since: float = 0.0) -> tuple[str, ...]:
        """Why steps failed, ``"<step>: <reason>"``, oldest first; empty when none said so.

        Parameters
        ----------
        folder : Path
            Folder of one patient's logs.
        counted : callable
            Whether a step counts, by its name; all do by default.
        since : float
            Time of the results, s since the epoch: what failed before was overcome.
        """
        own = {log for logs in self.failed for log in logs}
        times = {log: log.stat().st_mtime for log in folder.glob("**/*.log")}
        logs = [log for log in times if log in own or (log not in self.left and times[log] > since)]
        said = [(log, error_in(log)) for log in sorted(logs, key=times.__getitem__)]
        named = ((_step(log, folder), why) for log, why in said if why is not None)
        return tuple(f"{step}: {why}" for step, why in named if counted(step))

    def silent(self, folder: Path, counted: Steps = bool) -> tuple[str, ...]:
        """Names of the steps that failed without a word: killed from outside, most likely."""
        mute = [
            sorted(step for log in logs if counted(step := _step(log, folder)))
            for logs in self.failed
            if all(folder in log.parents and error_in(log) is None for log in logs)
        ]
        # Snakemake leaves an empty log of steps that a killed group did not come to: any can be it.
        return tuple(sorted(s[0] if len(s) == 1 else f"one of {', '.join(s)}" for s in mute if s))

    def leaves(self, folder: Path, counted: Steps = bool) -> bool:
        """Whether steps of this patient did not end."""
        return any(folder in log.parents and counted(_step(log, folder)) for log in self.left)


COMPLETE = Ending()
"""All steps ended, and the logs say how."""


def _step(log: Path, folder: Path) -> str:
    return str(log.relative_to(folder).with_suffix(""))
