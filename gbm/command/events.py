"""What the workflow tells of itself: a plan, then the start and the end of its jobs.

Each line is JSON; `workflow/rules/events.smk` writes them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Literal

from gbm.io.costs import kind


@dataclass(frozen=True)
class PlannedJob:
    """A job of the command.

    Attributes
    ----------
    patient : str or None
        Whose it is; None: of all patients together.
    step : str
        Name of the step, that of its log.
    log : Path
        Where it will say what it does.
    after : frozenset of int
        Jobs that come before it; they may be done already.
    """

    patient: str | None
    step: str
    log: Path
    after: frozenset[int]

    @property
    def kind(self) -> str:
        """Kind of the step, see `gbm.io.costs.kind`."""
        return kind(self.step)


@dataclass(frozen=True)
class Plan:
    """What a command is to do.

    Attributes
    ----------
    patients : tuple of str
        All of the command, in its order; some may have nothing left to do.
    cores : int
        That its jobs share.
    jobs : dict
        Jobs by their numbers.
    faults : dict
        Of patients whose files cannot be used, as far as these say themselves: why.
    """

    patients: tuple[str, ...]
    cores: int
    jobs: dict[int, PlannedJob]
    faults: dict[str, str] = field(default_factory=dict)

    def in_order(self) -> list[PlannedJob]:
        """All jobs, each after those that it waits for."""
        before = {number: job.after & self.jobs.keys() for number, job in self.jobs.items()}
        return [self.jobs[number] for number in TopologicalSorter(before).static_order()]


@dataclass(frozen=True)
class Change:
    """What became of some jobs."""

    to: Literal["started", "finished", "failed"]
    jobs: tuple[int, ...]


def read(lines: Iterable[str]) -> Iterator[Plan | Change]:
    """Events from their lines, as these come."""
    for line in lines:
        told = json.loads(line)
        if told["event"] != "plan":
            yield Change(told["event"], tuple(told["jobs"]))
            continue
        jobs = {
            job["id"]: PlannedJob(
                job["patient"], job["step"], Path(job["log"]), frozenset(job["after"])
            )
            for job in told["jobs"]
        }
        yield Plan(tuple(told["patients"]), told["cores"], jobs, told["faults"])
