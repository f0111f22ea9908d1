"""What the workflow needs to know of the experiments; imports nothing heavy."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarks import experiments
from benchmarks.experiment import METHODS
from benchmarks.experiments.cost import TIMED
from benchmarks.results import path_of
from benchmarks.setting import ALL, PROFILES, Setting


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
    return _find(experiment, method, name).words


def modules(experiment: str, method: str) -> tuple[str, ...]:
    """Modules behind a run that are imported by name, so that no one sees it in the sources."""
    methods = METHODS if method == ALL else (method, "direct_fit")
    problem = TIMED if experiment == experiments.COST else experiment
    return (
        "benchmarks.__main__",
        *experiments.modules(experiment),
        f"bilo.problems.{problem}",
        *(f"bilo.methods.{name}" for name in methods),
    )


def _find(experiment: str, method: str, name: str) -> Setting:
    for profile in PROFILES:
        for run in experiments.get(experiment).plan(profile):
            if (run.method, run.name) == (method, name):
                return run
    raise KeyError(f"no run {method}/{name} of {experiment} is planned")
