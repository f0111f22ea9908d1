"""Advection, diffusion and decay: second-order differences, the budget, derivatives, and a fit."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from scipy.integrate import solve_ivp

from bilo.classical.baselines import advection_fit
from bilo.solvers import advection

TRUTH = np.array(advection.TRUTH)
T, X = np.random.default_rng(8).uniform(size=(2, 50))


def _differences(n: int, t: float) -> tuple[np.ndarray, np.ndarray]:
    """Nodes and u by central differences; the outflow's node is mirrored."""
    D, k, q = TRUTH
    x, h, v = np.linspace(0.0, 1.0, n + 1)[1:], 1 / n, advection.VELOCITY
    before, after = D / h**2 + v / (2 * h), D / h**2 - v / (2 * h)
    lower = np.full(n - 1, before)
    lower[-1] = before + after
    A = sparse.diags_array(
        [lower, np.full(n, -2 * D / h**2 - k), np.full(n - 1, after)], offsets=[-1, 0, 1]
    ).tocsc()
    s = q * advection.source(x)
    fine = {"method": "BDF", "jac": A, "rtol": 1e-8, "atol": 1e-8}
    return x, solve_ivp(lambda _, u: A @ u + s, (0.0, t), np.zeros(n), **fine).y[:, -1]


@pytest.mark.parametrize("t", [0.4, 1.0])
def test_second_order_differences_converge_to_it(t: float) -> None:
    errors = []
    for n in (200, 400, 800):
        x, u = _differences(n, t)
        errors.append(np.abs(u - advection.solve(TRUTH, t, x)).max())
    assert np.log2(np.divide(errors[:-1], errors[1:])) == pytest.approx(2.0, abs=0.2)
    assert errors[-1] < 2e-3 * u.max()


def test_refined_solution_agrees() -> None:
    u = advection.solve(TRUTH, T, X)
    fine = advection.solve(TRUTH, T, X, nodes=144, steps=600)
    assert np.abs(u - fine).max() < 1e-7 * u.max()


def test_conditions() -> None:
    t, h = np.linspace(0.0, 1.0, 9), 1e-5
    assert np.abs(advection.solve(TRUTH, t, 0.0)).max() < 1e-12
    end, inside = (advection.solve(TRUTH, t, 1 - y) for y in (0.0, h))
    assert np.abs(end - inside).max() < 1e-6
    assert np.abs(advection.solve(TRUTH, 0.0, X)).max() == 0


def test_sensitivities_pass_the_taylor_test() -> None:
    u, J = advection.sensitivities(TRUTH, T, X)
    direction = np.array([1e-3, 2.0, 10.0])
    left = [
        np.abs(advection.solve(TRUTH + h * direction, T, X) - u - h * J @ direction).max()
        for h in (4e-2, 2e-2, 1e-2)
    ]
    assert np.log2(np.divide(left[:-1], left[1:])) == pytest.approx(2.0, abs=0.1)
    assert J[:, 2] == pytest.approx(u / TRUTH[2])  # u is linear in q


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_least_squares(seed: int) -> None:
    t, x, values, sigma = advection.observe(0.01, seed)
    found = advection_fit(t, x, values)
    spread = found.spread(sigma)
    assert found.converged
    assert np.abs((found.z - TRUTH) / spread).max() < 2.5
    assert spread == pytest.approx([1.25e-4, 0.012, 0.14], rel=0.2)


def test_what_has_no_solution_is_said() -> None:
    with pytest.raises(ValueError, match="D must be positive"):
        advection.solve((-1e-3, 2.0, 50.0), T, X)
    with pytest.raises(ValueError, match="outside"):
        advection.solve(TRUTH, [1.5], [0.5])
