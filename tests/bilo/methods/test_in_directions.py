"""BiLO in directions: exact tangents, the minimum of the objective, functions of the solution."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch

import bilo
from bilo import Adjoint, BiLO, LeastSquares, Points, Problem, Solution
from bilo.inverse.box import Box
from bilo.inverse.directions import STEEPEST, Directions, started_as_basis
from bilo.inverse.function import Function
from bilo.inverse.regulariser import regulariser_rows
from bilo.inverse.unknown import PointFunction
from bilo.lower.response import Factors, Observed, Residual, solve
from bilo.networks.response import ResponseNetwork
from bilo.problems import get
from bilo.training.progress import Record
from bilo.training.recipes import RecipeError
from bilo.training.session import Progress
from bilo.upper.directions import CUT, DirectionsLevel, Place
from bilo.upper.regularisation_weight import chosen_weight

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


def test_a_file_gives_it_back(solved: Solution, tmp_path: Path) -> None:
    solved.save(tmp_path / "fit.safetensors")
    again = bilo.load(tmp_path / "fit.safetensors", get("poisson"))
    places = {"x": [0.2, 0.5, 0.8]}
    assert torch.equal(again.predict(places).value, solved.predict(places).value)
    assert torch.equal(again.band("D", places).high, solved.band("D", places).high)
    assert again.summary() == solved.summary()


def test_a_weight_that_was_given_is_named(solved: Solution) -> None:
    (check,) = [check for check in solved.checks if check.name == "regulariser"]
    assert check.passed is None
    assert "its weight 0.0001 was given and not tested" in solved.summary()


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
    found = bilo.fit(problem, data, BiLO("varpro", finetune_steps=40), device="cpu")
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
    assert "regulariser" not in {check.name for check in found.checks}
    best = min(error(w) for w in (1e-3, 1e-4, 1e-5))
    assert _apart(found.unknowns["D"], D.truths[0]) < 1.5 * best
    inner = D.domain.grid(101).part(slice(1, -1))
    band = found.band("D", inner, 0.9)
    truth = D.truths[0](inner)
    assert ((band.low < truth) & (truth < band.high)).double().mean() > 0.8
    assert band.sd.max() < 0.2


def _at_the_start(problem: Problem, data: LeastSquares) -> tuple[DirectionsLevel, Place]:
    problem = started_as_basis(problem)
    network = ResponseNetwork(problem, 48, 1, [4.0], 0).double()
    points = problem.collocation(150, torch.Generator().manual_seed(0)).to(network.like)
    level = DirectionsLevel(network, points, data, 0.0)
    return level, level.settle(problem.start_params(0), 20)


@pytest.mark.parametrize("sigma", [None, 1e-2])
def test_the_chosen_weight_makes_the_data_likeliest(sigma: float | None) -> None:
    """Of a normal prior of the directions, by the covariance of the data that it predicts."""
    problem, data = _data("poisson", 1e-2)
    data = replace(data, sigma=sigma)
    level, place = _at_the_start(problem, data)
    problem = level.network.problem
    B = Directions.leading(problem, place.params, CUT).B
    T, (b, rows) = place.answer(B)[1], regulariser_rows(problem, place.params)
    X, n = B.t() @ rows, len(data.values)
    prior = torch.linalg.pinv(X.t(), rtol=1e-5)
    e = place.u - data.values - T.t() @ prior @ b

    def surprise(w: float) -> float:
        spread = T.t() @ prior / (n * w) ** 0.5
        G = torch.eye(n).double() + spread @ spread.t()
        squares = float(e @ torch.linalg.solve(G, e))
        fit = n / 2 * math.log(squares) if sigma is None else squares / (2 * sigma**2)
        return fit + float(torch.logdet(G)) / 2

    w = chosen_weight(level, place)
    assert surprise(w) <= min(surprise(w * factor) for factor in (0.01, 0.3, 0.6, 1.6, 3.0, 100.0))


def test_the_chosen_weight_does_not_depend_on_the_lengths_of_directions(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One that is hardly penalised does not end the search before the weight of all others."""
    level, place = _at_the_start(*_data("poisson", 1e-2))
    weight = chosen_weight(level, place)
    leading = Directions.leading(level.network.problem, place.params, CUT)
    (block,) = leading.blocks
    short = replace(leading, blocks=(block * torch.logspace(0, -6, block.shape[1]).double(),))
    monkeypatch.setattr(Directions, "leading", lambda *_: short)
    monkeypatch.setattr("bilo.upper.regularisation_weight.PENALISED", 1e-12)
    assert chosen_weight(level, place) == pytest.approx(weight, rel=0.05)


def test_data_that_no_function_changes_choose_no_weight() -> None:
    """At an end whose value is given."""
    ends = LeastSquares(Points({"x": torch.zeros(3)}), torch.zeros(3), sigma=0.01)
    with pytest.raises(ValueError, match="needs data that change with the unknown functions"):
        chosen_weight(*_at_the_start(get("poisson"), ends))


def test_a_function_that_need_not_move_has_a_band_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The data are likeliest with a weight that has no end: the function stands where it began."""
    problem = get("poisson")
    data = problem.observe(problem.start(), 1e-2, 1)
    assert isinstance(data, LeastSquares)
    level, place = _at_the_start(problem, data)
    assert chosen_weight(level, place) < 1e-2
    monkeypatch.setattr("bilo.upper.regularisation_weight.MOVES", -math.inf)
    assert chosen_weight(level, place) > 1.0


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
