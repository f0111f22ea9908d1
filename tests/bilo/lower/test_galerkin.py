"""Galerkin's method over a trunk: its field, its responses, what it refuses."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

import bilo
from bilo import BiLO, Box, LeastSquares, Observation, Points, Problem, Scalar
from bilo.inverse.cells import CellFunction, on_cells
from bilo.inverse.coordinate_jets import CoordinateJets
from bilo.inverse.regulariser import regularisation, regulariser_products
from bilo.inverse.shapes import of
from bilo.lower.galerkin import Form, Galerkin, Quadrature
from bilo.lower.trunk import tiling
from bilo.problems import get
from bilo.taylor.streams import Streams
from bilo.training.recipes import RecipeError
from bilo.upper.weak_level import WeakLevel
from tests.bilo.rods import Rod

SMOOTH = of(lambda x, y: 6 + 2 * torch.sin(3 * x) * torch.cos(2 * y))


class Fin(Problem):
    """-k u'' + c u^3 = pi^2 sin pi x + sin^3 pi x, k = c = 1: u = sin pi x."""

    box = Box(x=(0, 1))
    unknowns = (
        Scalar("k", start=2.0, bounds=(0.1, 10.0), truth=1.0),
        Scalar("c", start=0.5, bounds=(0.0, 10.0), truth=1.0),
    )
    observation = Observation(x=41)

    def _source(self, at: Any) -> Any:
        wave = (at["x"] * math.pi).sin()
        return wave * math.pi**2 + wave**3

    def transform(self, N: Any, at: Any) -> Any:
        """u = N x (1 - x)."""
        return N * at.vanishing("x")

    def residual(self, u: Any, at: Any) -> Any:
        """The equation."""
        return -(at["k"] * u.d("x", "x")) + at["c"] * u**3 - self._source(at)

    def weak(self, u: Any, v: Any, at: Any) -> Any:
        """k u' v' + (c u^3 - f) v."""
        return at["k"] * u.d("x") * v.d("x") + (at["c"] * u**3 - self._source(at)) * v


def _level(problem: Problem, data: LeastSquares, width: int, count: int | None) -> WeakLevel:
    galerkin = Galerkin(
        tiling(problem, width, 1, 0).double(),
        Quadrature.of(problem, count),
        problem.start_params(0),
    )
    return WeakLevel(galerkin, data, 0.0)


@pytest.fixture(scope="module")
def darcy() -> WeakLevel:
    problem = on_cells(get("darcy"))
    data = problem.observe({"A": SMOOTH}, 0.0, 0)
    assert isinstance(data, LeastSquares)
    return _level(problem, data, 150, 1600)


def _normal(*shape: int, seed: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_the_quadrature_is_exact_for_cubics() -> None:
    Q = Quadrature.of(get("darcy"), 36)
    x, y = Q.points.coordinates.values()
    assert len(Q.points) == 36
    assert float((Q.weights * x**3 * y**2).sum()) == pytest.approx(1 / 12, rel=1e-12)


def test_a_smooth_coefficient_has_the_field_of_finite_volumes(darcy: WeakLevel) -> None:
    (A,) = darcy.galerkin.problem.functions
    assert isinstance(A, CellFunction)
    place = darcy.settle(A.read(SMOOTH, A.nodes), darcy.galerkin.nothing)
    assert isinstance(darcy.data, LeastSquares)
    exact = darcy.data.values
    assert float((place.u - exact).norm()) < 2e-3 * float(exact.norm())


def test_responses_are_derivatives(darcy: WeakLevel) -> None:
    """T v against differences of the solved field, T^T against T."""
    params = darcy.galerkin.problem.start_params(0)
    place = darcy.settle(params, darcy.galerkin.nothing)
    v, c = _normal(len(params), seed=1), _normal(len(place.u), seed=2)
    T, step = darcy.response(place), 1e-4
    ahead, behind = (darcy.settle(params + s * step * v, place.form.w).u for s in (1, -1))
    exact, found = (ahead - behind) / (2 * step), T.times(v)
    assert float((found - exact).norm()) < 1e-6 * float(exact.norm())
    assert float(found @ c) == pytest.approx(float(v @ T.transposed(c)), rel=1e-9)


def test_a_nonlinear_equation_with_scalars() -> None:
    problem = Fin()
    x = torch.linspace(0, 1, 41, dtype=torch.float64)
    exact = (math.pi * x).sin()
    data = LeastSquares(Points({"x": x}), exact)
    level = _level(problem, data, 40, 200)
    truth = torch.tensor([0.5, 2.0], dtype=torch.float64)  # over the scales of the starts
    place = level.settle(truth, level.galerkin.nothing)
    assert float((place.u - exact).abs().max()) < 1e-5
    T, step = level.response(place), 1e-5
    for v in torch.eye(2, dtype=torch.float64):
        ahead, behind = (level.settle(truth + s * step * v, place.form.w).u for s in (1, -1))
        differences = (ahead - behind) / (2 * step)
        assert float((T.times(v) - differences).norm()) < 1e-6 * float(differences.norm())
    found = bilo.fit(problem, data, BiLO("varpro", width=40, layers=1, points=200), device="cpu")
    assert found.unknowns["k"] == pytest.approx(1.0, abs=1e-4)
    assert found.unknowns["c"] == pytest.approx(1.0, abs=1e-2)


def test_a_cellwise_function_has_its_values_and_slopes() -> None:
    (A,) = on_cells(get("darcy")).functions
    params = A.read(of(lambda x, y: 4 + x + 3 * y), A.nodes)
    points = Points({"x": [0.0, 0.51, 1.0], "y": [0.2, 0.991, 1.0]})
    at = CoordinateJets(points.to(params), Streams(("x", "y")))
    value, along_x, along_y = A.input(params, at)[0] * A.scale
    nearest = torch.round(60 * torch.stack(list(at.points.coordinates.values()))) / 60
    assert torch.allclose(value, 4 + nearest[0] + 3 * nearest[1])
    assert torch.allclose(along_x, torch.ones(3).double())
    assert torch.allclose(along_y, torch.full((3,), 3.0).double())
    rows = A.rows(params, at, lambda f: f.d("y").value)
    assert torch.allclose(rows.t() @ params * 1.0, along_y)


def test_its_total_variation_is_that_of_the_discretised_problem() -> None:
    problem = get("darcy")
    data = problem.observe(problem.truth(), 0.0, 0)
    assert isinstance(data, LeastSquares)
    nodal, cells = problem.nodal(data), on_cells(problem)
    assert nodal is not None
    (A,) = cells.functions
    params = A.start_params(0)
    wanted, gradient = nodal.regulariser(nodal.start())
    assert float(regularisation(cells, params)) == pytest.approx(wanted, rel=1e-9)
    R = regulariser_products(cells, params)
    by_values = 2 * R.transposed(R.b) / A.scale
    assert torch.allclose(by_values, torch.from_numpy(gradient.ravel()), atol=1e-9)


class Positive(Fin):
    """A transform that is not linear."""

    def transform(self, N: Any, at: Any) -> Any:
        """u = softplus(N) x (1 - x)."""
        return N.softplus() * at.vanishing("x")


class Moved(Fin):
    """A transform that holds an unknown."""

    def transform(self, N: Any, at: Any) -> Any:
        """u = N x (1 - x) + c."""
        return N * at.vanishing("x") + at["c"]


@pytest.mark.parametrize("kind", [Positive, Moved])
def test_a_transform_is_linear_and_holds_no_unknown(kind: type[Fin]) -> None:
    data = LeastSquares(Points({"x": [0.5]}), torch.ones(1))
    with pytest.raises(RecipeError, match="linear in N"):
        bilo.fit(kind(), data, BiLO("varpro", width=20, layers=1), device="cpu")


def test_what_a_weak_form_needs() -> None:
    problem = get("darcy")
    data = problem.observe(problem.truth(), 0.0, 0)
    assert isinstance(data, LeastSquares)
    with pytest.raises(RecipeError, match="needs a number"):
        bilo.fit(problem, data, BiLO("varpro", w_reg="auto"))
    flux = LeastSquares(data.points, data.values, seen=lambda u, at: at["A"] * u.d("x"))
    with pytest.raises(RecipeError, match="of the field itself"):
        bilo.fit(problem, flux, BiLO("varpro"))


def test_second_derivatives_of_a_cellwise_function_are_none() -> None:
    """Slopes are differences, those along a coordinate that it does not know are zero."""
    (a,) = on_cells(Rod()).functions
    points = Points({"t": [0.0, 0.5], "x": [0.1, 0.9]})
    params = a.read(of(lambda x: 1 + 2 * x), a.nodes)
    value, along_t, along_x = a.input(
        params, CoordinateJets(points.to(params), Streams(("t", "x")))
    )[0]
    assert torch.allclose(value, torch.tensor([1.2, 2.8]).double())
    assert torch.allclose(along_x, torch.full((2,), 2.0).double())
    assert not along_t.any()
    with pytest.raises(ValueError, match="a has no derivative 'xx': it is one of values"):
        a.input(params, CoordinateJets(points.to(params), Streams.of("x", "xx")))


class Bound(Fin):
    """Both unknowns start on the bound that the data push them against."""

    unknowns = (
        Scalar("k", start=2.0, bounds=(2.0, 10.0)),
        Scalar("c", start=3.0, bounds=(3.0, 10.0)),
    )


def test_where_bounds_hold_every_value_there_is_no_step() -> None:
    """u = sin pi x asks for k = c = 1."""
    x = torch.linspace(0, 1, 41, dtype=torch.float64)
    data = LeastSquares(Points({"x": x}), (math.pi * x).sin())
    level = _level(Bound(), data, 40, 200)
    place = level.settle(Bound().start_params(0), level.galerkin.nothing)
    assert level.step(place, 1e-3) == (None, 1e-3)


class Loaded(Rod):
    """u_0 = x solves the equation at the start, and has no load."""

    def transform(self, N: Any, at: Any) -> Any:
        return at["x"] + N * at.vanishing("x")

    def weak(self, u: Any, v: Any, at: Any) -> Any:
        return at["a"] * u.d("x") * v.d("x")


def test_a_start_without_a_load_needs_no_more_steps_of_newton(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    problem = on_cells(Loaded())
    galerkin = Galerkin(
        tiling(problem, 40, 1, 0).double(), Quadrature.of(problem, 200), problem.start_params(0)
    )
    solved = []
    linearise = galerkin.linearise
    monkeypatch.setattr(galerkin, "linearise", lambda *a: solved.append(a) or linearise(*a))
    form = galerkin.solve(torch.linspace(1, 3, 21, dtype=torch.float64), galerkin.nothing)
    assert form.holds
    assert form.left < 1e-12
    assert len(solved) == 2


def test_a_field_that_solves_nothing_is_no_better_place() -> None:
    """The step is the same; what it finds is not taken where the equation does not hold."""
    x = torch.linspace(0, 1, 41, dtype=torch.float64)
    data = LeastSquares(Points({"x": x}), (math.pi * x).sin())
    level = _level(Fin(), data, 40, 200)
    place = level.settle(Fin().start_params(0), level.galerkin.nothing)
    better, _ = level.step(place, 1e-3)
    assert better is not None
    solve = level.galerkin.solve

    def unsolved(params: Tensor, w: Tensor) -> Form:
        form = solve(params, w)
        return replace(form, F=form.F + form.size)

    level.galerkin.solve = unsolved  # type: ignore[method-assign]
    assert level.step(place, 1e-3)[0] is None
