"""Least squares with noise, weights and functionals against dense linear algebra by hand."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from bilo.inverse.box import Box
from bilo.inverse.least_squares import LeastSquares
from bilo.inverse.objective import SeparableObjective, variances
from bilo.inverse.observed import solution_at_data
from bilo.inverse.point_jets import PointJets
from bilo.inverse.points import Points
from bilo.inverse.problem import Problem
from bilo.inverse.unknown import Scalar
from bilo.networks.network import OperatorNetwork
from bilo.networks.network import seen as seen_of
from bilo.taylor.jets import Jet
from tests.bilo.systems import Turning

N, K, M = 6, 4, 2
DRAW = torch.Generator().manual_seed(0)
X = Points({"x": torch.linspace(0.1, 0.9, N, dtype=torch.float64)})


def _draw(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=DRAW, dtype=torch.float64)


VALUES, U, J, C = _draw(K), _draw(N), _draw(M, N), _draw(K, N)
SIGMA, WEIGHTS = _draw(K).abs() + 0.1, _draw(K).abs()
SETTINGS: dict[str, dict[str, Any]] = {
    "plain": {},
    "one sigma": {"sigma": 0.3},
    "a sigma each": {"sigma": SIGMA},
    "weights": {"weights": WEIGHTS},
    "weights and sigma": {"weights": WEIGHTS, "sigma": SIGMA},
}


@pytest.mark.parametrize("functional", [False, True])
@pytest.mark.parametrize("name", SETTINGS)
def test_value_model_and_spread(name: str, functional: bool) -> None:
    """w = sigma^-2 of mean one, if nothing else is said; s^2 of weight one."""
    options = SETTINGS[name]
    points, u, rows = (
        (X, U, C) if functional else (X.part(slice(0, K)), U[:K], torch.eye(K).double())
    )
    tangents = J[:, : len(u)]
    data = LeastSquares(points, VALUES, functional=C if functional else None, **options)
    sigma = torch.as_tensor(options.get("sigma", 1.0), dtype=torch.float64).expand(K)
    w = options.get("weights", sigma**-2 / (sigma**-2).mean())
    W, A, e = torch.diag(w), rows @ tangents.t(), rows @ u - VALUES
    assert float(data.value(u, data.start)) == pytest.approx(float(e @ W @ e / K), rel=1e-12)
    g, H = data.model(u, tangents)
    assert torch.allclose(g, 2 / K * A.t() @ W @ e, rtol=1e-12)
    assert torch.allclose(H, 2 / K * A.t() @ W @ A, rtol=1e-12)
    s2 = float((w * sigma**2).mean()) if "sigma" in options else float(e @ W @ e / (K - M))
    spread = (s2 * torch.linalg.inv(A.t() @ W @ A).diagonal()).sqrt()
    found = data.local_sd(u, tangents, data.start)
    assert found is not None
    assert torch.allclose(found, spread, rtol=1e-9)
    chi = data.chi_squared(u)
    assert (chi is None) == ("sigma" not in options)
    assert chi is None or chi == (pytest.approx(float(((e / sigma) ** 2).sum()), rel=1e-12), K)


class Decay(Problem):
    """u' = -k u, u(0) = A."""

    box = Box(x=(0, 2))
    unknowns = (
        Scalar("k", start=1.0, bounds=(0.1, 5.0), truth=1.5),
        Scalar("A", start=1.0, bounds=(0.1, 5.0), truth=2.0),
    )

    def transform(self, N: Jet, at: PointJets) -> Jet:
        return at["A"] + at["x"] * N

    def residual(self, u: Jet, at: PointJets) -> Jet:
        return u.d("x") + at["k"] * u

    def solve(self, theta: Any) -> Any:
        return lambda x: theta["A"] * torch.exp(-theta["k"] * torch.as_tensor(x)).numpy()


def _parts() -> tuple[LeastSquares, LeastSquares, LeastSquares]:
    """Values, a flux at other points, and averages of the values there."""
    values = LeastSquares(X, _draw(N), sigma=0.2)
    flux = LeastSquares(
        X.part(slice(0, 3)), _draw(3), sigma=SIGMA[:3], seen=lambda u, at: at["k"] * u.d("x")
    )
    means = LeastSquares(X.part(slice(1, 4)), _draw(2), sigma=0.1, functional=_draw(2, 3))
    return values, flux, means


def test_joined_data_are_the_data_one_after_the_other() -> None:
    """What each sees, its functionals, its noise: all rows stacked by hand, weights sigma^-2."""
    problem, params = Decay(), torch.tensor([1.3, 1.8], dtype=torch.float64)
    network = OperatorNetwork(problem, 6, 2, 0, 1).double()
    parts = _parts()
    joined = parts[0] + parts[1] + parts[2]
    rows, slopes = [], []
    for part in parts:
        jet = seen_of(network, part, params, tangents=True)
        rows.append(part.combine(jet.value.detach()))
        slopes.append(part.combine(jet.tangents.detach()))
    jet = seen_of(network, joined, params, tangents=True)
    u, by_params = jet.value.detach(), jet.tangents.detach()
    assert torch.allclose(joined.combine(u), torch.cat(rows), rtol=1e-10)
    assert torch.allclose(joined.combine(by_params), torch.cat(slopes, 1), rtol=1e-10, atol=1e-13)
    sigma = torch.cat([torch.as_tensor(part.sigma) for part in parts])
    w, e = sigma**-2, torch.cat(rows) - torch.cat([part.values for part in parts])
    assert float(joined.value(u, joined.start)) == pytest.approx(
        float((w / w.mean() * e**2).mean()), rel=1e-10
    )
    assert joined.chi_squared(u) == (pytest.approx(float((w * e**2).sum()), rel=1e-10), len(e))
    assert joined.count == sum(part.count for part in parts)
    A = torch.cat(slopes, 1)
    spread = torch.linalg.inv((A * w) @ A.t()).diagonal().sqrt()
    found = joined.local_sd(u, by_params, joined.start)
    assert found is not None
    assert torch.allclose(found, spread, rtol=1e-8)


def test_joined_data_without_sigma_keep_their_weights() -> None:
    one = LeastSquares(X, _draw(N), weights=torch.full((N,), 3.0))
    two = LeastSquares(X, _draw(N))
    both, u = one + two, _draw(2 * N, 2)
    assert both.sigma is None
    exact = torch.cat([3 * (u[:N, 0] - one.values) ** 2, (u[N:, 1] - two.values) ** 2]).mean()
    assert float(both.value(u.flatten(), both.start)) == pytest.approx(float(exact), rel=1e-12)


def test_joined_data_of_a_system() -> None:
    """Both fields at some points, the second alone at others."""
    problem, params = Turning(), torch.tensor([1.2, 0.1], dtype=torch.float64)
    network = OperatorNetwork(problem, 6, 2, 0, 1).double()
    t = Points({"t": X.coordinates["x"]})
    parts = (
        LeastSquares(t, _draw(N, 2)),
        LeastSquares(t.part(slice(0, 2)), _draw(2), seen=lambda u, at: u[1]),
    )
    joined = parts[0] + parts[1]
    found = joined.combine(seen_of(network, joined, params).value.detach())
    exact = [part.combine(seen_of(network, part, params).value.detach()) for part in parts]
    assert torch.allclose(found, torch.cat(exact), rtol=1e-10)


def test_what_data_would_see_of_the_numerical_solution() -> None:
    """A flux D u' and u'' of 2 exp(-1.5 x), by differences of it, joined with the values."""
    problem, truth, x = Decay(), Decay().truth(), X.coordinates["x"]
    u = 2 * (-1.5 * x).exp()
    zero = torch.zeros(N)
    flux = LeastSquares(X, zero, seen=lambda u, at: -at["k"] * u.d("x"))
    bend = LeastSquares(X, zero, seen=lambda u, at: u.d("x", "x"))
    for data, exact in ((flux, 1.5**2 * u), (bend, 1.5**2 * u), (LeastSquares(X, zero), u)):
        found = solution_at_data(problem, truth, data)
        assert found is not None
        assert torch.allclose(found, exact, rtol=1e-5)
    joined = flux + LeastSquares(X, zero)
    both = solution_at_data(problem, truth, joined)
    assert both is not None
    assert torch.allclose(joined.combine(both), torch.cat([1.5**2 * u, u]), rtol=1e-5)


def test_no_numerical_solution_is_seen_where_there_is_none() -> None:
    class Unsolved(Decay):
        def solve(self, theta: Any) -> Any:
            return None

    assert solution_at_data(Unsolved(), {}, LeastSquares(X, torch.zeros(N))) is None


@pytest.mark.parametrize(
    ("words", "values", "options"),
    [
        ("values: 5 for 6 points", torch.zeros(5), {}),
        ("values: 0 for 6 points", torch.zeros(0), {}),
        ("values: 1 of 6 numbers are not finite", [0, 0, math.nan, 0, 0, 0], {}),
        ("functional: 2 rows for 3 values", torch.zeros(3), {"functional": torch.ones(2, N)}),
        ("sigma: one positive number, or one a value", torch.zeros(N), {"sigma": 0.0}),
        ("sigma: one positive number, or one a value", torch.zeros(N), {"sigma": torch.ones(2)}),
        ("sigma: 1 of 1 numbers are not finite", torch.zeros(N), {"sigma": math.inf}),
        ("weights: 6 numbers of at least 0", torch.zeros(N), {"weights": torch.ones(2)}),
        ("weights: 6 numbers of at least 0", torch.zeros(N), {"weights": -torch.ones(N)}),
    ],
)
def test_data_that_cannot_be(words: str, values: Any, options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=words):
        LeastSquares(X, values, **options)


def test_a_coordinate_that_is_no_number() -> None:
    with pytest.raises(ValueError, match="the coordinate x: 1 of 2 numbers are not finite"):
        LeastSquares(Points({"x": [0.0, math.inf]}), [1.0, 2.0])


def test_points_of_different_numbers() -> None:
    with pytest.raises(ValueError, match="points of different numbers: t 2, x 3"):
        Points({"t": [0.0, 1.0], "x": [0.0, 1.0, 2.0]})
    with pytest.raises(ValueError, match=r"x: points are a row \(N,\), not of shape \(2, 2\)"):
        Points({"x": torch.zeros(2, 2)})


# --- spread --------------------------------------------------------------------------------------
def test_an_unknown_that_the_data_do_not_see_has_an_infinite_variance() -> None:
    """The others keep theirs, whatever the scales."""
    A = _draw(2, 2) * torch.tensor([1.0, 1e-6])
    precision = torch.zeros(3, 3, dtype=torch.float64)
    precision[:2, :2] = A.t() @ A
    found = variances(precision)
    exact = torch.linalg.inv(A.t() @ A).diagonal()
    assert torch.allclose(found[:2], exact, rtol=1e-6)
    assert math.isinf(found[2])


def test_of_two_unknowns_that_are_seen_together_neither_is() -> None:
    """Only their sum counts; a third one is seen."""
    v = torch.tensor([[1.0, 1.0, 0.0], [0.0, 0.0, 2.0]], dtype=torch.float64)
    found = variances(v.t() @ v)
    assert found[:2].isinf().all()
    assert float(found[2]) == pytest.approx(0.25)


def test_a_sum_over_points_has_no_functional_unless_it_says_so() -> None:
    rows = _draw(2, 3)
    assert SeparableObjective.combine(LeastSquares(X, _draw(N)), rows) is rows
