"""Whether problem, data and method make sense together: refused in words, before any training.

The equation is evaluated once, at the start, which tells what it uses and returns.
"""

from __future__ import annotations

import torch
from torch import Tensor

from bilo.inverse.fields import as_tuple
from bilo.inverse.function import unchanged
from bilo.inverse.least_squares import LeastSquares
from bilo.inverse.objective import Objective
from bilo.inverse.point_jets import PointJets, asked_by
from bilo.inverse.points import Points
from bilo.inverse.problem import Problem
from bilo.lower.galerkin import states_weak_form
from bilo.methods._kinds import require_data, require_problem, require_unknowns
from bilo.methods._network_method import NetworkMethod
from bilo.methods._statement import POINTS, Statement, require_jets
from bilo.networks.network import OperatorNetwork

OF_SCALARS, OF_FUNCTIONS = ("bpn", "direct_fit"), ("adjoint", "descent", "tikhonov")
SOLVED = ("direct_fit", "deeponet")
"""Methods that solve the equation numerically."""


def require_sense(problem: Problem, data: Objective, method: object) -> None:
    """Refuse what cannot be fitted.

    Raises
    ------
    TypeError
        If something is not of the kind it should be: a class for a problem, a tensor for a jet.
    ValueError
        If problem, data and method do not fit together, or the residual is no number at the start.
    """
    require_problem(problem)
    require_data(data)
    require_unknowns(problem)
    _require_method(problem, method)
    _require_homes(problem)
    _require_places(problem, data)
    if isinstance(method, NetworkMethod):
        used = Statement(problem).used() if method.solves_the_equation else set()
        seen, columns = _seen(problem, data)
        unused = [k.name for k in problem.unknowns if k.name not in used | seen]
        if unused and method.solves_the_equation:
            raise ValueError(
                f"{problem.name}: neither the equation nor the data use {', '.join(unused)}"
            )
        _require_count(problem, data, columns)
        if method.takes_weak_form and states_weak_form(problem):
            _require_weak_form(problem)
        else:
            _require_bounded_networks(problem, method)
        if not problem.functions and method.solves_the_equation:
            _require_numbers(problem)


def _require_method(problem: Problem, method: object) -> None:
    if isinstance(method, type):
        raise TypeError(f"method: an instance is needed, {method.__name__}()")
    name = getattr(method, "name", type(method).__name__)
    if name in OF_SCALARS:
        problem.require_scalars(name)
    if name in OF_FUNCTIONS and problem.scalars:
        names = ", ".join(k.name for k in problem.scalars)
        raise ValueError(f"{name} takes one unknown function, no scalars: {names}; take direct_fit")
    if name in SOLVED and not problem.has_reference:
        raise ValueError(f"{problem.name} has no numerical solution, which {name} needs")
    regularised = any(f.regulariser for f in problem.functions)
    if getattr(method, "w_reg", 0) and isinstance(method, NetworkMethod) and not regularised:
        raise ValueError(
            f"{problem.name} has no regulariser, of which w_reg is the weight: leave w_reg out, or "
            "give an unknown function one, Function(..., regulariser=Regulariser(points))"
        )


def _require_homes(problem: Problem) -> None:
    """A function without a box lives on (0, 1), which has to be where the problem is."""
    for f in problem.functions:
        for c in f.coordinates:
            low, high = problem.box.intervals.get(c, (0.0, 1.0)) if problem.box else (0.0, 1.0)
            if f.box is None and (low, high) != (0.0, 1.0):
                raise ValueError(
                    f"{f.name}: without a box a function lives on (0, 1), and {problem.name} has "
                    f"{c} in ({low:g}, {high:g}): give it box=Box({c}=({low:g}, {high:g}))"
                )
            if f.regulariser and c not in f.regulariser.points.coordinates:
                raise ValueError(f"{f.name}: the points of its regulariser lack the coordinate {c}")


def _require_places(problem: Problem, data: Objective) -> None:
    """Points of the data have the problem's coordinates, and lie in its box where it says one."""
    rows = data.points.coordinates
    missing = [c for c in problem.coordinates if c not in rows]
    if missing:
        raise ValueError(
            f"data: the points lack the coordinate {', '.join(missing)}; {problem.name} has "
            f"{', '.join(problem.coordinates)}"
        )
    if problem.box is None:
        return
    outside = ~problem.box.contains(data.points)
    if outside.any():
        raise ValueError(
            f"data: {int(outside.sum())} of {len(outside)} points lie outside {problem.box}, the "
            f"first at {_place(data.points, outside)}"
        )


def _require_weak_form(problem: Problem) -> None:
    """It is one, and uses every unknown: it is all of the equation that is solved."""
    used = Statement(problem).used_weakly()
    unused = [k.name for k in problem.unknowns if k.name not in used]
    if unused:
        raise ValueError(f"{problem.name}: the weak form does not use {', '.join(unused)}")


def _require_bounded_networks(problem: Problem, method: NetworkMethod) -> None:
    """Where cells are not taken the bounds they state hold by the transform of a network, or not
    at all.
    """
    for f in problem.functions:
        if f.cells is not None and f.transform is unchanged:
            low, high = f.cells.low, f.cells.high
            raise ValueError(
                f"{f.name} has cells, values between {low:g} and {high:g}, which {method.name} by "
                f"recipe {method.recipe!r} does not take, and its network has no bounds: take "
                f"BiLO('varpro'), or give the network these bounds too, "
                f"transform=lambda N, at: {low:g} + {high - low:g} * N.sigmoid()"
            )


def _seen(problem: Problem, data: Objective) -> tuple[set[str], int]:
    """Unknowns that the data use themselves, and the numbers they see at a point."""
    if data.seen is None:
        return set(), len(problem.fields)
    statement = Statement(problem)
    points = data.points.to(statement.params)
    try:
        also = asked_by(problem, data.seen, points, statement.params)
        at = PointJets(problem, points, statement.params, derivatives=bool(also), also=also)
        found = data.seen(problem.together(statement.represented(at)), at)
    except Exception as error:
        raise ValueError(f"data.seen failed: {type(error).__name__}: {error}") from error
    require_jets(problem, "data.seen", found)
    return at.used, len(as_tuple(found))


def _require_count(problem: Problem, data: Objective, columns: int) -> None:
    if not isinstance(data, LeastSquares):
        return
    numbers = len(data.points) * columns
    what = f"{len(data.points)} points with {columns} numbers each"
    if data.functional is None and len(data.values) != numbers:
        fields = f"fields {', '.join(problem.fields)}" if data.seen is None else "data.seen"
        raise ValueError(f"data: {len(data.values)} values for {what} ({fields})")
    if data.functional is not None and data.functional.shape[1] != numbers:
        raise ValueError(f"data: functionals of {data.functional.shape[1]} numbers for {what}")


@torch.no_grad()
def _require_numbers(problem: Problem) -> None:
    """The residual of a fresh network is finite everywhere."""
    network = OperatorNetwork(problem, width=8, layers=2, fourier=0, seed=0).double()
    params = problem.start_params(0)
    for n in (POINTS, None):
        points = problem.collocation(n, torch.Generator().manual_seed(0)).to(params)
        at = PointJets(problem, points, params, tangents=False)
        for r in problem.residuals(network.represented(at), at):
            bad = ~torch.isfinite(r.value.expand(len(points)))
            if bad.any():
                raise ValueError(
                    f"{problem.name}: the residual is not finite at {int(bad.sum())} of "
                    f"{len(points)} points with the unknowns at their start, the first at "
                    f"{_place(points, bad)}"
                )


def _place(points: Points, which: Tensor) -> str:
    first = int(which.nonzero()[0])
    return ", ".join(f"{c} = {float(x[first]):.4g}" for c, x in points.coordinates.items())
