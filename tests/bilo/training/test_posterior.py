"""The linearised posterior against closed forms: covariance, coverage, bands, samples."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from scipy.stats import norm, t

from bilo.inverse.function import Function
from bilo.inverse.least_squares import LeastSquares
from bilo.inverse.points import Points, grid
from bilo.inverse.problem import Problem
from bilo.inverse.regulariser import total_variation
from bilo.inverse.unknown import Scalar
from bilo.problems.heat import Heat
from bilo.problems.particles import Particles
from bilo.training.linearised import Linearised, Posterior
from tests.bilo.decaying import Decaying, small
from tests.bilo.training.made import NOISE, Line, design, line_data, line_fit, operator, regularised

A, B = 3.0, -1.0


@pytest.mark.parametrize("sigma", [None, NOISE])
def test_covariance_of_a_linear_problem_is_exact(sigma: float | None) -> None:
    data = line_data(A, B, 9, 1, sigma)
    found, X = line_fit(data), design(data)
    e = data.values.numpy() - X @ np.array(list(found.unknowns.values()))
    s2 = NOISE**2 if sigma else e @ e / (9 - 2)
    exact = s2 * np.linalg.inv(X.T @ X)
    np.testing.assert_allclose(found.covariance, exact, rtol=1e-10)
    reach = norm.ppf(0.9) if sigma else t.ppf(0.9, 7)
    for k, (low, high) in enumerate(found.interval(0.8).values()):
        assert (high - low) / 2 == pytest.approx(reach * exact[k, k] ** 0.5, rel=1e-9)


def test_weights_of_data_with_their_own_noise() -> None:
    clean, sigma = line_data(A, B, 12, 2), np.linspace(0.05, 0.4, 12)
    data = LeastSquares(clean.points, clean.values, sigma=sigma)
    X = design(data) / sigma[:, None]
    np.testing.assert_allclose(line_fit(data).covariance, np.linalg.inv(X.T @ X), rtol=1e-10)


@pytest.mark.parametrize("sigma", [None, NOISE])
def test_intervals_cover(sigma: float | None) -> None:
    """Of 600 data sets of six points: 90 % within three standard errors, noise known or not."""
    inside = np.zeros(2)
    for seed in range(600):
        found = line_fit(line_data(A, B, 6, seed, sigma)).interval(0.9)
        inside += [low <= v <= high for v, (low, high) in zip((A, B), found.values(), strict=True)]
    assert (abs(inside / 600 - 0.9) < 3 * (0.09 / 600) ** 0.5).all()


class Logarithmic(Line):
    """With a slope that is positive."""

    unknowns = (Scalar("a", start=2.0, bounds=(0.1, 50.0), log=True), Line.unknowns[1])


def test_a_logarithm_is_respected() -> None:
    data = line_data(A, B, 9, 1, 20 * NOISE)
    found, plain = line_fit(data, Logarithmic()), line_fit(data)
    low, high = found.interval()["a"]
    value, sd = found.unknowns["a"], float(plain.covariance[0, 0]) ** 0.5
    assert low > 0
    assert low == pytest.approx(value * math.exp(-norm.ppf(0.95) * sd / value))
    assert high == pytest.approx(value * math.exp(norm.ppf(0.95) * sd / value))
    np.testing.assert_allclose(found.covariance, plain.covariance, rtol=1e-9)
    draws = found.samples(4000, 1)
    assert (draws["a"] > 0).all()
    assert float(draws["a"].log().std()) == pytest.approx(sd / value, rel=0.05)


class Unseen(Line):
    """With an unknown that the data do not see."""

    unknowns = (*Line.unknowns, Scalar("c", start=1.0, bounds=(0.0, 2.0)))


def test_what_is_not_seen_is_infinite() -> None:
    data, problem = line_data(A, B, 9, 1, NOISE), Unseen()
    seen = line_fit(data)
    assert seen.linearised is not None
    J = torch.cat([seen.linearised.J, torch.zeros(1, 9)])
    linear = replace(seen.linearised, J=J)
    params = torch.cat([seen.params, torch.tensor([0.7])])
    theta = problem.from_params(params)
    found = replace(seen, problem=problem, linearised=linear, params=params, unknowns=theta)
    assert found.covariance[2, 2] == math.inf
    assert found.covariance[:2, 2].isnan().all()
    assert torch.allclose(found.covariance[:2, :2], seen.covariance)
    assert found.interval()["c"] == (-math.inf, math.inf)
    with pytest.raises(ValueError, match="do not see c: there is nothing to draw"):
        found.samples(3)


def test_samples_have_the_covariance() -> None:
    found = line_fit(line_data(A, B, 40, 3, NOISE))
    draws = found.samples(20000, 5)
    rows = np.stack([draws["a"], draws["b"]])
    np.testing.assert_allclose(np.cov(rows), found.covariance, rtol=0.05)
    assert torch.equal(draws["a"], found.samples(20000, 5)["a"])
    assert not torch.equal(draws["a"], found.samples(20000, 6)["a"])


def test_too_few_data_are_said_to_be() -> None:
    with pytest.raises(ValueError, match="no more data than unknowns"):
        _ = line_fit(line_data(A, B, 2, 0)).covariance
    with pytest.raises(ValueError, match=r"level: 90 is not between 0 and 1"):
        line_fit(line_data(A, B, 9, 0)).interval(90)


def test_particles_have_the_information_as_precision() -> None:
    problem = Particles()
    data = problem.observe(problem.truth(), 0.0, 1)
    found = operator(problem, data, problem.to_params(problem.truth()))
    assert found.linearised is not None
    _, H = data.model(found.linearised.u, found.linearised.J)
    units = torch.tensor([k.unit for k in problem.scalars]).double()
    exact = torch.linalg.inv(H) * units.outer(units)
    assert torch.allclose(found.covariance, exact, rtol=1e-8)


# --- functions ------------------------------------------------------------------------------------
class Narrow(Heat):
    """With a small network of the function."""

    unknowns = small(Heat, 16)


def _heat(problem: Problem, w_reg: float) -> tuple[Any, torch.Tensor, np.ndarray]:
    """Its solution, exactly differentiated by all params; f by the params, and K, at 101 nodes."""
    (k,) = problem.functions
    nodes = Points({"x": torch.linspace(0, 1, 101, dtype=torch.float64)})
    clean = problem.observe(problem.start(), 0.01, 0)
    assert isinstance(clean, LeastSquares)
    data = LeastSquares(clean.points, clean.values, sigma=0.01)
    params = problem.start_params(0)
    nodal = problem.nodal(data)
    assert nodal is not None
    assert nodal.matrix is not None
    F = k.input_by_params(params, k.jets(nodes, params)) * k.scale
    J = F @ torch.from_numpy(nodal.matrix).t()
    return regularised(operator(problem, data, params), w_reg, J), F, nodal.matrix


def test_a_function_s_band_is_that_of_the_dense_formula() -> None:
    """F^T P^-1 F with the precision P = R R^T of all weights, by the pseudo-inverse of its root R:
    within what rounding leaves of the smoothest of its modes.
    """
    problem, w_reg = Narrow(), 1e-3
    found, F, K = _heat(problem, w_reg)
    (k,) = problem.functions
    assert k.regulariser is not None
    _, slopes = k.regulariser.rows(k, found.params)
    J = F @ torch.from_numpy(K).t()
    scale = 51 / (2 * 0.01**2)
    R = scale**0.5 * torch.cat([(2 / 51) ** 0.5 * J, (2 * w_reg) ** 0.5 * slopes], 1)
    nodes = Points({"x": torch.linspace(0, 1, 101, dtype=torch.float64)})
    exact = (torch.linalg.pinv(R, rtol=1e-10) @ F).norm(dim=0)
    band = found.band("f", nodes)
    assert torch.allclose(band.sd[1:-1], exact[1:-1], rtol=0.01)
    assert torch.allclose(band.value, found.unknowns["f"](nodes))
    assert torch.allclose(band.high - band.low, 2 * norm.ppf(0.95) * band.sd)


def test_a_function_s_band_is_that_of_nodal_values() -> None:
    """The posterior of 99 values with differences for slopes: within what a network follows."""
    found, _, K = _heat(Heat(), 1e-2)
    S = np.diff(np.eye(101), axis=0) * 100
    P = 51 / (2 * 0.01**2) * (2 / 51 * K.T @ K + 2 * 1e-2 / 100 * S.T @ S)[1:-1, 1:-1]
    exact = np.sqrt(np.diag(np.linalg.inv(P)))
    x = torch.linspace(0, 1, 101, dtype=torch.float64)[1:-1]
    sd = found.band("f", {"x": x}).sd.numpy()
    np.testing.assert_allclose(sd[10:-10], exact[10:-10], rtol=0.15)
    draws = found.samples(3000, 2)["f"]({"x": x})
    assert draws.shape == (3000, 99)
    np.testing.assert_allclose(draws.std(0).numpy()[10:-10], sd[10:-10], rtol=0.06)


def test_a_function_without_a_regulariser_is_hardly_seen() -> None:
    """What the data leave open of f is more than f, as far as its network follows."""
    found, _, _ = _heat(Narrow(), 0.0)
    assert (found.band("f", {"x": [0.3, 0.5]}).sd > 1).all()


def test_scalars_beside_functions_are_marginal() -> None:
    """The scalar's variance in the inverse of the dense precision of all params."""

    class Small(Decaying):
        unknowns = small(Decaying, 8)

    problem = Small()
    params = torch.cat([k.random_params(1) if isinstance(k, Function) else k.start_params(0)
                       for k in problem.unknowns])  # fmt: skip
    points = grid(t=torch.tensor([0.2, 1.0]).double(), x=torch.linspace(0, 1, 51).double())
    data = LeastSquares(points, torch.zeros(102), sigma=0.02)
    found = regularised(operator(problem, data, params), 1e-3)
    linear = found.linearised
    assert linear is not None
    f, own = problem.functions[0], params[:-1]
    by_f = f.input_by_params(own, f.jets(data.points, own)) * linear.J[0]
    X = torch.cat([by_f, linear.J[1:]])
    assert f.regulariser is not None
    _, slopes = f.regulariser.rows(f, own)
    slopes = torch.cat([slopes, torch.zeros(1, slopes.shape[1])])
    n = len(data.values)
    P = n / (2 * 0.02**2) * (2 / n * X @ X.t() + 2e-3 * slopes @ slopes.t())
    exact = torch.linalg.pinv(P, rtol=1e-14, hermitian=True)[-1, -1] * 0.5**2
    assert float(found.covariance) == pytest.approx(float(exact), rel=0.01)


def test_a_field_s_band_is_the_spread_of_its_samples() -> None:
    """u = a x + b + N x (1 - x) of a random network, against draws of the unknowns."""
    data = line_data(A, B, 30, 4, 1e-4)
    found = operator(Line(), data, Line().to_params({"a": A, "b": B}))
    points = {"x": np.array([0.1, 0.9, 1.7])}
    band = found.band("u", points, 0.95)
    rows = [
        found.predict(points, {"a": float(a), "b": float(b)}).value
        for a, b in zip(*found.samples(2000, 0).values(), strict=True)
    ]
    np.testing.assert_allclose(torch.stack(rows).std(0), band.sd, rtol=0.06)


def test_many_rows_of_a_regulariser_are_taken_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sums over parts are those over all, rounding apart; a total variation too."""
    tv = total_variation(101, ("x",), 0.1)

    class Rough(Heat):
        unknowns = (replace(Narrow.unknowns[0], regulariser=tv),)

    found, _, _ = _heat(Rough(), 1e-4)
    assert isinstance(found.linearised, Linearised)
    whole = Posterior(found.problem, found.params, found.linearised)
    monkeypatch.setattr("bilo.training.linearised.PART", 7)
    parts = Posterior(found.problem, found.params, found.linearised)
    assert torch.allclose(parts.covariance, whole.covariance, rtol=1e-6)
