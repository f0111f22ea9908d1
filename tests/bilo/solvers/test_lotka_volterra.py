"""Lotka-Volterra: an implicit method, the invariant, the sensitivities, and scipy's spreads."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from bilo.classical.baselines import lotka_volterra_fit
from bilo.solvers import lotka_volterra

TRUTH = np.array(lotka_volterra.TRUTH)


def test_against_an_implicit_method() -> None:
    a, b, c, d = TRUTH
    t = np.linspace(0.0, 20.0, 50)
    oracle = solve_ivp(
        lambda _, u: [a * u[0] - b * u[0] * u[1], d * u[0] * u[1] - c * u[1]],
        (0.0, 20.0), (4.0, 2.0), method="Radau", rtol=1e-11, atol=1e-12, t_eval=t,
    ).y.T  # fmt: skip
    assert np.abs(lotka_volterra.solve(TRUTH, t) / oracle - 1).max() < 1e-9


def test_the_invariant_stays() -> None:
    u = lotka_volterra.solve(TRUTH, np.linspace(0.0, 20.0, 200))
    assert np.ptp(lotka_volterra.invariant(TRUTH, u)) < 1e-10


def test_times_in_any_order() -> None:
    t = np.array([7.0, 0.0, 20.0, 3.0])
    u = lotka_volterra.solve(TRUTH, t)
    assert np.abs(u[1] - [4.0, 2.0]).max() == 0
    assert np.abs(u[::-1] - lotka_volterra.solve(TRUTH, t[::-1])).max() < 1e-12


@pytest.mark.parametrize("theta", [TRUTH, (1.0, 0.5, 0.5, 0.15)])
def test_sensitivities_pass_the_taylor_test(theta: np.ndarray) -> None:
    t, direction = np.linspace(1.0, 20.0, 30), np.array([0.3, -0.2, 0.1, 0.05])
    u, J = lotka_volterra.sensitivities(theta, t)
    steps = np.array([4e-3, 2e-3, 1e-3])
    left = [
        np.abs(lotka_volterra.solve(theta + h * direction, t) - u - h * J @ direction).max()
        for h in steps
    ]
    assert np.log2(np.divide(left[:-1], left[1:])) == pytest.approx(2.0, abs=0.1)


def test_spreads_are_those_of_the_definition() -> None:
    """For the noise of 5 % at the truth; .027, .010, .008, .002 are those of one fit."""
    t, _, sigma = lotka_volterra.observe(0.05, 0)
    J = (lotka_volterra.sensitivities(TRUTH, t)[1] / sigma[:, None]).reshape(-1, 4)
    spread = np.sqrt(np.diag(np.linalg.inv(J.T @ J)))
    assert spread == pytest.approx([0.027, 0.010, 0.008, 0.002], rel=0.12)


@pytest.mark.parametrize("start", [(1.0, 0.5, 0.5, 0.15), (1.0, 1.0, 1.0, 0.3)])
@pytest.mark.parametrize("seed", [0, 4])
def test_least_squares(start: tuple[float, ...], seed: int) -> None:
    found = lotka_volterra_fit(*lotka_volterra.observe(0.05, seed), start)
    assert found.converged
    assert np.abs((found.z - TRUTH) / found.spread()).max() < 2.5
    assert np.mean(found.residual**2) == pytest.approx(1.0, abs=0.35)
    assert found.spread() == pytest.approx([0.028, 0.011, 0.0083, 0.0021], rel=0.06)


def test_no_solution_is_said() -> None:
    with pytest.raises(ValueError, match="no solution"):
        lotka_volterra.solve((60.0, 0.0, 1.0, 0.0), [20.0])
    with pytest.raises(ValueError, match="finite"):
        lotka_volterra.solve((1.0, np.nan, 1.0, 0.0), [1.0])
