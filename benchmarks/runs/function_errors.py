"""How good an inferred function is: errors against truth and classical fit, and what to draw."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from bilo.inverse.function import Function
from bilo.inverse.points import Points
from bilo.inverse.problem import Problem
from bilo.inverse.unknown import PointFunction
from bilo.training.solution import Solution

JUDGED = (1001, 61)
"""Equidistant points along the one coordinate, or along each of two, that errors are taken at."""
KEPT = (201, 61)
"""Points that a result keeps for the figures."""


def judged(k: Function) -> Points:
    """The points that a function is judged at."""
    return k.domain.grid(JUDGED[len(k.coordinates) - 1])


def errors(k: Function, found: PointFunction, exact: PointFunction) -> dict[str, float]:
    """Relative L2, largest and mean square error of a function.

    ``l2`` = |f - f*|_2 / |f*|_2,  ``linf`` = max |f - f*|,  ``mean_square`` = mean (f - f*)^2.
    """
    points = judged(k)
    truth = exact(points).double()
    error = found(points).double() - truth
    return {
        "l2": float(error.norm() / truth.norm()),
        "linf": float(error.abs().max()),
        "mean_square": float((error**2).mean()),
    }


def accuracy(k: Function, found: PointFunction, exact: PointFunction) -> float:
    """Part of the points where a function with two values, cut half-way, is in the right phase."""
    points = judged(k)
    truth = exact(points)
    cut = (truth.min() + truth.max()) / 2
    return float(((found(points) >= cut) == (truth >= cut)).double().mean())


def row(
    k: Function,
    truth: PointFunction,
    solution: Solution,
    reference: Solution | None,
    *,
    drawn: bool,
) -> dict[str, Any]:
    """Truth, estimate and start on an equidistant grid, and relative L2 errors.

    Parameters
    ----------
    drawn : bool
        Whether the seed drew the truth: then no ``example`` is named, nor where there is only one.
    """
    estimate = solution.unknowns[k.name]
    named = truth in k.truths and len(k.truths) > 1 and not drawn
    return {
        "coordinates": list(k.coordinates),
        "nodes": KEPT[len(k.coordinates) - 1],
        "example": k.truths.index(truth) + 1 if named else None,
        "truth": sampled(k, truth),
        "estimate": sampled(k, estimate),
        "start": sampled(k, k.start),
        "rel_error": errors(k, estimate, truth)["l2"],
        "rel_error_vs_reference_fit": None
        if reference is None
        else errors(k, estimate, reference.unknowns[k.name])["l2"],
    }


def field_error(
    problem: Problem, truth: Mapping[str, Any], solution: Solution
) -> dict[str, float] | None:
    """`errors` of the problem's unknown function; None where it has none."""
    found = [errors(k, solution.unknowns[k.name], truth[k.name]) for k in problem.functions]
    return found[0] if found else None


def represented(problem: Problem, solution: Solution) -> Tensor | None:
    """u (N,) at the problem's full set of points: of the network, or else of the solver.

    None where there is neither.
    """
    everywhere = problem.collocation(None, torch.Generator())
    if solution.network is not None:
        return solution.field(everywhere).double()
    numerical = problem.numerical(solution.unknowns)
    return None if numerical is None else numerical(everywhere)


def against_truth(problem: Problem, truth: Mapping[str, Any], u: Tensor | None) -> float | None:
    """Relative L2 difference of u from the numerical solution at the truth."""
    numerical = problem.numerical(truth)
    if u is None or numerical is None:
        return None
    exact = numerical(problem.collocation(None, torch.Generator()))
    return float((u - exact).norm() / exact.norm())


def sampled(k: Function, f: PointFunction) -> list[float]:
    """Values on the grid that a result keeps, the last coordinate running fastest."""
    return digits(f(k.domain.grid(KEPT[len(k.coordinates) - 1])))


def digits(values: Tensor) -> list[float]:
    """Values to six significant digits: enough to draw, and short to store; fields side by side."""
    return [float(f"{v:.6g}") for v in values.flatten().tolist()]
