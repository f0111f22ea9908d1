"""Contract tests of a user's own problem: what the package's problems are held to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from bilo.inverse.function import Function
from bilo.inverse.point_jets import PointJets
from bilo.inverse.points import EXACT, values_at
from bilo.inverse.problem import Problem
from bilo.inverse.unknown import Scalar
from bilo.lower import textbook
from bilo.lower.galerkin import states_weak_form
from bilo.methods import _check_reference as reference
from bilo.methods._check_weak import weak_form
from bilo.methods._kinds import require_problem, require_unknowns
from bilo.methods._statement import Statement
from bilo.networks.network import OperatorNetwork
from bilo.training.checks import Check

WIDTH, LAYERS = 12, 3
POINTS = 30
ROUNDING = 1e-8
"""Largest relative difference of two ways to one derivative, in float64."""
AWAY = 0.15
"""How far from its start a scalar is checked, in parts of the way to its bounds."""
REFERENCE = {
    "numerical solution": reference.values,
    "numerical residual": reference.residual,
    "transform": reference.transform,
    "sensitivities": reference.sensitivities,
}
MET = 2e-3
"""Largest root mean square error of a function's start, over its scale."""


@dataclass(frozen=True)
class Report:
    """What a problem was tested for.

    Attributes
    ----------
    problem : str
    checks : tuple of Check
    """

    problem: str
    checks: tuple[Check, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing failed."""
        return all(c.passed is not False for c in self.checks)

    def __str__(self) -> str:
        told = {True: "ok", False: "WRONG", None: "not tested"}
        wide = max(len(c.name) for c in self.checks)
        rows = [f"  {c.name:{wide}}  {told[c.passed]:10}  {c.words}" for c in self.checks]
        return "\n".join([f"{self.problem}: {'ok' if self.ok else 'something is wrong'}", *rows])


def check(problem: Problem) -> Report:
    """Test what a problem states, and say in words what is wrong; nothing is trained.

    Whether the equation can be evaluated and uses every unknown; derivatives of the residual, in
    the coordinates and by the unknowns, against nested automatic differentiation; whether a
    function's network meets its start; whether a weak form is the residual by parts; and where
    there is a numerical solution, whether it solves the equation, has the values that the transform
    imposes, and the sensitivities it claims.

    Parameters
    ----------
    problem : Problem

    Returns
    -------
    Report
        ``print(bilo.check(problem))``; `Report.ok`.

    Raises
    ------
    TypeError
        If it is no problem.
    """
    require_problem(problem)
    checks = [_tried("equation", lambda: _equation(problem))]
    if not checks[0].passed:
        return Report(problem.name, tuple(checks))
    try:
        params = _params(problem)
    except Exception as error:
        return Report(problem.name, (*checks, Check("functions", False, _words(error))))
    checks += [
        _tried("derivatives", lambda: _derivatives(problem, params)),
        _tried("functions", lambda: _functions(problem, params)),
    ]
    if states_weak_form(problem):
        checks.append(_tried("weak form", lambda: weak_form(problem, params)))
    try:
        solution = problem.numerical(problem.from_params(params))
    except Exception as error:
        checks.append(Check("numerical solution", False, _words(error)))
        return Report(problem.name, tuple(checks))
    for name, test in REFERENCE.items():
        checks.append(_tried(name, lambda test=test: test(problem, params, solution)))  # type: ignore[misc]
    return Report(problem.name, tuple(checks))


def _tried(name: str, test: Callable[[], Check]) -> Check:
    """What a problem's own code raises is a finding."""
    try:
        return test()
    except Exception as error:
        return Check(name, False, _words(error))


def _words(error: Exception) -> str:
    notes = "".join(f" ({note})" for note in getattr(error, "__notes__", ()))
    return f"{type(error).__name__}: {error}{notes}"


def _params(problem: Problem) -> Tensor:
    """Scalars a little away from their start, functions there."""
    parts = []
    for k in problem.unknowns:
        if isinstance(k, Scalar):
            (low, high), code = k.bounds, k.to_params(k.start)
            there = k.to_params(high if k.start < (low + high) / 2 else low)
            parts.append(torch.tensor([code + AWAY * (there - code)], dtype=torch.float64))
        else:
            parts.append(k.start_params(0))
    return torch.cat(parts)


def _equation(problem: Problem) -> Check:
    require_unknowns(problem)
    used = Statement(problem).used()
    unused = [k.name for k in problem.unknowns if k.name not in used]
    if unused:
        return Check("equation", False, f"it never uses {', '.join(unused)}")
    return Check("equation", True, "it returns jets, and uses every unknown")


def _derivatives(problem: Problem, params: Tensor) -> Check:
    """Of the residual of a network with random weights."""
    if problem.of_the_solution:
        return Check("derivatives", None, "no network takes a function of the solution as input")
    network = OperatorNetwork(problem, WIDTH, LAYERS, 0, seed=0).double()
    points = problem.collocation(POINTS, torch.Generator().manual_seed(5)).to(EXACT)
    at = PointJets(problem, points, params)
    exact = textbook.residuals(network, points, params)
    with torch.no_grad():
        found = problem.residuals(network.represented(at), at)
    names, rows = [k.name for k in problem.unknowns], 1 + len(problem.unknowns)
    for number, (jet, (r, by_z)) in enumerate(zip(found, exact, strict=True), 1):
        which = f"of equation {number} " if len(exact) > 1 else ""
        own = jet.coefficients(rows).expand(-1, len(points))
        if _apart(own[0], r) > ROUNDING:
            return Check(
                "derivatives",
                False,
                f"the residual {which}differs by {_apart(own[0], r):.2g} from that by automatic "
                "differentiation: a derivative in the coordinates is lost; write with at[name], "
                "never with values or tensors",
            )
        size = float(by_z.abs().max())
        for name, mine, z in zip(names, own[1:], by_z, strict=True):
            apart = float((mine - z).abs().max()) / max(size, 1e-300)
            if apart > ROUNDING:
                return Check(
                    "derivatives",
                    False,
                    f"the derivative {which}by {name} differs by {apart:.2g} from that by "
                    f"automatic differentiation: {name} enters somewhere as a number",
                )
    words = "residual and its derivatives by the unknowns agree with automatic differentiation"
    return Check("derivatives", True, words)


def _functions(problem: Problem, params: Tensor) -> Check:
    if not problem.functions:
        return Check("functions", None, "there are none")
    for k, part in zip(problem.unknowns, problem.split(params), strict=True):
        if not isinstance(k, Function):
            continue
        points = k.domain.grid(31 if len(k.coordinates) < 3 else 7)
        wanted = values_at(points, k.start)
        error = float((k.at(points, part) - wanted).pow(2).mean().sqrt()) / k.scale
        if not error <= MET:
            return Check(
                "functions",
                False,
                f"the network of {k.name} misses its start by {error:.2g} of the scale: its "
                "output transform does not reach it, or scale, width or fourier do not fit",
            )
    return Check("functions", True, "networks of functions meet their starts")


def _apart(a: Tensor, b: Tensor) -> float:
    return float((a - b).abs().max()) / max(float(b.abs().max()), 1e-300)
