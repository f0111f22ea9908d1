"""Bilevel local operator learning for inverse problems of differential equations.

A face for users: each name is imported from its home when it is first asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bilo.inverse.box import Box
    from bilo.inverse.cells import Cells
    from bilo.inverse.function import Function
    from bilo.inverse.least_squares import LeastSquares
    from bilo.inverse.observation import Observation
    from bilo.inverse.points import Points
    from bilo.inverse.problem import Problem
    from bilo.inverse.regulariser import Regulariser
    from bilo.inverse.unknown import Scalar
    from bilo.methods._check import check
    from bilo.methods._fit import fit
    from bilo.methods.adjoint import Adjoint
    from bilo.methods.bilo import BiLO
    from bilo.methods.bpn import BPN
    from bilo.methods.deeponet import DeepONet
    from bilo.methods.descent import Descent
    from bilo.methods.direct_fit import DirectFit
    from bilo.methods.pinn import PINN
    from bilo.methods.tikhonov import Tikhonov
    from bilo.taylor.streams import Operator, d
    from bilo.training.loading import load
    from bilo.training.solution import Solution

__all__ = [
    "BPN",
    "PINN",
    "Adjoint",
    "BiLO",
    "Box",
    "Cells",
    "DeepONet",
    "Descent",
    "DirectFit",
    "Function",
    "LeastSquares",
    "Observation",
    "Operator",
    "Points",
    "Problem",
    "Regulariser",
    "Scalar",
    "Solution",
    "Tikhonov",
    "check",
    "d",
    "fit",
    "load",
]

_HOMES = {
    "BPN": "bilo.methods.bpn",
    "PINN": "bilo.methods.pinn",
    "Adjoint": "bilo.methods.adjoint",
    "BiLO": "bilo.methods.bilo",
    "Box": "bilo.inverse.box",
    "Cells": "bilo.inverse.cells",
    "DeepONet": "bilo.methods.deeponet",
    "Descent": "bilo.methods.descent",
    "DirectFit": "bilo.methods.direct_fit",
    "Function": "bilo.inverse.function",
    "LeastSquares": "bilo.inverse.least_squares",
    "Observation": "bilo.inverse.observation",
    "Operator": "bilo.taylor.streams",
    "Points": "bilo.inverse.points",
    "Problem": "bilo.inverse.problem",
    "Regulariser": "bilo.inverse.regulariser",
    "Scalar": "bilo.inverse.unknown",
    "Solution": "bilo.training.solution",
    "Tikhonov": "bilo.methods.tikhonov",
    "check": "bilo.methods._check",
    "d": "bilo.taylor.streams",
    "fit": "bilo.methods._fit",
    "load": "bilo.training.loading",
}


if not TYPE_CHECKING:  # type checkers know the names above, and no others

    def __getattr__(name: str) -> Any:
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
