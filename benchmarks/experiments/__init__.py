"""The experiments, one file each; light to import, for the command line and the workflow."""

from __future__ import annotations

import importlib
import pkgutil
from importlib.util import find_spec
from pathlib import Path

from benchmarks.design.errors import CommandError
from benchmarks.design.experiment import Experiment


def names() -> tuple[str, ...]:
    """Every problem is an experiment; the others compare problems or methods in one run."""
    return tuple(dict.fromkeys((*_problems(), *_declared())))


def get(name: str) -> Experiment:
    """The experiment of a name; a problem without a file here gets the usual one.

    Raises
    ------
    CommandError
        If there is none.
    """
    if name not in names():
        raise CommandError(f"no experiment {name!r}; there are {', '.join(names())}")
    for module in modules(name):
        found: Experiment = importlib.import_module(module).EXPERIMENT
        return found
    return Experiment(name, f"The inverse problem {name}")


def modules(name: str) -> list[str]:
    """The module that declares an experiment; none where a problem has the usual one."""
    return [f"{__name__}.{name}"] if name in _declared() else []


def _declared() -> list[str]:
    """Names of the files in this folder."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def _problems() -> list[str]:
    """Names of the files in `bilo.problems`, which is not imported: that would import torch."""
    core = find_spec("bilo")
    assert core is not None
    assert core.origin is not None
    folder = Path(core.origin).parent / "problems"
    return sorted(path.stem for path in folder.glob("*.py") if not path.stem.startswith("_"))
