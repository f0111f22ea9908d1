"""Gauss-Newton steps of functions against explicit least squares in all their weights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from bilo.inverse.chain_rule import by_params
from bilo.inverse.least_squares import LeastSquares
from bilo.inverse.objective import Objective
from bilo.inverse.points import Points
from bilo.inverse.problem import Problem
from bilo.inverse.regulariser import regularisation, regulariser_rows
from bilo.networks.network import OperatorNetwork
from bilo.problems.burgers import Burgers
from bilo.problems.poisson import Poisson
from bilo.solvers.burgers import SPEED
from bilo.training.recipes import RecipeError
from bilo.training.state import Run
from bilo.upper import function_step as module
from bilo.upper.function_step import GaussNewton, function_step
from bilo.upper.tangent_model import tangent_model, through_inputs
from tests.bilo.decaying import Decaying, small
from tests.bilo.oracle import plain_field
from tests.bilo.problems.test_problems import elsewhere

MU = 1e-5


class SmallPoisson(Poisson):
    """With a function of few weights."""

    unknowns = small(Poisson)


class SmallDecaying(Decaying):
    """With a function of few weights."""

    unknowns = small(Decaying)


PROBLEMS = pytest.mark.parametrize(
    "problem", [SmallPoisson(), SmallDecaying()], ids=lambda p: p.name
)


def _run(problem: Problem) -> Run:
    network = OperatorNetwork(problem, 6, 3, 0, 1).double()
    none = torch.zeros(0, dtype=torch.float64)
    return Run(network, elsewhere(problem), none, {}, torch.Generator())


def _data(problem: Problem) -> LeastSquares:
    data = problem.observe(problem.truth(), 0.1, 0)
    assert isinstance(data, LeastSquares)
    return data


def _tangents(run: Run, data: Objective) -> tuple[Tensor, Tensor]:
    return tangent_model(run.network, data)(run)


def _means(n: int) -> Tensor:
    """Of three neighbours each, (n / 3, n)."""
    return torch.eye(n // 3).double().repeat_interleave(3, 1) / 3


def _integrals(n: int) -> Tensor:
    """From the first value to each; as many as values: no shape tells them from these."""
    return torch.ones(n, n).double().tril() / n


@PROBLEMS
@pytest.mark.parametrize("w_reg", [0.0, 1e-2])
@pytest.mark.parametrize("functional", [None, _means, _integrals])
def test_a_step_is_the_least_squares_solution(
    problem: Problem, w_reg: float, functional: Callable[[int], Tensor] | None
) -> None:
    """min |b + X^T d|^2 + mu |d|^2, rows of the data by autograd, all weights at once."""
    run, data = _run(problem), _data(problem)
    C = torch.eye(len(data.points)).double()
    if functional is not None:
        C = functional(len(data.points))
        data = replace(data, values=C @ data.values, functional=C)
    params = run.params.clone()
    u, J = _tangents(run, data)
    by_weights = C @ torch.autograd.functional.jacobian(
        lambda v: plain_field(run.operator, data.points, v), params
    )
    root = (2 / len(data.values)) ** 0.5
    b, X = [root * (C @ u - data.values)], [root * by_weights]
    if w_reg:
        slopes, by_params = regulariser_rows(problem, params)
        b, X = [*b, (2 * w_reg) ** 0.5 * slopes], [*X, (2 * w_reg) ** 0.5 * by_params.t()]
    rows, matrix = torch.cat(b), torch.cat(X)
    mu = MU * float(torch.linalg.matrix_norm(matrix, 2)) ** 2
    damped = torch.cat([matrix, mu**0.5 * torch.eye(len(params), dtype=torch.float64)])
    wanted = torch.cat([-rows, torch.zeros_like(params)])
    exact = torch.linalg.lstsq(damped, wanted.unsqueeze(1)).solution[:, 0]
    record = function_step(run, data, w_reg, u, J, GaussNewton(MU))
    assert (run.params - params - exact).norm() < 1e-6 * exact.norm()
    moved = (problem.sensor_values(params + exact) - problem.sensor_values(params)).abs().max()
    assert record["move"] == pytest.approx(float(moved), rel=1e-5)


@PROBLEMS
def test_a_step_without_a_matrix_is_the_same(
    problem: Problem, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Conjugate gradients on products, taken to the end."""
    data, steps = _data(problem), []
    monkeypatch.setattr(module, "TOLERANCE", 1e-10)
    monkeypatch.setattr(module, "POWER", 200)
    for dense in (module.DENSE, 0):
        monkeypatch.setattr(module, "DENSE", dense)
        run = _run(problem)
        before = run.params.clone()
        function_step(run, data, 1e-2, *_tangents(run, data), GaussNewton(MU))
        steps.append(run.params - before)
    matrix, products = steps
    assert (matrix - products).norm() < 1e-5 * matrix.norm()


@PROBLEMS
def test_a_short_step_goes_down_the_gradient(problem: Problem) -> None:
    """Of the data through the inputs and of the regulariser: d L = g . d < 0."""
    run, data = _run(problem), _data(problem)
    params = run.params.clone()
    u, J = _tangents(run, data)
    _, by_u, _ = data.gradient(u, run.nuisance)
    gradient, R = through_inputs(problem, data.points, params, J * by_u, 1e-2)
    record = function_step(run, data, 1e-2, u, J, GaussNewton(MU, relaxation=1e-4))
    assert R == pytest.approx(record["regulariser"], rel=1e-12)

    def total(params: Tensor) -> Tensor:
        u = plain_field(run.operator, data.points, params)
        return data.value(u, run.nuisance) + 1e-2 * regularisation(problem, params)

    expected = float(gradient @ (run.params - params))
    assert expected < 0
    change = (total(run.params) - total(params)).item()
    assert change == pytest.approx(expected, rel=1e-2)


WHOLE = GaussNewton(MU)


def _step(
    run: Run, data: Objective, step: GaussNewton = WHOLE, last: Tensor | None = None
) -> Tensor:
    """The change of the params by one step without a regulariser."""
    before = run.params.clone()
    u, J = _tangents(run, data)
    function_step(run, data, 0.0, u, J, step, last)
    return run.params - before


def test_a_step_is_cut_at_its_longest() -> None:
    problem = SmallPoisson()
    data, run = _data(problem), _run(problem)
    start = run.params.clone()
    whole = _step(run, data)
    move = (problem.sensor_values(run.params) - problem.sensor_values(start)).abs().max()
    cut = _step(_run(problem), data, replace(WHOLE, max_step=1e-3))
    assert torch.allclose(cut, 1e-3 / move * whole, rtol=1e-9)
    assert torch.equal(_step(_run(problem), data, replace(WHOLE, max_step=2 * float(move))), whole)


def test_a_part_of_the_last_step_is_taken_again() -> None:
    problem = SmallPoisson()
    data, run = _data(problem), _run(problem)
    start = run.params.clone()
    first = _step(run, data, replace(WHOLE, momentum=0.5))
    assert torch.equal(first, _step(_run(problem), data))
    without = _run(problem)
    without.params.copy_(run.params)
    second = _step(without, data)
    again = _step(run, data, replace(WHOLE, momentum=0.5), start)
    assert torch.allclose(again, second + 0.5 * first, rtol=1e-9)


def test_an_objective_that_is_no_sum_over_points_is_refused() -> None:
    class Whole(Objective):
        points = _data(SmallPoisson()).points

        def value(self, u: Tensor, nuisance: Tensor, progress: float = 1.0) -> Tensor:
            return u.mean() ** 2

        def step(
            self, u: Tensor, J: Tensor, params: Tensor, nuisance: Tensor, progress: float
        ) -> tuple[Tensor, Tensor]:
            raise NotImplementedError

    with pytest.raises(RecipeError, match="no second-order step of functions for Whole"):
        _step(_run(SmallPoisson()), Whole())


class SmallBurgers(Burgers):
    """With a function of few weights."""

    unknowns = small(Burgers)


def _along_characteristics(problem: Burgers, points: Points, params: Tensor) -> Tensor:
    """The u of u = f(x - a t u) before any shock, by bisection."""
    f, x, t = problem.from_params(params)["f"], points.coordinates["x"], points.coordinates["t"]
    low, high = torch.full_like(x, -2.0), torch.full_like(x, 2.0)
    for _ in range(60):
        u = (low + high) / 2
        above = u > f(Points({"x": x - SPEED * t * u}))
        low, high = torch.where(above, low, u), torch.where(above, u, high)
    return u


def test_a_shift_of_f_at_the_foot_is_the_derivative_by_every_weight() -> None:
    problem, h = SmallBurgers(), 1e-5
    params = problem.start_params(0)
    x = torch.linspace(0.3, 0.95, 40, dtype=torch.float64)
    points = Points({"t": torch.linspace(0.2, 1, 40, dtype=torch.float64), "x": x})
    u, f = _along_characteristics(problem, points, params), problem.from_params(params)["f"]
    foot = x - SPEED * points.coordinates["t"] * u
    slope = (f(Points({"x": foot + h})) - f(Points({"x": foot - h}))) / (2 * h)
    by_shift = (1 / (1 + SPEED * points.coordinates["t"] * slope))[None]
    departure_points = problem.departure_points(points, u)
    torch.testing.assert_close(departure_points.coordinates["x"], foot)
    v = torch.randn(len(params), generator=torch.Generator().manual_seed(0)).double()
    ahead, behind = (_along_characteristics(problem, points, params + s * v) for s in (h, -h))
    exact = (ahead - behind) / (2 * h)
    torch.testing.assert_close(
        v @ by_params(problem, departure_points, params, by_shift), exact, rtol=1e-5, atol=1e-6
    )
    there = v @ by_params(problem, points, params, by_shift)
    assert float((there - exact).norm() / exact.norm()) > 0.1
