"""Godunov's scheme for Burgers: exact Riemann solutions, characteristics, orders, the adjoint."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy.optimize import brentq

from bilo.solvers import burgers
from bilo.solvers.burgers import SPEED, centres, exact_riemann

GRIDS = (125, 250, 500, 1000)


def _bump(x: np.ndarray) -> np.ndarray:
    return (1 - np.cos(2 * np.pi * x)) / 2


def _waves(x: np.ndarray) -> np.ndarray:
    return np.sin(4 * np.pi * x)


def _hat(x: np.ndarray) -> np.ndarray:
    return ((x >= 0.3) & (x <= 0.6)).astype(float)


def _exact_hat(x: np.ndarray, t: float) -> np.ndarray:
    """Rarefaction from 0.3 (its head at 0.3 + 0.2 t stays behind) and shock at 0.6 + 0.1 t."""
    fan = exact_riemann(0, 1, (x - 0.3) / t)
    return np.where(x < 0.45 + 0.1 * t, fan, exact_riemann(1, 0, (x - 0.6) / t))


def _characteristics(f: Callable, x: np.ndarray, t: float) -> np.ndarray:
    """u(x, t) = f(x0) with x0 + a t f(x0) = x, before the characteristics cross."""
    return np.array([f(brentq(lambda s, X=X: s + SPEED * t * f(s) - X, 0, 1)) for X in x])


def _averages(exact: Callable, cells: int) -> np.ndarray:
    """Cell averages by 64 midpoints a cell."""
    return exact(centres(64 * cells)).reshape(cells, 64).mean(1)


def _orders(errors: list[float]) -> np.ndarray:
    return np.log2(np.divide(errors[:-1], errors[1:]))


@pytest.mark.parametrize(
    ("left", "right", "finest", "order"),
    [(1.0, 0.2, 5e-4, (0.8, 1.2)), (0.0, 1.0, 2e-3, (0.65, 1.0)), (-0.6, 0.8, 3e-3, (0.65, 1.0))],
    ids=["shock", "rarefaction", "sonic rarefaction"],
)
def test_riemann_problems(left: float, right: float, finest: float, order: tuple) -> None:
    """Away from the ends, whose waves stay outside (0.25, 0.75) until t = 1."""
    errors = []
    for n in GRIDS:
        x = centres(n)
        u = burgers.final(np.where(x < 0.5, left, right))
        exact = _averages(lambda s: exact_riemann(left, right, s - 0.5), n)
        errors.append(np.abs(u - exact)[(x > 0.25) & (x < 0.75)].sum() / n)
    assert errors[-1] < finest
    mean = _orders(errors).mean()
    assert order[0] < mean < order[1]


def test_standing_shock_is_kept() -> None:
    f = np.where(centres(100) < 0.5, 0.7, -0.7)
    x = centres(100)
    assert np.abs(burgers.final(f) - f)[(x > 0.2) & (x < 0.8)].max() < 1e-15


def test_smooth_solution_against_characteristics() -> None:
    """(1 - cos 2 pi x) / 2 is smooth until t = 1 / (a pi) = 1.59."""
    errors = []
    for n in GRIDS:
        exact = _characteristics(_bump, centres(n), 0.8)
        errors.append(np.abs(burgers.final(_bump(centres(n)), 0.8) - exact).mean())
    assert (_orders(errors) > 0.9).all()
    assert errors[-1] < 5e-4


def test_top_hat_against_exact_solution() -> None:
    errors = []
    for n in GRIDS:
        f = _averages(_hat, n)
        exact = _averages(lambda x: _exact_hat(x, 1.0), n)
        errors.append(np.abs(burgers.final(f) - exact).sum() / exact.sum())
    assert errors[-1] < 8e-3
    assert 0.65 < _orders(errors).mean() < 1.1
    position, height = burgers.shocks(centres(1000), burgers.final(f), 1)
    assert position[0] == pytest.approx(0.7, abs=1e-3)
    assert height[0] == pytest.approx(1.0, abs=0.02)


def test_shocks_of_the_sine() -> None:
    """They stand at 1/4 and 3/4 from t = 1 / (4 pi a) = 0.398; before, u is smooth."""
    x, f = centres(), _waves(centres())
    for t in (0.6, 1.0):
        positions, heights = burgers.shocks(x, burgers.final(f, t), 2)
        assert np.abs(positions - [0.25, 0.75]).max() < 1.0 / burgers.CELLS
        # the states at the shock: u = sin(4 pi x0), x0 + a t u = 1/4
        x0 = brentq(lambda s, t=t: s + SPEED * t * _waves(s) - 0.25, 0.0, 0.15)
        assert heights == pytest.approx(2 * _waves(x0), rel=0.02)
    trajectory = burgers.solve(f)
    largest = -np.diff(trajectory.u, axis=1).min(1)[np.searchsorted(trajectory.times, [0.3, 0.5])]
    assert largest[0] < 0.1  # -u_x = 51 at most, a twentieth a cell; twice that at a sonic point
    assert largest[1] > 1.3


def test_shock_position_from_point_values() -> None:
    """A moving shock seen on 51 points, 0.02 apart: known to half of that."""
    x = np.linspace(0, 1, 51)
    trajectory = burgers.solve(_averages(_hat, burgers.CELLS))
    for t in (0.13, 0.41, 0.77, 1.0):
        position, _ = burgers.shocks(x, trajectory(np.full(51, t), x), 1)
        assert abs(position[0] - (0.6 + 0.1 * t)) < 0.011
    with pytest.raises(ValueError, match="0 separate descents"):
        burgers.shocks(x, x**2, 1)


def test_conservation_and_maximum_principle() -> None:
    rng = np.random.default_rng(0)
    x = centres()
    f = np.where(np.abs(x - 0.5) < 0.25, rng.uniform(-1, 1, x.size), 0.0)
    u = burgers.solve(f).u
    assert np.abs(u.sum(1) - f.sum()).max() / burgers.CELLS < 1e-14
    assert u.max() <= f.max()
    assert u.min() >= f.min()
    variation = np.abs(np.diff(u, axis=1)).sum(1)
    assert (np.diff(variation) <= 1e-12).all()


def test_trajectory_between_times_and_cells() -> None:
    f = _bump(centres())
    kept = burgers.solve(f, times=np.linspace(0, 1, 51))
    every = burgers.solve(f)
    t, x = np.meshgrid([0.0, 0.1, 0.503, 1.0], np.linspace(0, 1, 41), indexing="ij")
    exact = np.stack([_characteristics(_bump, x[0], time) for time in t[:, 0]])
    assert kept.u.shape == (51, burgers.CELLS)
    assert np.abs(every(t, x) - exact).max() < 4e-3
    assert np.abs(kept(t, x) - every(t, x)).max() < 2e-4
    assert np.abs(kept(t, x)[:, [0, -1]]).max() == 0
    assert np.array_equal(kept.u[-1], burgers.final(f))
    with pytest.raises(ValueError, match="out of bounds"):
        kept(1.1, 0.5)
    with pytest.raises(ValueError, match="must increase"):
        burgers.solve(f, times=[0.5, 0.2])


@pytest.mark.parametrize("f", [_bump, _waves, _hat, lambda x: -0.8 * _bump(x)])
def test_adjoint_against_central_differences(f: Callable) -> None:
    n, steps = 151, 60
    rng = np.random.default_rng(1)
    cells = f(centres(n)) + 0.05 * rng.standard_normal(n)  # no flux exactly at its kink
    cotangent = rng.standard_normal((2, n))
    gradient = burgers.adjoint(cells, cotangent, steps=steps)
    for v in (*np.eye(n)[10::35], rng.standard_normal(n)):
        e = 1e-6 * v
        up, down = (burgers.final(cells + s, steps=steps) for s in (e, -e))
        difference = cotangent @ (up - down) / 2e-6
        assert gradient @ v == pytest.approx(difference, rel=1e-6, abs=1e-8)


def test_adjoint_at_a_standing_shock_is_the_mean_of_both_sides() -> None:
    cells = np.where(centres(100) < 0.5, 0.7, -0.7)
    cotangent, step = np.random.default_rng(2).standard_normal(100), 1e-7 * np.eye(100)[49]
    up, same, down = (cotangent @ burgers.final(cells + s, 0.01) for s in (step, 0 * step, -step))
    assert abs(up + down - 2 * same) > 1e-9  # a kink: the one-sided derivatives differ
    gradient = burgers.adjoint(cells, cotangent, 0.01)
    assert gradient[49] == pytest.approx((up - down) / 2e-7, rel=1e-6)


def test_bad_input() -> None:
    with pytest.raises(ValueError, match="10 steps are unstable"):
        burgers.final(np.ones(101), steps=10)
    with pytest.raises(ValueError, match="vector of finite numbers"):
        burgers.final([0.0, np.nan, 0.0])
