"""Discretised inverse problems: exact gradients, and what the classical methods make of them."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from bilo.inverse.box import Box
from bilo.inverse.least_squares import LeastSquares
from bilo.inverse.nodal import Nodal
from bilo.inverse.points import Points
from bilo.inverse.problem import Problem
from bilo.methods import adjoint, descent
from bilo.methods.adjoint import Adjoint
from bilo.methods.descent import Descent
from bilo.methods.tikhonov import Tikhonov
from bilo.problems import get, names
from bilo.training.solution import Solution

Classical = Adjoint | Descent | Tikhonov
FUNCTIONS = [name for name in names() if type(get(name)).discretise is not Problem.discretise]
NONE = [name for name in names() if name not in FUNCTIONS]


@cache
def _clean(name: str) -> LeastSquares:
    """Data without noise: the numerical solution of Darcy takes its time."""
    data = get(name).observe(get(name).truth(), 0.0, 0)
    assert isinstance(data, LeastSquares)
    return data


def _nodal(name: str) -> Nodal:
    found = get(name).nodal(_clean(name))
    assert found is not None
    return found


def _draw(nodal: Nodal, seed: int) -> NDArray[np.float64]:
    """Of the shape of the nodal values, zero where they are held."""
    draw = np.random.default_rng(seed).standard_normal(nodal.low.shape)
    return np.where(nodal.high > nodal.low, draw, 0.0)


@pytest.fixture(params=FUNCTIONS)
def nodal(request: pytest.FixtureRequest) -> Nodal:
    return _nodal(request.param)


def test_the_data_are_predicted(nodal: Nodal) -> None:
    """At the truth to the error of the discretisation, far from them at the start."""
    k = nodal.unknown
    points = Box.unit(k.coordinates).grid(nodal.low.shape[0])
    truth = k.truth(points).numpy().reshape(nodal.low.shape)
    scale = float((nodal.data**2).mean())
    assert np.abs(nodal.admissible(truth) - truth).max() < 1e-12
    assert nodal.data_loss(truth) < 1e-3 * scale
    assert nodal.data_loss(nodal.start()) > 10 * nodal.data_loss(truth)


@pytest.mark.parametrize("w_reg", [0.0, 1e-2])
def test_the_gradient_is_that_of_the_discrete_objective(nodal: Nodal, w_reg: float) -> None:
    """By central differences along a random direction, away from the start."""
    z = nodal.start()
    z = nodal.admissible(z + 0.02 * z.max() * _draw(nodal, 0))
    v, h = _draw(nodal, 1), 1e-6
    _, gradient = nodal.objective(z, w_reg)
    plus, minus = (nodal.objective(z + s * h * v, w_reg)[0] for s in (1, -1))
    along = (gradient * v).sum()
    assert along == pytest.approx((plus - minus) / (2 * h), rel=1e-5)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_regulariser_is_the_functions(name: str) -> None:
    """For z = sin(3 x) (2 + y) that of `Regulariser`, by another quadrature: first order."""
    nodal = _nodal(name)
    regulariser = nodal.unknown.regulariser
    assert regulariser is not None
    assert nodal.corner == regulariser.corner
    shape = nodal.low.shape
    x, *rest = np.meshgrid(*nodal.axes, indexing="ij")
    y = rest[0] if rest else np.zeros_like(x)
    slopes = [3 * np.cos(3 * x) * (2 + y)] + ([np.sin(3 * x)] if rest else [])
    squares = np.sum([s**2 for s in slopes], axis=0)
    exact = np.sqrt(squares + nodal.corner**2).mean() if nodal.corner else squares.mean()
    assert nodal.regulariser(np.sin(3 * x) * (2 + y))[0] == pytest.approx(exact, rel=2 / shape[0])


def test_the_function_has_the_nodal_values(nodal: Nodal) -> None:
    z = _draw(nodal, 2)
    points = Box.unit(nodal.unknown.coordinates).grid(nodal.low.shape[0])
    assert np.abs(nodal.function(z)(points).numpy() - z.ravel()).max() < 1e-12


def _fit(method: Classical, name: str, noise: float, seed: int = 0) -> Solution:
    problem = get(name)
    return method.fit(problem, problem.observe(problem.truth(), noise, seed))


def _error(found: Solution, name: str) -> float:
    """Relative L2 error of the function."""
    (k,) = get(name).functions
    points = Box.unit(k.coordinates).grid(501)
    exact = k.truth(points)
    return float((found.unknowns[k.name](points) - exact).norm() / exact.norm())


def test_poisson_converges_to_the_minimum() -> None:
    """L-BFGS and no descent goes lower: the objective is stationary and larger all around."""
    found = _fit(Adjoint(1e-3), "poisson", 0.01)
    assert found.status == "converged"
    assert found.assessment["relative_gradient"] < 1e-5
    assert _error(found, "poisson") < 0.1
    problem = get("poisson")
    data = problem.observe(problem.truth(), 0.01, 0)
    assert isinstance(data, LeastSquares)
    nodal = problem.nodal(data)
    assert nodal is not None
    z = found.params.numpy()
    J, _ = nodal.objective(z, 1e-3)
    assert J == pytest.approx(found.history["objective"][-1], rel=1e-9)
    assert found.data_loss == pytest.approx(nodal.data_loss(z))
    for seed in range(5):
        assert nodal.objective(nodal.admissible(z + 1e-2 * _draw(nodal, seed)), 1e-3)[0] > J


def test_less_regularisation_fits_the_data_better() -> None:
    """And below the noise's variance there is nothing to learn: 1e-4, 51 data."""
    losses = [_fit(Adjoint(w), "poisson", 0.01).data_loss for w in (1e-2, 1e-3, 1e-4)]
    assert losses == sorted(losses, reverse=True)
    assert 0.5e-4 < losses[-1] < 1.6e-4
    assert losses[0] > 5e-4


def test_plain_descent_goes_down_and_says_that_it_has_not_converged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(descent, "STEPS", 100)
    found, best = (_fit(m, "poisson", 0.01) for m in (Descent(1e-3), Adjoint(1e-3)))
    objective = np.array(found.history["objective"])
    assert len(objective) == found.steps + 1 == 101
    assert (np.diff(objective) < 0).all()
    assert objective[-1] < 0.25 * objective[0]
    assert objective[-1] > best.history["objective"][-1]
    assert found.status == "not converged"
    assert "the gradient fell to" in found.warnings[0]


def test_linear_tikhonov_is_what_the_adjoint_method_finds() -> None:
    """Where no bound holds; in closed form it is exact."""
    exact, found = (_fit(m, "heat", 1e-3**0.5) for m in (Tikhonov(1e-2), Adjoint(1e-2)))
    # a weight that holds f too far from the data, by 15 % of f itself
    assert found.status == exact.status == "not converged"
    assert {c.name: c.passed for c in found.checks}["optimum"]
    assert "neighbouring residuals are alike" in found.warnings[0]
    assert exact.params.min() >= 0.0
    assert (found.params - exact.params).abs().max() < 1e-4
    assert found.history["objective"][-1] == pytest.approx(
        exact.data_loss + 1e-2 * exact.assessment["regulariser"], rel=1e-8
    )


def test_without_noise_as_many_modes_as_rounding_leaves() -> None:
    """15 of them, 8 odd ones: the hat cut there has error 2.5e-2, and the data are met."""
    found = _fit(Tikhonov(), "heat", 0.0)
    assert found.assessment["kept"] == 15
    points = Box.unit(("x",)).grid(1001)
    (k,) = get("heat").functions
    error = (found.unknowns["f"](points) - k.truth(points)).abs().max()
    assert 0.02 < float(error) < 0.03
    assert found.data_loss < 1e-25


def test_burgers_descends(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few steps: u(., 1) is met, and f stays within the bound that keeps the scheme stable."""
    monkeypatch.setattr(adjoint, "STEPS", 25)
    found = _fit(Adjoint(1e-4), "burgers", 0.0)
    assert found.history["objective"][-1] < 0.1 * found.history["objective"][0]
    assert found.params.abs().max() <= 2.0
    assert found.params[[0, -1]].tolist() == [0.0, 0.0]


def test_darcy_descends_inside_the_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adjoint, "STEPS", 40)
    found = Adjoint(1e-9).fit(get("darcy"), _clean("darcy"))
    assert found.history["objective"][-1] < 0.1 * found.history["objective"][0]
    assert 3.0 <= float(found.params.min()) < float(found.params.max()) <= 12.0
    truth = get("darcy").truth()["A"](Box.unit(("x", "y")).grid(61))
    accuracy = float(((found.params > 7.5) == (truth > 7.5)).double().mean())
    assert accuracy > 0.8


@pytest.mark.parametrize("name", NONE)
@pytest.mark.parametrize("method", [Adjoint(), Descent(), Tikhonov()], ids=lambda m: m.name)
def test_a_problem_without_a_scheme_is_refused(name: str, method: Classical) -> None:
    problem = get(name)
    data = problem.observe(problem.truth(), 0.0, 0)
    with pytest.raises(ValueError, match=f"{name} has no discretised inverse problem"):
        method.fit(problem, data)


def test_only_linear_problems_have_a_closed_form() -> None:
    with pytest.raises(ValueError, match="the data are not linear in D: take adjoint"):
        _fit(Tikhonov(1e-3), "poisson", 0.01)


def test_data_elsewhere_are_refused() -> None:
    half = torch.full((51,), 0.5, dtype=torch.float64)
    x = torch.linspace(0, 1, 51, dtype=torch.float64)
    early = LeastSquares(Points({"t": half, "x": x}), half)
    with pytest.raises(ValueError, match="data at t = 1 alone"):
        get("burgers").nodal(early)
    with pytest.raises(ValueError, match="data at 61 x 61 nodes"):
        get("darcy").nodal(LeastSquares(Points({"x": x, "y": x}), half))
