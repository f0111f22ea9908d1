"""`bilo.check`: the package's problems pass; classes with one fault each are told which."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from typing import Any

import pytest
import torch

from bilo.inverse import shapes
from bilo.inverse.box import Box
from bilo.inverse.point_jets import PointJets
from bilo.inverse.problem import Problem
from bilo.inverse.unknown import Scalar
from bilo.methods._check import Report, check
from bilo.problems import get, names
from bilo.problems.fisher_kpp import FisherKPP
from bilo.problems.poisson import Poisson
from bilo.problems.poisson_scalar import PoissonScalar
from bilo.taylor.jets import Jet


def _failed(report: Report) -> dict[str, str]:
    return {c.name: c.words for c in report.checks if c.passed is False}


@pytest.mark.parametrize("name", names())
def test_the_package_s_problems_are_right(name: str) -> None:
    report = check(get(name))
    assert report.ok, str(report)
    assert str(report).startswith(f"{name}: ok")
    made = {c.name for c in report.checks if c.passed}
    assert {"equation", "numerical solution", "numerical residual"} <= made
    by_network = {"derivatives", "transform"}  # which takes no function of the solution
    assert by_network & made == (set() if get(name).of_the_solution else by_network)


class OtherSign(FisherKPP):
    """The reaction has the wrong sign."""

    def residual(self, u: Any, at: PointJets) -> Any:
        return at.apply(u) + at["rho"] * u * (1 - u)


class SlightlyOther(FisherKPP):
    """A term of a few per cent is missing in the numerical solution."""

    def residual(self, u: Any, at: PointJets) -> Any:
        return at.apply(u) - at["rho"] * u * (1 - u) - 0.05 * u


class OtherStart(FisherKPP):
    """The initial values are not those of the numerical solution."""

    def transform(self, N: Any, at: PointJets) -> Any:
        return (at["x"] * math.pi).sin() * 0.5 + N * at.vanishing("x", after="t")


class Forgotten(FisherKPP):
    """Nothing is imposed."""

    def transform(self, N: Any, at: PointJets) -> Any:
        return N


class Lost(FisherKPP):
    """A derivative of the transform is lost on the way through a tensor."""

    def transform(self, N: Any, at: PointJets) -> Any:
        u0 = at.cached("u0", lambda at: (at["x"] * math.pi).sin() ** 2 * 0.5)
        part = N * at.vanishing("x", after="t")
        still = Jet(torch.zeros_like(part.data), part.streams) + 1.0
        x = at.points.coordinates["x"]
        still.data = still.data.clone()
        still.data[:1, 0] = 1 + 0.1 * x * (1 - x)
        return u0 + part * still


class Held(FisherKPP):
    """An unknown enters as a number."""

    def residual(self, u: Any, at: PointJets) -> Any:
        rho = Jet.known(at["rho"].value.expand(len(at.points)))
        return at.apply(u) - rho * u * (1 - u)


class Unused(FisherKPP):
    """An unknown too many."""

    unknowns = (*FisherKPP.unknowns, Scalar("alpha", start=1.0, bounds=(0.1, 2.0)))


class WrongSensitivity(FisherKPP):
    """That by rho is twice what it is."""

    def sensitivities(self, theta: Any, points: Any) -> Any:
        found = super().sensitivities(theta, points)
        assert found is not None
        return found[0], found[1] * torch.tensor([[1.0], [2.0]])


class OutOfReach(Poisson):
    """The start is 2 at the ends, where the network's transform says 1."""

    unknowns = (replace(Poisson.unknowns[0], start=shapes.everywhere(2.0)),)


class Column(Poisson):
    """The start has a column too many."""

    unknowns = (replace(Poisson.unknowns[0], start=lambda points: torch.ones(len(points), 1)),)


class Shapeless(FisherKPP):
    """The numerical solution gives two numbers a point."""

    def solve(self, theta: Any) -> Any:
        u = super().solve(theta)
        return lambda t, x: torch.stack([torch.as_tensor(u(t=t, x=x))] * 2, -1).numpy()


class Tensors(FisherKPP):
    """The residual is no jet."""

    def residual(self, u: Any, at: PointJets) -> Any:
        return super().residual(u, at).value


class Broken(FisherKPP):
    """A name that there is not."""

    def residual(self, u: Any, at: PointJets) -> Any:
        return at.apply(u) - at["kappa"] * u


@pytest.mark.parametrize(
    ("problem", "name", "words"),
    [
        (OtherSign, "numerical residual", "does not solve the equation: it leaves"),
        (SlightlyOther, "numerical residual", "does not solve the equation: it leaves"),
        (OtherStart, "transform", "differs from the numerical solution: u at t = 0 by"),
        (Forgotten, "transform", "imposes nothing on any side, and there are no conditions"),
        (Lost, "derivatives", "a derivative in the coordinates is lost"),
        (Held, "derivatives", "derivative by rho differs by .*enters somewhere as a number"),
        (Unused, "equation", "it never uses alpha"),
        (WrongSensitivity, "sensitivities", "that by rho differs by"),
        (Column, "functions", r"a function gave \(101, 1\) for 101 points"),
        (OutOfReach, "functions", "the network of D misses its start by"),
        (Shapeless, "numerical solution", r"it gives \(2601, 2\) numbers for \(2601,\)"),
        (Tensors, "equation", "TypeError: fisher_kpp: residual returns a Tensor|Tensor"),
        (Broken, "equation", r"KeyError.*kappa.*evaluated once"),
    ],
)
def test_a_fault_is_named(problem: type[Problem], name: str, words: str) -> None:
    report = check(problem())
    failed = _failed(report)
    assert not report.ok
    assert name in failed, str(report)
    assert re.search(words, failed[name]), failed[name]
    assert "something is wrong" in str(report)
    if problem not in (Shapeless, Lost):  # whose numerical solution, or field, is then wrong too
        assert set(failed) == {name}, str(report)


class Alone(PoissonScalar):
    """Without a numerical solution."""

    has_reference = False

    def reference(self, theta: Any) -> Any:
        return None


def test_what_was_not_tested_is_said() -> None:
    report = check(Alone())
    assert report.ok
    assert {c.name for c in report.checks if c.passed is None} >= {
        "functions", "numerical solution", "numerical residual", "sensitivities",
    }  # fmt: skip


class Coupled(Problem):
    """A system on a box that is not the unit one: u' = k v, v' = -k u, u(0) = 0, v(0) = 1."""

    box = Box(t=(0, 3))
    fields = ("u", "v")
    unknowns = (Scalar("k", start=0.7, bounds=(0.1, 2.0)),)

    def transform(self, N: Any, at: PointJets) -> Any:
        return N[0] * at["t"], N[1] * at["t"] + 1.0

    def residual(self, u: Any, at: PointJets) -> Any:
        return u[0].d("t") - at["k"] * u[1], u[1].d("t") + at["k"] * u[0]

    def solve(self, theta: Any) -> Any:
        k = theta["k"]
        return lambda t: torch.stack(
            [torch.as_tensor(k * t).sin(), torch.as_tensor(k * t).cos()], -1
        )


class Crossed(Coupled):
    """The fields of the numerical solution in the wrong order."""

    def solve(self, theta: Any) -> Any:
        u = super().solve(theta)
        return lambda t: u(t).flip(-1)


def test_a_system() -> None:
    report = check(Coupled())
    assert report.ok, str(report)
    failed = _failed(check(Crossed()))
    assert set(failed) == {"numerical residual", "transform"}
    assert "u at t = 0 by 1, v at t = 0 by 1" in failed["transform"]
