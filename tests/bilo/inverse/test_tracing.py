"""Derivatives that an equation asks for are found; operators are written as sums."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from bilo.inverse.box import Box
from bilo.inverse.condition import Condition
from bilo.inverse.least_squares import LeastSquares
from bilo.inverse.point_jets import PointJets
from bilo.inverse.points import Points
from bilo.inverse.problem import Problem
from bilo.inverse.unknown import Scalar
from bilo.lower.losses import operator_loss, relative_residual, residual_loss
from bilo.networks.network import OperatorNetwork, seen
from bilo.taylor.jets import Jet
from bilo.taylor.streams import Operator, Streams, coordinates_of, d
from tests.bilo.oracle import nested

PARAMS = torch.tensor([0.7, 1.2], dtype=torch.float64)


class Traced(Problem):
    """u_t - 0.1 D (u_xx + 0.5 u_xy) - 0.2 u_yy + b u_x = u^2, derivatives one by one."""

    box = Box(t=(0, 2), x=(0, 1), y=(-1, 1))
    unknowns = (
        Scalar("D", start=1.0, bounds=(0.1, 10.0)),
        Scalar("b", start=1.0, bounds=(-5.0, 5.0)),
    )

    def transform(self, N: Jet, at: PointJets) -> Jet:
        return at["x"] * at["D"] + at["t"] * N

    def residual(self, u: Jet, at: PointJets) -> Jet:
        spread = u.d("x", "x") + 0.5 * u.d("x", "y")
        M = u.d("t") - 0.1 * at["D"] * spread - 0.2 * u.d("y", "y")
        return M + at["b"] * u.d("x") - u * u


class Summed(Traced):
    """The same with a principal operator, written as a sum."""

    def principal(self, at: PointJets) -> Operator:
        spread = d("x", "x") + 0.5 * d("x", "y")
        return -(at["D"] * 0.1 * spread - d("t") + d("y", "y") * 0.2)

    def residual(self, u: Jet, at: PointJets) -> Jet:
        return at.apply(u) + at["b"] * u.d("x") - u * u


def _setting(problem: Problem) -> tuple[OperatorNetwork, Points]:
    network = OperatorNetwork(problem, 7, 3, 0, 2).double()
    return network, problem.collocation(20, torch.Generator().manual_seed(1)).to(network.like)


@pytest.mark.parametrize("problem", [Traced(), Summed()], ids=lambda p: p.name)
def test_both_ways_of_writing_are_the_oracles(problem: Problem) -> None:
    """Nested automatic differentiation of the equation with its derivatives one by one."""
    network, points = _setting(problem)
    exact = nested(_setting(Traced())[0], points, PARAMS, 0.3)
    found = operator_loss(network, points, PARAMS, 0.3)
    assert found.residual == pytest.approx(float(exact.residual), rel=1e-10)
    assert found.gradient == pytest.approx(float(exact.gradient), rel=1e-10)
    found.surrogate.backward()
    for name, weights in network.named_parameters():
        assert weights.grad is not None
        exact_by = exact.by_weights[name]
        assert (weights.grad - exact_by).abs().max() <= 1e-10 * exact_by.abs().max()
    assert residual_loss(network, points, PARAMS)[0].item() == pytest.approx(
        float(exact.residual), rel=1e-10
    )


def test_the_terms_of_the_equation_are_the_same() -> None:
    one, two = (relative_residual(*_setting(p), PARAMS) for p in (Traced(), Summed()))
    assert one == pytest.approx(two, rel=1e-10)


def test_what_is_carried() -> None:
    """What is asked for, with the first derivatives it needs; or one stream for the operator."""
    points = Points({c: torch.full((3,), 0.5) for c in ("t", "x", "y")})
    assert set(PointJets(Traced(), points, PARAMS).streams.names) == {
        "1", "t", "x", "y", "xx", "xy", "yy"
    }  # fmt: skip
    assert set(PointJets(Summed(), points, PARAMS).streams.names) == {"1", "x", "y", "M"}


class Deep(Problem):
    """Coordinates with long names; one derivative is asked for by a condition alone."""

    box = Box(depth=(0, 1), time=(0, 1))
    unknowns = (Scalar("k", start=1.0, bounds=(0.1, 10.0)),)

    def transform(self, N: Jet, at: PointJets) -> Jet:
        return N

    def residual(self, u: Jet, at: PointJets) -> Jet:
        return u.d("depth", "depth") - at["k"] * u

    def conditions(self) -> tuple[Condition, ...]:
        return (Condition(self.domain.side("depth", 0.0, 3), lambda u, at: u.d("time")),)


def test_a_condition_is_traced_too_and_names_may_be_long() -> None:
    network, points = _setting(Deep())
    params = PARAMS[:1]
    at = PointJets(Deep(), points, params)
    assert set(at.streams.names) == {"1", "depth", "time", "depth,depth"}
    h = 1e-4

    def u(by: float) -> Tensor:
        moved = {**points.coordinates, "depth": points.coordinates["depth"] + by}
        (jet,) = network.represented(PointJets(Deep(), Points(moved), params, derivatives=False))
        return jet.value.detach()

    (jet,) = network.represented(at)
    second = (u(h) - 2 * u(0.0) + u(-h)) / h**2
    assert torch.allclose(jet.d("depth", "depth").value, second, atol=1e-6)


def test_data_may_see_what_the_equation_does_not() -> None:
    """u_t of a problem that never asks for it."""
    problem = Deep()
    network, points = _setting(problem)
    data = LeastSquares(points, torch.zeros(len(points)), seen=lambda u, at: u.d("time") * at["k"])
    found = seen(network, data, PARAMS[:1], tangents=True)
    h = 1e-5

    def flux(by: float, code: float) -> Tensor:
        moved = {**points.coordinates, "time": points.coordinates["time"] + by}
        params = torch.tensor([code], dtype=torch.float64)
        (jet,) = network.represented(PointJets(problem, Points(moved), params, derivatives=False))
        return code * jet.value.detach()

    k = float(PARAMS[0])
    assert torch.allclose(found.value, (flux(h, k) - flux(-h, k)) / (2 * h), atol=1e-8)
    by_k = [(flux(h, k + s * 1e-4) - flux(-h, k + s * 1e-4)) / (2 * h) for s in (1, -1)]
    assert torch.allclose(found.tangents[0], (by_k[0] - by_k[1]) / 2e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "orders"),
    [("t", ("t",)), ("xx", ("x", "x")), ("tx", ("t", "x")), ("depth", ("depth",)),
     ("depth,t", ("depth", "t"))],
)  # fmt: skip
def test_names_of_derivatives(name: str, orders: tuple[str, ...]) -> None:
    assert coordinates_of(name, ("t", "x", "depth")) == orders


@pytest.mark.parametrize(
    ("name", "words"),
    [("z", "no derivative 'z': the coordinates are t, x"), ("xxx", "orders above two")],
)
def test_no_such_derivative(name: str, words: str) -> None:
    with pytest.raises(KeyError, match=words):
        coordinates_of(name, ("t", "x"))


def test_a_coefficient_before_a_first_derivative_belongs_into_the_residual() -> None:
    streams = Streams.of("x")
    b: Any = Jet.coordinate(torch.ones(3), "x", streams)
    with pytest.raises(TypeError, match="write the term with the coefficient into the residual"):
        b * d("x")


def test_an_operator_that_is_not_there() -> None:
    class Lost(Traced):
        name = "lost"
        residual = Summed.residual

    network, points = _setting(Lost())
    with pytest.raises(TypeError, match="lost has no principal operator to apply"):
        operator_loss(network, points, PARAMS, 0.3)
