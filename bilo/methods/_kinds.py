"""Whether a fit is given things of the kind that it needs: told in words."""

from __future__ import annotations

from bilo.inverse.cells import Cells
from bilo.inverse.function import Function
from bilo.inverse.objective import Objective
from bilo.inverse.points import values_at
from bilo.inverse.problem import Problem
from bilo.inverse.regulariser import Regulariser
from bilo.inverse.unknown import Unknown
from bilo.lower.galerkin import states_weak_form

ROUNDING = 1e-9
"""Part of the bounds' distance by which a start may lie outside."""


def require_problem(problem: Problem) -> None:
    """An instance of a problem, not its class."""
    if isinstance(problem, type):
        raise TypeError(f"problem: an instance is needed, {problem.__name__}()")
    if not isinstance(problem, Problem):
        raise TypeError(f"problem: a {type(problem).__name__} is no Problem")


def require_data(data: Objective) -> None:
    """An objective."""
    if not isinstance(data, Objective):
        raise TypeError(
            f"data: a {type(data).__name__} is no objective, such as LeastSquares(points, values)"
        )


def require_unknowns(problem: Problem) -> None:
    """Unknowns that are scalars and functions, and are made of what these are made of."""
    for k in problem.unknowns:
        if not isinstance(k, Unknown):
            raise TypeError(
                f"{problem.name}: the unknown {k!r} is a {type(k).__name__}, neither a Scalar nor "
                "a Function"
            )
        if isinstance(k, Function):
            _require_functions(k)
            _require_cells(problem, k)
    if not problem.unknowns:
        raise ValueError(f"{problem.name} has no unknowns")


def _require_functions(f: Function) -> None:
    """What a function is made of: names, a first guess that is a function too, a regulariser."""
    names: object = f.coordinates
    if isinstance(names, str):
        raise TypeError(f"{f.name}: coordinates are a tuple of names, ({names!r},)")
    if not callable(f.start):
        raise TypeError(f"{f.name}: its start is a function, lambda points: {f.start!r}")
    if not isinstance(f.regulariser, Regulariser | None):
        raise TypeError(
            f"{f.name}: a {type(f.regulariser).__name__} is no regulariser, such as "
            "Regulariser(points); its weight is w_reg of the method"
        )


def _require_cells(problem: Problem, f: Function) -> None:
    """Cells of a problem that states a weak form, around a first guess inside their bounds."""
    if f.cells is None:
        return
    if not isinstance(f.cells, Cells):
        raise TypeError(
            f"{f.name}: a {type(f.cells).__name__} is no grid of cells, Cells(nodes, low, high)"
        )
    if not states_weak_form(problem):
        raise ValueError(
            f"{f.name} has cells, which a weak form takes, and {problem.name} states none: write "
            "weak(self, u, v, at), or leave the cells out"
        )
    low, high = f.cells.low, f.cells.high
    start = values_at(f.domain.grid(f.cells.nodes), f.start)
    least, most = float(start.min()), float(start.max())
    slack = ROUNDING * (high - low)
    if not (low - slack <= least and most <= high + slack):
        raise ValueError(
            f"{f.name}: the start, {least:.4g} to {most:.4g}, is outside the bounds of its cells, "
            f"({low:g}, {high:g})"
        )
