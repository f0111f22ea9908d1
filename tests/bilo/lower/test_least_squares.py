"""The loss as a sum of squares: rows and Jacobian against plain automatic differentiation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from bilo.inverse.fields import Fields, as_tuple
from bilo.inverse.least_squares import LeastSquares
from bilo.inverse.point_jets import PointJets
from bilo.inverse.points import Points
from bilo.inverse.problem import Problem
from bilo.lower.least_squares import (
    Equation,
    data_equation,
    enough,
    operator_equations,
    start_equation,
)
from bilo.lower.losses import operator_loss
from bilo.lower.textbook import fields_and_derivatives
from bilo.networks.network import OperatorNetwork
from bilo.problems import get
from tests.bilo.oracle import no_shift, tangents_of
from tests.bilo.problems.test_problems import LOCAL, VARIANTS, elsewhere
from tests.bilo.systems import Reacting, Turning
from tests.bilo.taylor.test_taylor_mlp import Anisotropic

TOLERANCE = 1e-10
W_RGRAD = 0.3
FURTHER: dict[str, Callable[[], Problem]] = {
    **VARIANTS,
    "weighted": Anisotropic,
    "two fields": Turning,
    "two fields in space": Reacting,
}


@pytest.fixture(params=(*LOCAL, *FURTHER))
def problem(request: pytest.FixtureRequest) -> Problem:
    make = FURTHER.get(request.param, lambda: get(request.param))
    return make()


def _setting(
    problem: Problem, *, theta: bool = True, fourier: int = 0
) -> tuple[OperatorNetwork, Points, Tensor]:
    network = OperatorNetwork(problem, 6, 3, fourier, 1, theta=theta).double()
    points = problem.collocation(9, torch.Generator().manual_seed(5)).to(network.like)
    return network, points, elsewhere(problem) * 1.1


def _plain(
    network: OperatorNetwork,
    form: Callable[[Any, PointJets], Fields],
    points: Points,
    params: Tensor,
    w_rgrad: float,
) -> tuple[Tensor, Tensor]:
    """All c and their scaled derivatives by the unknowns one after the other (K, n), inside the
    graph of the weights and of a shift of z.
    """
    problem, shift = network.problem, no_shift(network)
    u, at = fields_and_derivatives(network, points, params, shift)
    cs = [c.value for c in as_tuple(form(problem.together(u), at))]
    rows = torch.stack(cs)
    if w_rgrad:
        slopes = torch.stack([w_rgrad**0.5 * tangents_of(c, shift) for c in cs], 1)
        rows = torch.cat([rows, slopes.flatten(0, 1)])
    held = problem.together(tuple(f.detach() for f in u))
    weight = problem.weight(held, at) if form == problem.residual else None
    if weight is not None:
        rows = rows * weight.detach().sqrt()
    return rows / rows.shape[1] ** 0.5, shift


def _jacobian(rows: Tensor, variables: list[Tensor]) -> Tensor:
    return torch.stack(
        [
            torch.cat(
                [
                    g.flatten()
                    for g in torch.autograd.grad(
                        row, variables, retain_graph=True, materialize_grads=True
                    )
                ]
            )
            for row in rows.flatten()
        ]
    )


def _weights(network: OperatorNetwork) -> list[Tensor]:
    return [p for layer in network.layers() for p in layer]


def _close(found: Tensor, exact: Tensor) -> bool:
    return bool((found - exact).abs().max() <= TOLERANCE * exact.abs().max())


def _points_of(equation: Equation, points: Points) -> Points:
    return equation.at.points if equation.name == "conditions" else points


@pytest.mark.parametrize("fourier", [0, 3])
def test_rows_and_jacobian_of_the_operator(problem: Problem, fourier: int) -> None:
    network, points, params = _setting(problem, fourier=fourier)
    equations = operator_equations(network, points, params, W_RGRAD)
    assert len(equations) == 1 + len(problem.conditions())
    for equation in equations:
        there = _points_of(equation, points)
        exact, _ = _plain(network, equation.form, there, params, W_RGRAD)
        exact = equation.factor**0.5 * exact
        rows, J = equation.linearise()
        assert _close(rows, exact.detach())
        assert torch.equal(rows, equation.rows())
        assert _close(J, _jacobian(exact, _weights(network)))


def test_rows_and_jacobian_of_a_pinn(problem: Problem) -> None:
    """The unknowns, of functions their value at each point, are variables like the weights."""
    network, points, params = _setting(problem, theta=False)
    for equation in operator_equations(network, points, params, 0.0):
        there = _points_of(equation, points)
        exact, shift = _plain(network, equation.form, there, params, 0.0)
        exact = equation.factor**0.5 * exact
        rows, J = equation.linearise(unknowns=True)
        assert _close(rows, exact.detach())
        assert _close(J, _jacobian(exact, [*_weights(network), shift]))


def test_the_squares_are_the_loss(problem: Problem) -> None:
    """And their gradient is that of `operator_loss`, the first-order recipes'."""
    network, points, params = _setting(problem)
    exact = operator_loss(network, points, params, W_RGRAD)
    exact.surrogate.backward()
    parts = [e.linearise() for e in operator_equations(network, points, params, W_RGRAD)]
    total = sum(float((rows**2).sum()) for rows, _ in parts)
    gradient = sum(2 * rows.flatten() @ J for rows, J in parts)
    assert total == pytest.approx(
        exact.residual + W_RGRAD * exact.gradient + exact.conditions, rel=1e-10
    )
    by_weights = torch.cat([p.grad.flatten() for p in _weights(network) if p.grad is not None])
    assert isinstance(gradient, Tensor)
    assert _close(gradient, by_weights)


def test_losses_by_name() -> None:
    network, points, params = _setting(get("particles"))
    exact = operator_loss(network, points, params, W_RGRAD)
    residual, conditions = operator_equations(network, points, params, W_RGRAD)
    found = residual.losses(residual.rows())
    assert found["residual"] == pytest.approx(exact.residual)
    assert found["residual_gradient"] == pytest.approx(exact.gradient)
    jump = conditions.losses(conditions.rows())
    assert jump["conditions"] + W_RGRAD * jump["conditions_gradient"] == pytest.approx(
        exact.conditions
    )


@pytest.mark.parametrize("theta", [True, False])
def test_start_and_data(theta: bool) -> None:
    problem = get("fisher_kpp")
    network, points, params = _setting(problem, theta=theta)
    data = problem.observe({"D": 2.0, "rho": 2.0}, 0.0, 0)
    assert isinstance(data, LeastSquares)
    (start,) = start_equation(network, points, params, 4.0)
    known = problem.numerical(problem.start())
    assert known is not None
    for equation, there, values, factor in (
        (start, points, known(points), 4.0),
        (data_equation(network, data, params, 9.0), data.points, data.values, 9.0),
    ):
        exact, _ = _plain(network, lambda u, at: u.d("1"), there, params, 0.0)
        exact = factor**0.5 * (exact - values / len(values) ** 0.5)
        rows, J = equation.linearise()
        assert _close(rows, exact.detach())
        assert _close(J, _jacobian(exact, _weights(network)))
        assert equation.losses(rows)[equation.name] == pytest.approx(
            float((exact.detach() ** 2).sum()) / factor
        )
    assert start_equation(network, points, params, 0.0) == []


def test_a_vector_of_weights_goes_back_where_it_came_from() -> None:
    network, _, _ = _setting(get("fisher_kpp"))
    one, other = network.vector(), OperatorNetwork(get("fisher_kpp"), 6, 3, 0, 2).double()
    other.assign(one)
    assert torch.equal(other.vector(), one)
    assert torch.equal(other.W[1], network.W[1])
    assert len(one) == sum(p.numel() for p in network.parameters())


def test_enough_rows_for_the_weights() -> None:
    network, _, _ = _setting(get("fisher_kpp"))
    assert 3 * enough(network, 3) >= 1.4 * len(network.vector()) > 3 * (enough(network, 3) - 1)
