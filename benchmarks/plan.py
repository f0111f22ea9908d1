"""What the workflow needs to know of the experiments; imports nothing heavy."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path

from benchmarks import experiments
from benchmarks.design.setting import ALL, METHODS, PROFILES, Setting
from benchmarks.results.store import path_of


def files(experiment: str, profile: str, root: str) -> list[str]:
    """Files of all runs of a profile, below `root`."""
    return [
        path_of(run, Path(root)).as_posix() for run in experiments.get(experiment).plan(profile)
    ]


def words(experiment: str, method: str, name: str) -> Sequence[str]:
    """Words after ``run`` of the planned run with this file.

    Raises
    ------
    KeyError
        If no profile plans such a run.
    """
    return _planned(experiment)[method, name].words


def modules(experiment: str, method: str) -> tuple[str, ...]:
    """Modules behind a run that are imported by name, so that no one sees it in the sources."""
    declared = experiments.get(experiment)
    methods = METHODS if method == ALL else (method, declared.reference)
    return (
        "benchmarks.__main__",
        declared.module,
        *experiments.modules(experiment),
        *(f"bilo.problems.{name}" for name in declared.problems or (experiment,)),
        *(f"bilo.methods.{name}" for name in methods),
    )


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
