"""Benchmark problems, one file each; `get` finds them by name."""

from __future__ import annotations

import importlib
import pkgutil

from bilo.inverse.problem import Problem


def names() -> tuple[str, ...]:
    """Names of all problems: the modules of this package."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(__path__)))


def get(name: str) -> Problem:
    """The problem of a name: the one `Problem` that its module defines.

    Raises
    ------
    KeyError
        If there is none.
    """
    if name not in names():
        raise KeyError(f"no problem {name!r}; there are {', '.join(names())}")
    module = importlib.import_module(f"{__name__}.{name}")
    (found,) = (
        value
        for value in vars(module).values()
        if isinstance(value, type)
        and issubclass(value, Problem)
        and value.__module__ == module.__name__
    )
    return found()
