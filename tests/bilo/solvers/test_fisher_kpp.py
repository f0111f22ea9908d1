"""The reference solution of Fisher-KPP: an independent integrator, orders, known numbers."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from bilo.solvers import fisher_kpp

X = np.linspace(0.0, 1.0, 11)


def _finite_differences(D: float, rho: float, n: int) -> np.ndarray:
    """u(x, 1) at X from central differences on n intervals and an implicit Runge-Kutta method."""
    x = np.linspace(0.0, 1.0, n + 1)[1:-1]
    c = 0.01 * D * n**2
    L = c * (np.eye(n - 1, k=1) - 2 * np.eye(n - 1) + np.eye(n - 1, k=-1))
    done = solve_ivp(
        lambda t, u: L @ u + rho * u * (1 - u),
        (0.0, 1.0),
        0.5 * np.sin(np.pi * x) ** 2,
        method="Radau",
        rtol=1e-10,
        atol=1e-12,
        jac=lambda t, u: L + np.diag(rho * (1 - 2 * u)),
    )
    return np.pad(done.y[:, -1], 1)[:: n // 10]


@pytest.mark.parametrize(("D", "rho", "middle"), [(1, 1, 0.65859756), (2, 2, 0.79658318)])
def test_known_values(D: float, rho: float, middle: float) -> None:
    assert fisher_kpp.solve(D, rho)[-1, 25] == pytest.approx(middle, abs=5e-9)


def test_misfit_at_the_start() -> None:
    start, truth = fisher_kpp.at_time_one([1, 2], [1, 2], X)
    assert ((start - truth) ** 2).mean() == pytest.approx(2.08e-2, rel=1e-3)


@pytest.mark.parametrize(("D", "rho"), [(2.0, 2.0), (0.5, 3.0), (8.0, 0.3)])
def test_agrees_with_extrapolated_finite_differences(D: float, rho: float) -> None:
    coarse, fine = (_finite_differences(D, rho, n) for n in (100, 200))
    independent = (4 * fine - coarse) / 3
    assert np.abs(fisher_kpp.at_time_one(D, rho, X)[0] - independent).max() < 2e-7
    # the finite differences approach ours at their own order
    errors = [np.abs(u - fisher_kpp.at_time_one(D, rho, X)[0]).max() for u in (coarse, fine)]
    assert np.log2(errors[0] / errors[1]) == pytest.approx(2.0, abs=0.1)


def test_observed_order_in_time() -> None:
    exact = fisher_kpp.at_time_one(2.0, 2.0, X, steps=640)[0]
    errors = [
        np.abs(fisher_kpp.at_time_one(2.0, 2.0, X, steps=n)[0] - exact).max() for n in (10, 20, 40)
    ]
    orders = np.log2(np.divide(errors[:-1], errors[1:]))
    assert (orders > 3.0).all()  # Strang's second order, extrapolated once
    assert errors[-1] < 1e-8


def test_nodes_converge_spectrally() -> None:
    exact = fisher_kpp.at_time_one(2.0, 2.0, X)[0]
    errors = [
        np.abs(fisher_kpp.at_time_one(2.0, 2.0, X, nodes=n)[0] - exact).max() for n in (8, 16)
    ]
    assert errors[0] > 1e3 * errors[1]


def test_uniform_grid_and_smooth_function_agree() -> None:
    smooth = fisher_kpp.trajectory(2.0, 2.0)
    t, x = np.meshgrid(np.linspace(0, 1, 21), np.linspace(0, 1, 31), indexing="ij")
    grid = fisher_kpp.solve(2.0, 2.0, nx=30, nt=20)
    assert grid.shape == (21, 31)
    assert np.abs(smooth(t, x) - grid).max() < 1e-7
    assert np.abs(grid[0] - 0.5 * np.sin(np.pi * x[0]) ** 2).max() < 1e-14
    assert np.abs(grid[:, [0, -1]]).max() < 1e-14


def test_smooth_between_its_times() -> None:
    """Times that no computation stepped on, against a computation that does."""
    t = np.array([3e-5, 1.7e-3, 0.0213, 0.3171, 0.7777])
    smooth = fisher_kpp.trajectory(2.0, 2.0)
    for moment in t:
        n = round(1e5 * moment)
        exact = fisher_kpp._extrapolated(2.0, 2.0, np.linspace(0, moment, min(n, 40) + 1), 64, 1280)
        assert np.abs(smooth(moment, smooth.nodes) - exact[-1, :, 0]).max() < 2e-7


def test_sensitivities_against_finite_differences() -> None:
    u, J = fisher_kpp.sensitivities(1.3, 2.2, X)
    step = 1e-4
    D = np.array([1.3 + step, 1.3 - step, 1.3, 1.3, 1.3])
    rho = np.array([2.2, 2.2, 2.2 + step, 2.2 - step, 2.2])
    values = fisher_kpp.at_time_one(D, rho, X)
    assert np.abs(u - values[4]).max() < 1e-12
    central = np.stack([values[0] - values[1], values[2] - values[3]], -1) / (2 * step)
    assert np.abs(J - central).max() < 1e-7 * np.abs(J).max() + 1e-8


def test_heat_equation_without_growth() -> None:
    """rho = 0: the sine series of the initial values."""
    k = np.arange(1, 4001, 2)
    b = 2 * (1 / (2 * k) - (1 / (k - 2) + 1 / (k + 2)) / 4) / np.pi
    series = (b * np.exp(-0.01 * 3.0 * (k * np.pi) ** 2)) @ np.sin(np.pi * np.outer(k, X))
    assert np.abs(fisher_kpp.at_time_one(3.0, 0.0, X)[0] - series).max() < 1e-10


@pytest.mark.parametrize(("D", "rho"), [(0.1, 10.0), (10.0, 10.0), (10.0, 0.1)])
def test_bounds_of_the_parameters(D: float, rho: float) -> None:
    finer = fisher_kpp.solve(D, rho, nodes=96, steps=2560)
    assert np.abs(fisher_kpp.solve(D, rho) - finer).max() < 2e-7
