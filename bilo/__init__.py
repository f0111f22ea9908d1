"""Bilevel local operator learning for inverse problems of partial differential equations.

A face for users: each name is imported from its home when it is first asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bilo.inverse.function import Function
    from bilo.inverse.objective import LeastSquares
    from bilo.inverse.points import Points
    from bilo.inverse.problem import Problem
    from bilo.inverse.unknown import Scalar
    from bilo.taylor.streams import Operator
    from bilo.training.settings import Settings
    from bilo.training.solution import Solution

__all__ = [
    "Function",
    "LeastSquares",
    "Operator",
    "Points",
    "Problem",
    "Scalar",
    "Settings",
    "Solution",
]

_HOMES = {
    "Function": "bilo.inverse.function",
    "LeastSquares": "bilo.inverse.objective",
    "Operator": "bilo.taylor.streams",
    "Points": "bilo.inverse.points",
    "Problem": "bilo.inverse.problem",
    "Scalar": "bilo.inverse.unknown",
    "Settings": "bilo.training.settings",
    "Solution": "bilo.training.solution",
}


if not TYPE_CHECKING:  # type checkers know the names above, and no others

    def __getattr__(name: str) -> Any:
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
