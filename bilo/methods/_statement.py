"""What a problem says, evaluated once at its start: refused in words where it is no equation."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from bilo.inverse.fields import Fields, as_tuple
from bilo.inverse.function import Function
from bilo.inverse.point_jets import PointJets
from bilo.inverse.problem import Problem
from bilo.lower.galerkin import FirstOrder
from bilo.taylor.jets import Jet
from bilo.taylor.streams import Streams

POINTS = 64
"""Where the equation is evaluated."""
LINEAR = 1e-9
"""Largest relative difference of a weak form from one that is linear in v."""


class Statement:
    """What a problem says, evaluated once.

    Parameters
    ----------
    problem : Problem
        At its start; functions at random weights, for their first guess takes seconds to fit.
    """

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.params = torch.cat(
            [
                k.random_params(0) if isinstance(k, Function) else k.start_params(0)
                for k in problem.unknowns
            ]
        )

    def used(self) -> set[str]:
        """Unknowns that operator, transform, residual and conditions ask for.

        Raises
        ------
        TypeError
            If one of them returns something else than jets.
        ValueError
            If it returns too many or too few.
        """
        problem = self.problem
        with _blamed(problem, "the equation"):
            points = problem.collocation(POINTS, torch.Generator().manual_seed(0))
            at = PointJets(problem, points.to(self.params), self.params)
        u = self.represented(at)
        if problem.of_the_solution:
            at.bind(u)
        with _blamed(problem, "the residual"):
            r = problem.residual(problem.together(u), at)
        require_jets(problem, "residual", r)
        if len(as_tuple(r)) < len(problem.fields):
            raise ValueError(
                f"{problem.name}: {len(as_tuple(r))} equations for {len(problem.fields)} fields"
            )
        used = set(at.used)
        for condition in problem.conditions():
            there = PointJets(problem, condition.points.to(self.params), self.params)
            v = self.represented(there)
            with _blamed(problem, "a condition"):
                c: Any = condition.residual(problem.together(v), there)
            require_jets(problem, "a condition", c)
            used |= there.used
        return used

    def represented(self, at: PointJets) -> tuple[Jet, ...]:
        """The fields at some output of a network or other."""
        problem = self.problem
        with _blamed(problem, "the transform"):
            u: Any = problem.transform(problem.together(at.fields()), at)
        require_jets(problem, "transform", u)
        if len(as_tuple(u)) != len(problem.fields):
            raise ValueError(
                f"{problem.name}: transform returns {len(as_tuple(u))} fields, and there are "
                f"{len(problem.fields)}: {', '.join(problem.fields)}"
            )
        return as_tuple(u)

    def used_weakly(self) -> set[str]:
        """Unknowns that the weak form asks for, at some field and test function or other.

        Raises
        ------
        TypeError
            If it returns something else than a jet, or asks for slopes of an unknown function.
        ValueError
            If it is not linear in v, asks for second derivatives, or cannot be taken at all.
        """
        problem = self.problem
        if len(problem.fields) > 1 or problem.of_the_solution:
            what = "several fields" if len(problem.fields) > 1 else "a function of the solution"
            raise ValueError(
                f"{problem.name} states a weak form, which is of a single field and of unknowns "
                f"that are no functions of it, and has {what}"
            )
        points = problem.collocation(POINTS, torch.Generator().manual_seed(0))
        at = _Slopeless(problem, points.to(self.params), self.params, tangents=False)
        (u,), (v,) = at.fields(), at.fields()
        one, two, none = (self._weak(u, v * factor, at) for factor in (1, 2, 0))
        size = one.abs().max()
        if bool((none.abs() > LINEAR * size).any()):
            raise ValueError(
                f"{problem.name}: weak has a term without v ({float(none.abs().max()):.4g} at most "
                "where v = 0): each of its terms is linear in v"
            )
        if bool(((two - 2 * one).abs() > LINEAR * size).any()):
            raise ValueError(f"{problem.name}: weak is not linear in v")
        return at.used

    def _weak(self, u: Jet, v: Jet, at: PointJets) -> Tensor:
        """Values (N,) of the weak form's integrand."""
        problem = self.problem
        try:
            with _blamed(problem, "the weak form"):
                g: Any = problem.weak(u, v, at)
        except KeyError as error:
            raise ValueError(
                f"{problem.name}: weak takes values of the unknowns, and values and first "
                f"derivatives of u and v: {error.args[0]}"
            ) from error
        if g is None:
            raise TypeError(f"{problem.name}: weak returns nothing; is its `return` missing?")
        if isinstance(g, tuple):
            raise TypeError(f"{problem.name}: weak returns {len(g)} numbers, not one: their sum")
        require_jets(problem, "weak", g)
        return g.value.expand(len(at.points))


class _Slopeless(FirstOrder):
    """Jets of values and first derivatives, but of unknown functions the values alone."""

    def _input(self, j: int) -> Jet:
        z, k = super()._input(j), self._problem.unknowns[j]
        return Jet(z.data[:, :1], _ValueOf(function=k.name)) if isinstance(k, Function) else z


@dataclass(frozen=True, eq=False)
class _ValueOf(Streams):
    """The value of an unknown function, which says so where it is asked for a slope."""

    function: str = ""

    def index(self, name: str) -> int:
        """The value's position, and no other."""
        if name != "1":
            raise TypeError(f"weak asks for the slope {name!r} of {self.function}, which may jump")
        return 0


@contextmanager
def _blamed(problem: Problem, what: str) -> Iterator[None]:
    """An error of a problem's own code says where it comes from, and that nothing was trained."""
    try:
        yield
    except Exception as error:
        error.add_note(f"{what} of {problem.name}, evaluated once before any training")
        raise


def require_jets(problem: Problem, what: str, found: Fields) -> None:
    """Refuse what has lost its derivatives.

    Raises
    ------
    TypeError
    """
    for one in as_tuple(found):
        if not isinstance(one, Jet):
            raise TypeError(
                f"{problem.name}: {what} returns a {type(one).__name__}, not a jet: write it with "
                "u, N and at[name], never with their values, which have no derivatives"
            )
