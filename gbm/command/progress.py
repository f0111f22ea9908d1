"""How far a command has come: for each patient its steps, its share and the time left."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from gbm.command.events import Change, Plan
from gbm.command.expectation import expected_seconds, seconds_left_in
from gbm.io.job_log import error_in

State = Literal["waiting", "running", "done", "failed"]
TOGETHER = "all patients"
"""Name of the row of the jobs that no single patient has."""


@dataclass(frozen=True)
class Row:
    """One patient.

    Attributes
    ----------
    patient : str
    state : str
        `waiting`, `running`, `done` or `failed`.
    steps : tuple of str
        Kinds of the steps that run, or the one that failed.
    share : float
        Part of its work that is done.
    left : float
        Seconds until it is done; 0 once it is, or has failed.
    """

    patient: str
    state: State
    steps: tuple[str, ...]
    share: float
    left: float


class Progress:
    """State of all jobs of a plan, as its changes come.

    Parameters
    ----------
    plan : Plan
    left_in : callable
        Seconds that a running job has still to go, by its log; None where it does not say.
    """

    def __init__(
        self, plan: Plan, left_in: Callable[[Path], float | None] = seconds_left_in
    ) -> None:
        self.plan = plan
        self._left_in = left_in
        self._began: dict[int, float] = {}
        self._took: dict[int, float] = {}
        self.failed: list[int] = []
        own: defaultdict[str, list[int]] = defaultdict(list)
        for number, job in plan.jobs.items():
            own[job.patient or TOGETHER].append(number)
        names = [*plan.patients, *([TOGETHER] if TOGETHER in own else [])]
        self._jobs = {name: own[name] for name in names}

    def apply(self, change: Change, now: float, stopping: bool = False) -> None:
        """Take note of a change; jobs outside the plan, its targets, are none of ours.

        A job that ends without naming an error while the command is stopped has not failed.
        """
        for number in set(change.jobs) & set(self.plan.jobs):
            if change.to == "started":
                self._began[number] = now
            elif change.to == "finished":
                self._took[number] = now - self._began.get(number, now)
            elif not stopping or error_in(self.plan.jobs[number].log) is not None:
                self.failed.append(number)

    def rows(self, now: float) -> list[Row]:
        """A row for each patient, in the order of the command, and one for what all share."""
        expected, left = self._seconds(now)

        @cache
        def path(number: int) -> float:
            before = self.plan.jobs[number].after & left.keys()
            return left[number] + max(map(path, before), default=0.0)

        rows, work = [], 0.0
        for name, jobs in self._jobs.items():
            state = self._state(jobs)
            own = sum(left[number] for number in jobs)
            whole = sum(expected[number] for number in jobs)
            if state in ("waiting", "running"):
                # patients are finished in turn: those before this one have the cores first
                work += own
                until = max(work / self.plan.cores, *map(path, jobs))
            rows.append(
                Row(
                    name,
                    state,
                    self._steps(jobs, state),
                    1.0 - own / whole if whole else 1.0,
                    until if state in ("waiting", "running") else 0.0,
                )
            )
        return rows

    def _state(self, jobs: list[int]) -> State:
        if any(number in self.failed for number in jobs):
            return "failed"
        if all(number in self._took for number in jobs):
            return "done"
        return "running" if any(number in self._began for number in jobs) else "waiting"

    def _steps(self, jobs: list[int], state: State) -> tuple[str, ...]:
        if state == "failed":
            shown = [number for number in jobs if number in self.failed]
        else:
            shown = [n for n in jobs if n in self._began and n not in self._took]
        return tuple(sorted(self.plan.jobs[number].kind for number in shown))

    def _seconds(self, now: float) -> tuple[dict[int, float], dict[int, float]]:
        """Of each job: how long it takes as a whole, and what of that is left."""
        kinds = {job.kind for job in self.plan.jobs.values()}
        measured: defaultdict[str, list[float]] = defaultdict(list)
        for number, seconds in self._took.items():
            measured[self.plan.jobs[number].kind].append(seconds)
        usual = expected_seconds(kinds, measured)
        runs = {
            number: now - began
            for number, began in self._began.items()
            if number not in self._took and number not in self.failed
        }
        late = [n for n, run in runs.items() if run > usual[self.plan.jobs[n].kind]]
        for number in late:  # a slow machine shows before its first job has ended
            measured[self.plan.jobs[number].kind].append(runs[number])
        usual = expected_seconds(kinds, measured)
        whole, left = {}, {}
        for number, job in self.plan.jobs.items():
            whole[number] = left[number] = usual[job.kind]
            if number in self._took:
                whole[number], left[number] = self._took[number], 0.0
            elif number in runs:
                said = self._left_in(job.log)
                # what takes longer than expected, and says nothing, is always nearly done
                left[number] = max(usual[job.kind] - runs[number], 1.0) if said is None else said
                whole[number] = runs[number] + left[number]
        return whole, left
