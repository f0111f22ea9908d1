"""Regularisers: closed forms, and their rows against automatic differentiation."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from bilo.inverse.box import Box
from bilo.inverse.coordinate_jets import CoordinateJets
from bilo.inverse.directions import Directions, started_as_basis
from bilo.inverse.function import Function
from bilo.inverse.points import Points
from bilo.inverse.problem import Problem
from bilo.inverse.regulariser import (
    Regulariser,
    regularisation,
    regulariser_model,
    regulariser_products,
    regulariser_row_count,
    regulariser_rows,
)
from bilo.inverse.unknown import Unknown
from bilo.problems import get
from bilo.taylor.jets import Jet
from bilo.upper.directions import CUT
from tests.bilo.decaying import Decaying


def _zero(points: Points) -> Tensor:
    return torch.zeros(len(points), dtype=torch.float64)


def _fixed(N: Jet, at: CoordinateJets) -> Jet:
    """3 x^2 + 4 y, whatever the network."""
    x = at["x"]
    return N * 0.0 + x * x * 3.0 + at["y"] * 4.0


FIXED = Function("f", ("x", "y"), _fixed, start=_zero, truths=(_zero,), scale=2.0, width=4)
FREE = Function(
    "f", ("x", "y"), lambda N, at: N * (at["x"] + 1), _zero, (_zero,), scale=2.0, width=4
)
CORNERS = pytest.mark.parametrize("corner", [0.0, 0.3])


def test_mean_squared_slope() -> None:
    """mean (36 x^2 + 16)."""
    points = Box.unit(("x", "y")).grid(11)
    exact = 36 * float((points.coordinates["x"] ** 2).mean()) + 16
    found = Regulariser(points).value(FIXED, FIXED.random_params(0))
    assert float(found) == pytest.approx(exact, rel=1e-12)


def test_total_variation() -> None:
    """mean |(6 x, 4)| up to the rounded corner."""
    points = Box.unit(("x", "y")).grid(11)
    exact = float((36 * points.coordinates["x"] ** 2 + 16).sqrt().mean())
    found = float(Regulariser(points, corner=1e-3).value(FIXED, FIXED.random_params(0)))
    assert found == pytest.approx(exact, rel=1e-6)
    assert found > exact


@CORNERS
def test_rows_have_the_gradient_of_the_value(corner: float) -> None:
    regulariser, params = Regulariser(Box.unit(("x", "y")).grid(6), corner), FREE.random_params(0)
    value = torch.autograd.functional.jacobian(lambda v: regulariser.value(FREE, v), params)
    b, by_params = regulariser.rows(FREE, params)
    assert b.shape == (2 * 36,)
    assert by_params.shape == (FREE.size, 2 * 36)
    assert torch.allclose(2 * by_params @ b, value, rtol=1e-10, atol=1e-13)
    if not corner:
        assert float(b @ b) == pytest.approx(float(regulariser.value(FREE, params)), rel=1e-12)


@CORNERS
def test_the_rows_derivative_holds_their_weights(corner: float) -> None:
    """d b / d params, the slopes' weights of a total variation fixed: by central differences."""
    points, params = Box.unit(("x", "y")).grid(4), FREE.random_params(0)
    slopes, by_slopes = Regulariser(points).rows(FREE, params)
    b, by_params = Regulariser(points, corner).rows(FREE, params)
    assert torch.allclose(by_params, by_slopes * (b / slopes), rtol=1e-10)
    h, v = 1e-6, FREE.random_params(9)
    plus, minus = (Regulariser(points).rows(FREE, params + s * h * v)[0] for s in (1, -1))
    assert torch.allclose(v @ by_slopes, (plus - minus) / (2 * h), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("problem", [get("poisson"), Decaying()], ids=lambda p: p.name)
def test_a_problem_knows_its_function(problem: Problem) -> None:
    """Scalars beside it change nothing."""
    (f,) = problem.functions
    params = f.random_params(0)
    rest = torch.ones(len(problem.scalars), dtype=torch.float64)
    assert f.regulariser is not None
    exact = f.regulariser.value(f, params)
    assert torch.equal(regularisation(problem, torch.cat([params, rest])), exact)


@CORNERS
def test_products_are_those_of_the_rows(corner: float) -> None:
    """With more points than a chunk has."""
    R = Regulariser(Box.unit(("x", "y")).grid(20), corner)
    generator = torch.Generator().manual_seed(0)
    params = FREE.random_params(0)
    b, X = R.rows(FREE, params)
    found = R.products(FREE, params)
    v, w = (torch.randn(n, generator=generator, dtype=torch.float64) for n in X.shape)
    assert torch.equal(found.b, b)
    assert torch.allclose(found.times(v), X.t() @ v, rtol=1e-10, atol=1e-12)
    assert torch.allclose(found.transposed(w), X @ w, rtol=1e-10, atol=1e-12)


def test_products_of_several_functions_are_those_of_their_rows() -> None:
    problem, generator = get("two_functions"), torch.Generator().manual_seed(0)
    params = problem.start_params(0)
    b, X = regulariser_rows(problem, params)
    assert len(b) == regulariser_row_count(problem)
    found = regulariser_products(problem, params)
    v, w = (torch.randn(n, generator=generator, dtype=torch.float64) for n in X.shape)
    assert torch.equal(found.b, b)
    assert torch.allclose(found.times(v), X.t() @ v, rtol=1e-10, atol=1e-12)
    assert torch.allclose(found.transposed(w), X @ w, rtol=1e-10, atol=1e-12)


REGULARISED = ["poisson", "heat", "burgers", "reaction", "source", "two_functions"]
"""Problems whose functions are networks wherever they are found; that of `darcy` is cells."""
BETWEEN = (401, 71)
"""Points along the one coordinate, or along each of two, of a function's box."""


@pytest.mark.parametrize("name", REGULARISED)
def test_no_function_is_steep_where_its_regulariser_does_not_look(name: str) -> None:
    """In no direction that a function can take do its points count less than .6 of R on many."""
    problem = started_as_basis(get(name))
    dense = copy.copy(problem)
    dense.unknowns = tuple(_with_many_points(k) for k in problem.unknowns)
    params = problem.start_params(0)
    scalars = sum(not isinstance(k, Function) for k in problem.unknowns)
    B = Directions.leading(problem, params, CUT).B
    _, counted = regulariser_model(problem, params, B)
    _, all_of_it = regulariser_model(dense, params, B)
    values, Q = torch.linalg.eigh(all_of_it)
    some = values > 1e-8 * values[-1]
    assert int(some.sum()) >= len(values) - scalars - len(problem.functions)
    along = Q[:, some] / values[some].sqrt()
    assert float(torch.linalg.eigvalsh(along.t() @ counted @ along)[0]) > 0.6


def _with_many_points(k: Unknown) -> Unknown:
    if not isinstance(k, Function) or k.regulariser is None:
        return k
    points = k.domain.grid(BETWEEN[len(k.coordinates) - 1])
    return replace(k, regulariser=replace(k.regulariser, points=points))
