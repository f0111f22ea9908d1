"""How large a residual is beside the terms of its equation, where both are known."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from bilo.inverse.box import Box
from bilo.inverse.point_jets import PointJets
from bilo.inverse.problem import Problem
from bilo.inverse.unknown import Scalar
from bilo.lower.losses import relative_residual
from bilo.networks.network import OperatorNetwork
from bilo.taylor.jets import Jet


class Exact(Problem):
    """u = exp(-x), whatever the network, in u' + k u = load."""

    box = Box(x=(0, 1))
    unknowns = (Scalar("k", start=1.0, bounds=(0.1, 10.0)),)
    load = 0.0
    size = 1.0

    def transform(self, N: Jet, at: PointJets) -> Jet:
        return N * 0.0 + (-at["x"]).exp() * self.size

    def residual(self, u: Jet, at: PointJets) -> Jet:
        return (u.d("x") + at["k"] * u - self.load) * 3.0


class Loaded(Exact):
    """u = 0 and a load: nothing but the load is left."""

    size, load = 0.0, 2.0


class Squared(Exact):
    """u' + k exp(x) u^2 = 0: the slope of u^2 counts it twice, and takes it back once."""

    def residual(self, u: Jet, at: PointJets) -> Jet:
        return u.d("x") + at["k"] * at["x"].exp() * u * u


class Twins(Exact):
    """A right equation and a wrong one: the worst counts."""

    fields = ("u", "v")

    def transform(self, N: Any, at: PointJets) -> Any:
        one = Exact.transform(self, N[0], at)
        return one, one

    def residual(self, u: Any, at: PointJets) -> Any:
        return u[0].d("x") + u[0], u[1].d("x") + at["k"] * u[1]


@pytest.mark.parametrize(
    ("problem", "k", "ratio"),
    [
        (Exact(), 1.0, 0.0),
        (Exact(), 2.0, 1 / 5**0.5),  # terms -u and 2 u, and u is left
        (Exact(), 1.01, 0.01 / (1 + 1.01**2) ** 0.5),
        (Loaded(), 1.0, 1.0),
        (Squared(), 1.0, 0.0),
        (Squared(), 2.0, 1 / 21**0.5),  # -u, 4 u by the slope and -2 u as what is left of it
        (Twins(), 1.0, 0.0),
        (Twins(), 2.0, 1 / 5**0.5),
    ],
    ids=lambda v: v.name if isinstance(v, Problem) else str(v),
)
def test_the_ratio(problem: Problem, k: float, ratio: float) -> None:
    network = OperatorNetwork(problem, 4, 2, 0, 0).double()
    points = problem.collocation(40, torch.Generator()).to(network.like)
    found = relative_residual(network, points, torch.tensor([k], dtype=torch.float64))
    assert found == pytest.approx(ratio, rel=1e-9, abs=1e-12)


def test_the_units_of_the_equation_do_not_matter() -> None:
    class Scaled(Exact):
        def residual(self, u: Jet, at: PointJets) -> Jet:
            return super().residual(u, at) * 1e-9

    found = []
    for problem in (Exact(), Scaled()):
        network = OperatorNetwork(problem, 4, 2, 0, 0).double()
        points = problem.collocation(40, torch.Generator()).to(network.like)
        params = torch.tensor([2.0], dtype=torch.float64)
        found.append(relative_residual(network, points, params))
    assert found[0] == pytest.approx(found[1], rel=1e-9)
