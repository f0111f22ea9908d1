"""The direct fit: known minima, bounds, known parameters behind noise-free data."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.optimize import least_squares

from bilo.classical.search import Found, Predict, differenced, search
from bilo.classical.starts import grid_of
from bilo.inverse.least_squares import LeastSquares
from bilo.inverse.points import Points
from bilo.methods.direct_fit import DirectFit
from bilo.problems.fisher_kpp import FisherKPP
from bilo.solvers.fisher_kpp import at_time_one, sensitivities

X = np.linspace(0.0, 1.0, 11)[1:-1]
LOW, HIGH = np.full(2, 0.1), np.full(2, 10.0)
STARTS = [np.ones(2), *grid_of(LOW, HIGH, 3)]


def direct_fit(
    predict: Predict, data: np.ndarray, low: np.ndarray, high: np.ndarray, starts: list[np.ndarray]
) -> Found:
    given = LeastSquares(Points({"x": np.arange(len(data))}), torch.from_numpy(data))
    return search(predict, given, low, high, starts)


def _fisher_kpp(theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return sensitivities(theta[0], theta[1], X, nodes=24, steps=80)


def _exponentials(theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    t = np.linspace(0, 1, 20)
    decay = np.exp(-theta[1] * t)
    return theta[0] * decay, np.stack([decay, -theta[0] * t * decay], -1)


def test_finds_the_truth_and_the_second_minimum() -> None:
    found = direct_fit(_fisher_kpp, at_time_one(2, 2, X)[0], LOW, HIGH, STARTS)
    assert found.theta == pytest.approx([2.0, 2.0], rel=1e-5)
    assert found.data_loss < 1e-15
    second = found.minima[1]
    assert second.theta == pytest.approx([3.86, 2.414], rel=1e-3)
    assert second.data_loss == pytest.approx(2.56e-6, rel=1e-2)
    assert sum(m.starts for m in found.minima) == len(STARTS)


def test_several_starts_are_needed() -> None:
    """From the problem's start alone the search for (0.5, 3) ends in the second minimum."""
    data = at_time_one(0.5, 3, X)[0]
    alone = direct_fit(_fisher_kpp, data, LOW, HIGH, STARTS[:1])
    assert alone.theta == pytest.approx([1.335, 3.248], rel=1e-3)
    many = direct_fit(_fisher_kpp, data, LOW, HIGH, STARTS)
    assert many.theta == pytest.approx([0.5, 3.0], rel=1e-4)


def test_a_large_residual_ends_at_a_stationary_point() -> None:
    rng = np.random.default_rng(1)
    data = at_time_one(2, 2, X)[0] + 0.01 * rng.standard_normal(len(X))
    found = direct_fit(_fisher_kpp, data, LOW, HIGH, STARTS)
    peer = least_squares(
        lambda theta: _fisher_kpp(theta)[0] - data,
        found.theta * 1.05,
        jac=lambda theta: _fisher_kpp(theta)[1],
        bounds=(LOW, HIGH),
        xtol=1e-12,
        ftol=1e-14,
        gtol=1e-14,
    )
    assert found.data_loss == pytest.approx(2 * peer.cost / len(X), rel=1e-8)
    assert found.theta == pytest.approx(peer.x, rel=1e-3)
    assert found.evaluations < 40 * len(STARTS)


def test_a_bound_holds_its_unknown_and_the_other_still_fits() -> None:
    data, _ = _exponentials(np.array([2.0, 20.0]))
    found = direct_fit(_exponentials, data, LOW, HIGH, STARTS)
    assert found.theta[1] == pytest.approx(10.0, rel=1e-12)
    decay = np.exp(-10.0 * np.linspace(0, 1, 20))
    assert found.theta[0] == pytest.approx(decay @ data / (decay @ decay), rel=1e-6)


def test_a_fit_on_a_bound_is_not_called_converged() -> None:
    problem = FisherKPP()
    noisy = problem.observe({"D": 2.0, "rho": 2.0}, 1000.0, 0)
    found = DirectFit().fit(problem, noisy)
    assert not found.converged
    assert found.status == "on a bound"
    assert any("sits on a bound" in warning for warning in found.warnings)


def test_differences_replace_sensitivities() -> None:
    theta = np.array([1.3, 2.2])
    u, J = differenced(lambda at: _exponentials(at)[0])(theta)
    exact_u, exact_J = _exponentials(theta)
    assert np.array_equal(u, exact_u)
    assert np.abs(J - exact_J).max() < 1e-7


def test_starts_lie_inside_the_bounds() -> None:
    starts = np.array(grid_of(LOW, HIGH, 4))
    assert starts.shape == (16, 2)
    assert (starts > LOW).all()
    assert (starts < HIGH).all()


def test_an_unknown_may_be_negative() -> None:
    """It is then searched for on its own scale."""
    x = np.linspace(0, 1, 20)

    def line(theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        J = np.stack([1 - x, x], -1)
        return J @ theta, J

    low, high = np.full(2, -2.0), np.full(2, 2.0)
    found = direct_fit(line, line(np.array([-0.5, 0.0]))[0], low, high, grid_of(low, high, 3))
    assert found.theta == pytest.approx([-0.5, 0.0], abs=1e-8)
    assert len(found.minima) == 1


def test_refuses_bounds_without_room() -> None:
    with pytest.raises(ValueError, match="bounds low < high"):
        direct_fit(_exponentials, np.zeros(20), HIGH, HIGH, STARTS)
