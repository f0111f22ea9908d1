"""The code behind a run, told by one hash; imports nothing heavy."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

from benchmarks import experiments
from benchmarks.design.setting import ALL, METHODS, UNTRAINED, Setting
from bilo.training.code_hash import commit, source_hash


def modules(experiment: str, method: str) -> tuple[str, ...]:
    """Modules behind a run that are imported by name, so that no one sees it in the sources."""
    declared = experiments.get(experiment)
    methods = METHODS if method == ALL else (method, declared.reference)
    return (
        declared.module,
        *(f"bilo.problems.{name}" for name in declared.problems or (experiment,)),
        *(f"bilo.methods.{name}" for name in methods),
    )


def of(run: Setting) -> str:
    """Twelve digits: of the sources behind a run, and of what its experiment says of it.

    Grids, figures and remarks of an experiment change no number, and are not in it; nor is what the
    name of the run's file says.
    """
    declared = experiments.get(run.experiment)
    trained = run.method not in UNTRAINED
    said = (
        declared.options(run) if trained else {},
        declared.target,
        declared.reference,
        declared.measures,
    )
    text = f"{source_hash(*modules(run.experiment, run.method))} {said!r}"
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def provenance(run: Setting) -> dict[str, str]:
    """What a result says of its making: ``code``, ``commit`` and ``date``."""
    return {
        "code": of(run),
        "commit": commit(),
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
    }


def is_present(result: dict[str, object]) -> bool:
    """Whether a result was made by the code of now."""
    recipe = result.get("recipe") or ""
    run = Setting(
        str(result["experiment"]),
        str(result["method"]),
        recipe=str(recipe),
        profile=str(result["profile"]),
    )
    return result.get("code") == of(run)
