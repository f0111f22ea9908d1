"""What the workflow needs to know of the experiments; imports nothing heavy."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path

from benchmarks import experiments
from benchmarks.design.setting import PROFILES, Setting
from benchmarks.results.store import path_of
from benchmarks.runs import archive, code, parts


def files(experiment: str, profile: str, root: str) -> list[str]:
    """Files of all runs of a profile, below `root`."""
    return [
        path_of(run, Path(root)).as_posix() for run in experiments.get(experiment).plan(profile)
    ]


def missing(part: str | None, root: str) -> list[str]:
    """Files of the runs behind the page of results that are not kept yet, by the code of now.

    The path below `root` begins with the hash of the code: a run of other code is another file.
    """
    runs = [run for name in experiments.names() for run in parts.runs(name, part)]
    return [
        path_of(run, Path(root) / code.of(run)).as_posix() for run in runs if not archive.has(run)
    ]


def priority(experiment: str, method: str, name: str) -> int:
    """Of a run behind the page of results: the parts in their order."""
    part = parts.part_of(experiments.get(experiment), _planned(experiment)[method, name])
    return -list(parts.PARTS).index(str(part))


def words(experiment: str, method: str, name: str) -> Sequence[str]:
    """Words after ``run`` of the planned run with this file.

    Raises
    ------
    KeyError
        If no profile plans such a run.
    """
    return _planned(experiment)[method, name].words


def code_behind(experiment: str, method: str, name: str) -> str:
    """Hash of the code behind the planned run with this file.

    Raises
    ------
    KeyError
        If no profile plans such a run.
    """
    return code.of(_planned(experiment)[method, name])


def drawn(experiment: str) -> tuple[str, ...]:
    """Modules behind an experiment's figures, imported by name too."""
    figures = experiments.get(experiment).figures
    return (*experiments.modules(experiment), *(f"benchmarks.figures.{name}" for name in figures))


@functools.cache
def _planned(experiment: str) -> dict[tuple[str, str], Setting]:
    """All planned runs by method and name; a run of both profiles is the quick one's."""
    declared = experiments.get(experiment)
    runs = [run for profile in reversed(PROFILES) for run in declared.plan(profile)]
    return {(run.method, run.name): run for run in runs}
