"""What single experiments measure of an inferred function beside its errors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from scipy.interpolate import RegularGridInterpolator
from torch import Tensor

from benchmarks.runs.function_errors import accuracy, judged
from bilo.classical import baselines
from bilo.inverse.least_squares import LeastSquares
from bilo.inverse.objective import SeparableObjective
from bilo.inverse.points import Points
from bilo.inverse.problem import Problem
from bilo.inverse.unknown import PointFunction
from bilo.solvers import burgers, source
from bilo.solvers.spline import Spline
from bilo.training.solution import Solution

Measure = Callable[
    [Problem, SeparableObjective, Mapping[str, Any], Solution], dict[str, float | None]
]

FINE = 1001
"""Points at which a network's u(x, 1) is searched for shocks."""
NOTABLE = 0.3
"""Height of a shock, relative to the highest, from which on it counts."""


def phases(
    problem: Problem, data: SeparableObjective, truth: Mapping[str, Any], solution: Solution
) -> dict[str, float | None]:
    """Accuracy of a function with two values, cut half-way; the least L2 error that it implies.

    Where the phase is wrong the function is off by at least half the jump, so that

        |A - A*|_2 / |A*|_2 >= sqrt(N (1 - accuracy)) (A_2 - A_1) / 2 / |A*|_2.
    """
    (k,) = problem.functions
    right = accuracy(k, solution.unknowns[k.name], truth[k.name])
    exact = truth[k.name](judged(k))
    jump = float(exact.max() - exact.min())
    least = (len(exact) * (1 - right)) ** 0.5 * jump / 2 / float(exact.norm())
    return {"accuracy": right, "least_l2_of_accuracy": least}


def final_time(
    problem: Problem, data: SeparableObjective, truth: Mapping[str, Any], solution: Solution
) -> dict[str, float | None]:
    """u(x, 1) against the data, and the places of its shocks against those of the truth.

    Of the represented field, and (``_fdm``) of Godunov's scheme from the inferred f: the relative
    L1 difference and the largest distance of a shock. Shocks of the numerical solution are told
    from its cell averages, those of a network from point values.
    """
    (k,) = problem.functions
    cells = Points({"x": torch.from_numpy(burgers.centres())})
    solved = problem.numerical(solution.unknowns)
    assert solved is not None
    assert isinstance(data, LeastSquares)
    fdm = solved(data.points)
    represented = fdm if solution.network is None else solution.field(data.points).double()
    places = _shocks(burgers.final(_cells(truth[k.name], cells)))
    fdm_places = _places(burgers.final(_cells(solution.unknowns[k.name], cells)), len(places))
    if solution.network is None:
        own = fdm_places
    else:
        x = torch.linspace(0, 1, FINE, dtype=torch.float64)
        at_end = Points({"t": torch.ones_like(x), "x": x})
        own = _places(solution.field(at_end).double().numpy(), len(places), x.numpy())
    return {
        "u_final_rel_l1": _relative_l1(represented, data.values),
        "u_final_rel_l1_fdm": _relative_l1(fdm, data.values),
        "shock_error": _furthest(own, places),
        "shock_error_fdm": _furthest(fdm_places, places),
    }


def best_penalty(
    problem: Problem, data: SeparableObjective, truth: Mapping[str, Any], solution: Solution
) -> dict[str, float | None]:
    """Relative L2 errors of the best of ten classical fits with a penalty, by the name of each.

    The best is known with the truth in hand, and of several functions has the least product of
    their errors: no method has that knowledge, and none needs to be better.
    """
    assert isinstance(data, LeastSquares)
    rows, values = list(data.points.coordinates.values()), data.values.numpy()
    coordinates = [x.double().numpy() for x in rows]
    fitted = PENALISED[problem.name](*coordinates, values)
    found = []
    for functions in fitted:
        errors = {
            k.name: baselines.relative_error(
                functions[k.name](*(c.numpy() for c in judged(k).coordinates.values())),
                truth[k.name](judged(k)).numpy(),
            )
            for k in problem.functions
        }
        found.append(errors)
    best = min(found, key=lambda e: float(np.prod(list(e.values()))))
    return {f"best_penalty.{name}": value for name, value in best.items()}


Fitted = list[dict[str, Callable[..., Any]]]


def _reaction(t: np.ndarray, x: np.ndarray, values: np.ndarray) -> Fitted:
    nodes = baselines.REACTION_NODES
    return [{"r": Spline(np.array(nodes), m.z)} for m in baselines.reaction_fits(t, x, values)]


def _source(x: np.ndarray, y: np.ndarray, values: np.ndarray) -> Fitted:
    n = baselines.SOURCE_CELLS
    inside, axis, found = source.nodes(n)[2], np.linspace(0, 1, n + 1), []
    for m in baselines.source_fits(x, y, values):
        f = np.zeros((n + 1, n + 1))
        f[inside] = m.z[:-1]
        at = RegularGridInterpolator((axis, axis), f)
        found.append({"f": lambda x, y, at=at: at(np.stack([x, y], -1))})
    return found


def _two_functions(x: np.ndarray, values: np.ndarray) -> Fitted:
    n, both = baselines.TWO_FUNCTIONS_CELLS, values.reshape(-1, 2).T
    nodes = np.linspace(0, 1, n + 1)

    def linear(z: np.ndarray) -> Callable[..., Any]:
        return lambda x: np.interp(x, nodes, z)

    fits = baselines.two_functions_fits(x, both)
    return [{"a": linear(m.z[: n + 1]), "b": linear(m.z[n + 1 :])} for m in fits]


PENALISED: dict[str, Callable[..., Fitted]] = {
    "reaction": _reaction,
    "source": _source,
    "two_functions": _two_functions,
}
MEASURES: dict[str, Measure] = {
    "phases": phases,
    "final_time": final_time,
    "best_penalty": best_penalty,
}


def _cells(f: PointFunction, centres: Points) -> np.ndarray:
    return np.asarray(f(centres).double().numpy())


def _shocks(u: np.ndarray) -> np.ndarray:
    """Places of all notable shocks of cell averages."""
    places = np.zeros(0)
    for count in range(1, 10):
        try:
            found, heights = burgers.shocks(burgers.centres(len(u)), u, count)
        except ValueError:
            break
        if heights.min() < NOTABLE * heights.max():
            break
        places = found
    return places


def _places(u: np.ndarray, count: int, x: np.ndarray | None = None) -> np.ndarray | None:
    """Places of so many shocks; None if u has fewer descents."""
    try:
        return burgers.shocks(burgers.centres(len(u)) if x is None else x, u, count)[0]
    except ValueError:
        return None


def _furthest(found: np.ndarray | None, exact: np.ndarray) -> float | None:
    if found is None or not len(exact):
        return None
    return float(np.abs(found - exact).max())


def _relative_l1(u: Tensor, data: Tensor) -> float:
    return float((u - data).abs().sum() / data.abs().sum())
