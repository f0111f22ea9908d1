"""A fit whose answer is known, and what its status says: one row of the table."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import torch
from torch import Tensor

from bilo.classical.search import classical
from bilo.inverse.least_squares import LeastSquares
from bilo.inverse.objective import SeparableObjective
from bilo.inverse.points import Points
from bilo.inverse.problem import Problem
from bilo.methods._fit import Method, fit
from bilo.training.solution import Solution

Evidence = Literal["reference", "sigma", "neither"]
REFUSED = "refused"
OFF, OFF_SD = 0.02, 3.0
"""A scalar is wrong beyond both: relative, and in local standard deviations."""
FUNCTION_OFF = 0.15
"""A function is wrong beyond this relative L2 error, where a classical fit comes below 7 %."""
LEAST = 1e-6
"""Least noise, of data that have none, relative to them."""
SIDES = {1: 40, 2: 8}
"""Data along each coordinate."""

Spoil = Callable[[Tensor, Points], Tensor]


@dataclass(frozen=True)
class Row:
    """One fit.

    Attributes
    ----------
    name, what : str
        What is wrong with it.
    model : callable
        Makes the problem that is fitted.
    method : Method
    evidence : str
        Whether the fit has a reference solution, or the noise of its data, or neither.
    nature : callable, optional
        Makes the problem that makes the data and knows the truth.
    truth : mapping
        Where it is not the usual one.
    noise : float
        Standard deviation, over the largest value.
    said : float
        What is said to be the noise, as a multiple of it.
    points : Points, optional
        Of the data.
    spoil : callable, optional
        (values, points) -> values as they arrive.
    change : callable, optional
        Data -> data as they are given to the fit.
    seed : int
    within : callable, optional
        Where a function counts, points -> (N,) booleans.
    run : callable, optional
        (problem, data, row) -> Solution in place of `fit`.
    """

    name: str
    what: str
    model: Callable[[], Problem]
    method: Method
    evidence: Evidence = "sigma"
    nature: Callable[[], Problem] | None = None
    truth: Mapping[str, Any] | None = None
    noise: float = 0.01
    said: float = 1.0
    points: Points | None = None
    spoil: Spoil | None = None
    change: Callable[[Any], Any] | None = None
    seed: int = 0
    within: Callable[[Points], Tensor] | None = None
    run: Callable[[Problem, Any, Row], Solution] | None = None

    @property
    def key(self) -> str:
        """Of its result."""
        return f"{self.name}.{self.evidence}"


@dataclass(frozen=True)
class Outcome:
    """What a fit said, and what is so.

    Attributes
    ----------
    answer : str
    off : float
        Largest error of an unknown, relative.
    wrong : bool
    status : str
    words : list of str
        Of failed checks, or of the refusal.
    checks : dict
        Whether each passed.
    seconds : float
    """

    answer: str
    off: float
    wrong: bool
    status: str
    words: list[str]
    checks: dict[str, bool | None]
    seconds: float


def without_reference(problem: Problem) -> Problem:
    """The same problem where nobody knows a numerical solution.

    What classical methods fit by stays: they are that solution.
    """
    own = type(problem)
    nothing = {
        "reference": Problem.reference,
        "solve": Problem.solve,
        "solutions": Problem.solutions,
        "sensitivities": Problem.sensitivities,
        "solver": None,
        "judged": False,
        "name": own.name,
    }
    problem.__class__ = type(own.__name__, (own,), nothing)
    return problem


def _truth(row: Row) -> tuple[Problem, dict[str, Any]]:
    nature = (row.nature or row.model)()
    return nature, {**nature.truth(), **(row.truth or {})}


def points_of(problem: Problem) -> Points:
    """Those of the problem for an unknown function, else midpoints; float64."""
    if problem.functions and problem.observation is not None:
        return problem.observation.points(problem)
    found = problem.domain.midpoints(SIDES[len(problem.coordinates)])
    return problem.place({c: x.double() for c, x in found.coordinates.items()})


def data_of(row: Row) -> tuple[Any, Tensor | None]:
    """The data, and the local standard deviations (m,) of the true unknowns by them."""
    nature, truth = _truth(row)
    if row.points is None and nature.name == "particles":
        data = nature.observe(truth, 0.0, row.seed)
        return data, _sd(nature, data, truth)
    points = row.points or points_of(nature)
    solution = nature.numerical(truth)
    assert solution is not None
    exact = solution(points)
    sigma = max(row.noise, LEAST) * float(exact.abs().max())
    generator = torch.Generator().manual_seed(1000 + row.seed)
    drawn = torch.randn(exact.shape, generator=generator, dtype=torch.float64)
    values = exact + sigma * drawn * (row.noise > 0)
    sd = None if nature.functions else _sd(nature, LeastSquares(points, values, sigma), truth)
    if row.spoil is not None:
        values = row.spoil(values, points)
    data = LeastSquares(points, values, sigma * row.said if row.evidence == "sigma" else None)
    return data if row.change is None else row.change(data), sd


def _sd(nature: Problem, data: SeparableObjective, truth: Mapping[str, Any]) -> Tensor | None:
    """In the values of the unknowns."""
    theta = torch.tensor([truth[k.name] for k in nature.scalars]).double().numpy()
    u, J = (torch.from_numpy(a) for a in classical(nature, data)(theta))
    return data.local_sd(u, J.t(), data.start)


def run(row: Row) -> Outcome:
    """Fit, and compare."""
    problem = row.model()
    if row.evidence != "reference":
        problem = without_reference(problem)
    nature, truth = _truth(row)
    began = time.perf_counter()
    try:
        data, sd = data_of(row)
        found = (row.run or _fitted)(problem, data, row)
    except (ValueError, TypeError, KeyError) as error:
        seconds = time.perf_counter() - began
        return Outcome(REFUSED, math.nan, False, REFUSED, [str(error)], {}, seconds)
    named = {} if sd is None else nature.named(sd.tolist())
    answer, off, wrong = [], 0.0, False
    for name, value in found.unknowns.items():
        if name not in truth:
            continue
        if callable(value):
            error = _distance(problem, name, value, truth[name], row)
            answer.append(f"{name}: {100 * error:.0f} %")
            bad = error > FUNCTION_OFF
        else:
            apart = abs(value - truth[name])
            own = found.assessment.get("local_sd", {}).get(name, math.inf)
            finite = [s for s in (own, named.get(name, math.inf)) if math.isfinite(s)]
            s = min(finite, default=0.0)
            error = apart / (abs(truth[name]) or 1.0)
            sds = f"({apart / max(s, 1e-300):.3g} sd)"
            answer.append(f"{name} {value:.4g} for {truth[name]:.4g} {sds}")
            bad = not math.isfinite(value) or (error > OFF and apart > OFF_SD * s)
        off, wrong = max(off, error), wrong or bad
    checks = {c.name: c.passed for c in found.checks}
    words = list(found.warnings)
    seconds = time.perf_counter() - began
    return Outcome("; ".join(answer), off, wrong, found.status, words, checks, seconds)


def _fitted(problem: Problem, data: Any, row: Row) -> Solution:
    return fit(problem, data, row.method, seed=row.seed, device="cpu")


def _distance(problem: Problem, name: str, value: Any, truth: Any, row: Row) -> float:
    (f,) = (k for k in problem.functions if k.name == name)
    points = f.domain.grid(201 if len(f.coordinates) == 1 else 41)
    where = torch.ones(len(points), dtype=torch.bool) if row.within is None else row.within(points)
    exact = truth(points)[where]
    return float((value(points)[where].double() - exact).norm() / exact.norm())


def variants(row: Row, *evidence: Evidence) -> list[Row]:
    """The same with different evidence."""
    return [replace(row, evidence=e) for e in evidence]
