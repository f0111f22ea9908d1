"""BiLO in directions: exact tangents, the minimum of the objective, functions of the solution."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import bilo
from bilo import Adjoint, BiLO, LeastSquares, Points, Problem, Solution
from bilo.inverse.box import Box
from bilo.inverse.directions import STEEPEST, Directions, started_as_basis
from bilo.inverse.function import Function
from bilo.inverse.unknown import PointFunction
from bilo.lower.response import Factors, Observed, Residual, solve
from bilo.networks.response import ResponseNetwork
from bilo.problems import get
from bilo.training.progress import Record
from bilo.training.recipes import RecipeError
from bilo.training.session import Progress

LINE = Box.unit(("x",)).grid(1001)
CHEAP = {"width": 64, "layers": 1}


def _apart(one: PointFunction, other: PointFunction, at: Points = LINE) -> float:
    a, b = one(at), other(at)
    return float((a - b).norm() / b.norm())


def _data(name: str, noise: float) -> tuple[Problem, LeastSquares]:
    problem = get(name)
    data = problem.observe(problem.truth(), noise, 0)
    assert isinstance(data, LeastSquares)
    return problem, data


def test_factors_solve_least_squares() -> None:
    generator = torch.Generator().manual_seed(0)
    X, b = (torch.randn(40, k, generator=generator, dtype=torch.float64) for k in (7, 3))
    exact = torch.linalg.lstsq(X, b).solution
    assert torch.allclose(Factors(X).solve(b), exact, rtol=1e-7, atol=0)


def test_a_function_follows_its_directions() -> None:
    """The network's function changes by sum_k c_k phi_k, and not to first order alone."""
    problem = started_as_basis(get("poisson"))
    params = problem.start_params(0)
    (D,) = problem.functions
    assert D.slope == STEEPEST
    along = Directions.leading(problem, params, 1e-3)
    B = along.B
    assert torch.allclose(B.t() @ B, torch.eye(B.shape[1]).double(), atol=1e-10)
    by_params = D.input_by_params(params, D.sensor_jets(params))
    c = torch.zeros(B.shape[1], dtype=torch.float64)
    c[-3:] = 0.1 / (B.t() @ by_params).abs().amax(1)[-3:]  # eigenvalues rise
    wanted = (B @ c) @ by_params
    first = problem.sensor_values(params + B @ c) - problem.sensor_values(params)
    found = problem.sensor_values(along.followed(c)) - problem.sensor_values(params)
    assert float((found - wanted).norm()) < 0.2 * float((first - wanted).norm())


@pytest.mark.parametrize("name", ["poisson", "heat", "two_functions"])
def test_tangents_are_those_of_the_numerical_solution(name: str) -> None:
    """T c is the change of the solver's u at the data when the unknowns move along c."""
    problem, data = _data(name, 0.0)
    problem = started_as_basis(problem)
    params = problem.start_params(0)
    network = ResponseNetwork(problem, 160, 1, [8.0] * problem.feature_count(), 0).double()
    generator = torch.Generator().manual_seed(1)
    points = problem.collocation(640, generator).to(params)
    solved = solve(network, points, params, 20)
    observed = Observed(network, data, params)
    B = Directions.leading(problem, params, 0.05).B[:, -4:]
    w = -solved.factors.solve(solved.residual.moved_by_params() @ B)
    T = observed.Psi @ w + observed.moved_by_params() @ B
    for k in range(B.shape[1]):
        step = 1e-3 * B[:, k]
        ahead, behind = (problem.from_params(params + s * step) for s in (1.0, -1.0))
        u = [problem.numerical(theta)(data.points).flatten() for theta in (ahead, behind)]  # type: ignore[misc]
        exact = (u[0] - u[1]) / (2 * float(step.norm()))
        assert float((T[:, k] - exact).norm()) < 0.02 * float(exact.norm())


def test_the_principal_operator_may_hold_unknowns() -> None:
    """S is the derivative of the residual by D and rho, of which D stands in the operator alone."""
    problem = get("fisher_kpp")
    params = problem.start_params(0)
    network = ResponseNetwork(problem, 32, 1, [2.0, 4.0], 0).double()
    points = problem.collocation(100, torch.Generator().manual_seed(0)).to(params)
    here = Residual(network, points, params)
    S, step = here.moved_by_params(), 1e-5
    for k, column in enumerate(torch.eye(2, dtype=torch.float64)):
        ahead, behind = (Residual(network, points, params + s * step * column).r for s in (1, -1))
        assert torch.allclose(S[:, k], (ahead - behind) / (2 * step), rtol=1e-6, atol=1e-10)


@pytest.fixture(scope="module")
def solved() -> Solution:
    problem, data = _data("poisson", 1e-2)
    return bilo.fit(problem, data, BiLO("varpro", w_reg=1e-4, **CHEAP), device="cpu")


def test_the_fixed_point_is_the_minimum_of_the_objective(solved: Solution) -> None:
    """That of the converged adjoint: 0.03 apart where a function acts by its shift alone."""
    problem, data = _data("poisson", 1e-2)
    exact = bilo.fit(problem, data, Adjoint(w_reg=1e-4))
    assert _apart(solved.unknowns["D"], exact.unknowns["D"]) < 0.01
    assert solved.status == "converged", solved.warnings
    assert solved.assessment["gain_left"] < 0.05


def test_an_interrupted_fit_ends_on_the_same_bits(solved: Solution, tmp_path: Path) -> None:
    problem, data = _data("poisson", 1e-2)
    method, file = BiLO("varpro", w_reg=1e-4, **CHEAP), tmp_path / "fit.safetensors"

    def stop(progress: Progress) -> Record | None:
        if progress.step == 5:
            raise KeyboardInterrupt
        return None

    first = bilo.fit(problem, data, method, device="cpu", checkpoint=file, callback=stop)
    assert first.interrupted
    again = bilo.fit(problem, data, method, device="cpu", checkpoint=file)
    assert torch.equal(again.params, solved.params)


def test_a_function_of_the_solution_is_found() -> None:
    problem, data = _data("reaction", 0.0)
    found = bilo.fit(problem, data, BiLO("varpro"), device="cpu")
    (r,) = problem.functions
    u = Points({"u": torch.linspace(*r.domain.intervals["u"], 201, dtype=torch.float64)})
    assert _apart(found.unknowns["r"], r.truths[0], u) < 0.05


def test_the_data_choose_the_weight() -> None:
    """Not far from the best of some, which is known with the truth in hand."""
    problem, data = _data("poisson", 1e-2)
    (D,) = problem.functions

    def error(w_reg: float) -> float:
        return _apart(bilo.fit(problem, data, Adjoint(w_reg=w_reg)).unknowns["D"], D.truths[0])

    found = bilo.fit(problem, data, BiLO("varpro", w_reg="auto", **CHEAP), device="cpu")
    best = min(error(w) for w in (1e-3, 1e-4, 1e-5))
    assert _apart(found.unknowns["D"], D.truths[0]) < 1.5 * best
    assert 1e-6 < found.assessment["w_reg"] < 1e-3


def test_what_needs_the_recipe_says_so() -> None:
    problem, data = _data("reaction", 0.0)
    with pytest.raises(RecipeError, match="function of the solution needs recipe 'varpro'"):
        bilo.fit(problem, data, BiLO("lm", w_reg=1e-6))
    with pytest.raises(RecipeError, match="'auto' needs recipe 'varpro'"):
        BiLO("lm", w_reg="auto")


def test_slopes_belong_to_functions_without_waves() -> None:
    """Fourier features have slopes of their own."""
    problem = started_as_basis(get("darcy"))
    assert all(isinstance(k, Function) and k.slope == 0.0 for k in problem.functions)
