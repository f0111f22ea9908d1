"""Losses of systems of two fields against nested automatic differentiation."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from bilo.inverse.least_squares import LeastSquares
from bilo.inverse.observed import solution_at_data
from bilo.inverse.points import Points
from bilo.inverse.problem import Problem
from bilo.lower.least_squares import data_equation
from bilo.lower.losses import operator_loss, residual_loss, sampled_operator_loss
from bilo.lower.textbook import fields_and_derivatives, no_shift, tangents_of
from bilo.networks.network import OperatorNetwork, field
from tests.bilo.oracle import nested
from tests.bilo.problems.test_problems import elsewhere
from tests.bilo.systems import Reacting, Turning, interleaved_field

W_RGRAD = 0.3
SYSTEMS = pytest.mark.parametrize("problem", [Turning(), Reacting()], ids=lambda p: p.name)


def _setting(problem: Problem) -> tuple[OperatorNetwork, Points, Tensor]:
    network = OperatorNetwork(problem, 6, 3, 0, 1).double()
    points = problem.collocation(9, torch.Generator().manual_seed(5)).to(network.like)
    return network, points, elsewhere(problem)


def _close(found: dict[str, Tensor], exact: dict[str, Tensor]) -> bool:
    return all(bool((found[k] - v).abs().max() <= 1e-10 * v.abs().max()) for k, v in exact.items())


def _by_weights(network: OperatorNetwork, surrogate: Tensor) -> dict[str, Tensor]:
    names, weights = zip(*network.named_parameters(), strict=True)
    return dict(zip(names, torch.autograd.grad(surrogate, weights), strict=True))


@SYSTEMS
def test_the_operator_loss(problem: Problem) -> None:
    network, points, params = _setting(problem)
    exact = nested(network, points, params, W_RGRAD)
    found = operator_loss(network, points, params, W_RGRAD)
    assert found.residual == pytest.approx(float(exact.residual), rel=1e-10)
    assert found.gradient == pytest.approx(float(exact.gradient), rel=1e-10)
    assert found.conditions == pytest.approx(float(exact.conditions), rel=1e-10, abs=1e-14)
    assert _close(_by_weights(network, found.surrogate), exact.by_weights)
    assert found.value.shape == (len(points), 2)


@SYSTEMS
def test_the_loss_along_random_directions(problem: Problem) -> None:
    """mean w (v . dr/dtheta)^2 with the same v for both equations of a point."""
    network, points, params = _setting(problem)
    found = sampled_operator_loss(
        network, points, params, W_RGRAD, torch.Generator().manual_seed(2)
    )
    m = len(problem.unknowns)
    v = torch.randn(m, len(points), generator=torch.Generator().manual_seed(2))
    v = (v * (m**0.5 / v.norm(dim=0))).double()
    shift = no_shift(network)
    u, at = fields_and_derivatives(network, points, params, shift)
    weight = problem.weight(tuple(f.detach() for f in u), at)
    scale = torch.ones(len(points)) if weight is None else weight.detach()
    pairs = [(r.value, (v * tangents_of(r.value, shift)).sum(0)) for r in problem.residuals(u, at)]
    residual = sum((scale * r**2).mean() for r, _ in pairs)
    gradient = sum((scale * along**2).mean() for _, along in pairs)
    assert isinstance(residual, Tensor)
    assert isinstance(gradient, Tensor)
    assert found.residual == pytest.approx(residual.item(), rel=1e-6)  # v is single precision
    assert found.gradient == pytest.approx(gradient.item(), rel=1e-6)
    further = nested(network, points, params, W_RGRAD).conditions
    assert found.conditions == pytest.approx(float(further), rel=1e-10, abs=1e-14)


@SYSTEMS
def test_a_pinn_s_loss_is_the_first_part(problem: Problem) -> None:
    network, points, params = _setting(problem)
    found, u = residual_loss(network, points, params)
    exact = nested(network, points, params, 0.0)
    assert found.item() == pytest.approx(float(exact.residual), rel=1e-10)
    assert torch.allclose(u.flatten(), interleaved_field(network, points, params), rtol=1e-12)


@SYSTEMS
def test_fields_of_one_point_stand_side_by_side(problem: Problem) -> None:
    network, points, params = _setting(problem)
    u = field(network, points, params, tangents=True)
    exact = interleaved_field(network, points, params)
    assert torch.allclose(u.value, exact, rtol=1e-12)
    shift = no_shift(network)
    fields, _ = fields_and_derivatives(network, points, params, shift)
    by_inputs = torch.stack([tangents_of(f.value, shift) for f in fields], -1).flatten(1)
    assert torch.allclose(u.tangents, by_inputs, rtol=1e-10, atol=1e-13)


def test_data_of_both_fields() -> None:
    """The mean is over all numbers; the history of an `lm` fit says the same one."""
    problem = Turning()
    network, points, params = _setting(problem)
    values = torch.randn(len(points), 2, generator=torch.Generator().manual_seed(0)).double()
    data = LeastSquares(points, values)
    u = field(network, points, params).value.detach()
    exact = float(((u.view(-1, 2) - values) ** 2).mean())
    assert float(data.value(u, data.start)) == pytest.approx(exact, rel=1e-12)
    equation = data_equation(network, data, params, 9.0)
    rows, J = equation.linearise()
    assert float((rows**2).sum()) == pytest.approx(9.0 * exact, rel=1e-12)
    assert equation.losses(rows)["objective"] == pytest.approx(exact, rel=1e-12)
    by_vector = 2 * rows.flatten() @ J
    loss = 9.0 * data.value(interleaved_field(network, points, params), data.start)
    weights = [p for layer in network.layers() for p in layer]
    by_weights = torch.cat([g.flatten() for g in torch.autograd.grad(loss, weights)])
    assert (by_vector - by_weights).abs().max() <= 1e-10 * by_weights.abs().max()


def test_what_data_see_of_a_numerical_solution_of_a_system() -> None:
    """Of (sin, cos): the second field alone, and p' + q, which is 2.5 cos(1.5 t)."""
    problem = Turning()
    t = torch.linspace(0.1, 1.9, 7, dtype=torch.float64)
    data = LeastSquares(Points({"t": t}), torch.zeros(7), seen=lambda u, at: u[0].d("t") + u[1])
    found = solution_at_data(problem, problem.truth(), data)
    assert found is not None
    assert torch.allclose(found, 2.5 * (1.5 * t).cos(), atol=1e-6)
    whole = solution_at_data(
        problem, problem.truth(), LeastSquares(Points({"t": t}), torch.zeros(14))
    )
    assert whole is not None
    exact = torch.stack([(1.5 * t).sin(), (1.5 * t).cos()], -1).flatten()
    assert torch.allclose(whole, exact, atol=1e-6)
