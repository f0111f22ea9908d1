"""The heat equation: the hat's analytic series, an independent integrator, classical inversions."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
import torch
from scipy.fft import dst
from scipy.linalg import solveh_banded

from bilo.problems.heat import Heat
from bilo.solvers import heat

X = np.linspace(0.0, 1.0, 51)


def _hat(n: int) -> np.ndarray:
    x = np.linspace(0.0, 1.0, n + 1)
    return 2 * np.minimum(x, 1 - x)


def _series(t: float, x: np.ndarray) -> np.ndarray:
    """The hat's own series: b_k = 8 sin(k pi / 2) / (k pi)^2."""
    k = np.arange(1, 400, 2)
    b = 8 * np.sin(k * np.pi / 2) / (k * np.pi) ** 2
    return (b * np.exp(-0.01 * (k * np.pi) ** 2 * t)) @ np.sin(np.pi * np.outer(k, x))


def _crank_nicolson(f: np.ndarray, steps: int) -> np.ndarray:
    """u at the nodes at t = 1 from central differences in x and the trapezoidal rule in t."""
    n = len(f) - 1
    r = 0.01 * n**2 / (2 * steps)
    implicit = np.array([np.full(n - 1, -r), np.full(n - 1, 1 + 2 * r)])
    u = f[1:-1]
    for _ in range(steps):
        v = np.pad(u, 1)
        u = solveh_banded(implicit, u + r * (v[2:] - 2 * u + v[:-2]))
    return np.pad(u, 1)


@pytest.mark.parametrize("n", [2, 20, 50])
@pytest.mark.parametrize("t", [0.05, 1.0])
def test_hat_against_its_series(n: int, t: float) -> None:
    """The hat is piecewise linear on every even number of cells: exact on all of them."""
    assert np.abs(heat.solve(_hat(n), t, X) - _series(t, X)).max() < 2e-14


def test_exact_coefficients_beat_the_nodal_transform() -> None:
    """The nodal transform misses mode 1 of the hat by the factor 1 / sinc^2(h / 2)."""
    n, k = 50, np.arange(1, 50)
    exact = _series(1.0, X)
    nodal = heat.sine_series(dst(_hat(n)[1:-1], type=1) / n * np.exp(-0.01 * (k * np.pi) ** 2), X)
    assert np.abs(heat.solve(_hat(n), 1.0, X) - exact).max() < 2e-15
    first = 8 / np.pi**2 * np.exp(-0.01 * np.pi**2) * (np.sinc(0.5 / n) ** -2 - 1)
    assert first > 2e-4
    assert np.abs(nodal - exact)[25] > first  # the other modes add to it in the middle


def test_against_crank_nicolson() -> None:
    """Orders in t and in x, and the limit of both, for a rough f."""
    f = np.zeros(21)
    f[1:-1] = np.random.default_rng(3).uniform(0.0, 1.0, 19)
    nodes = np.linspace(0.0, 1.0, 21)
    ours = heat.solve(f, 1.0, nodes)

    def refined(n: int, steps: int) -> np.ndarray:
        return _crank_nicolson(np.interp(np.linspace(0, 1, n + 1), nodes, f), steps)[:: n // 20]

    a, b, c = (refined(80, steps) for steps in (200, 400, 800))
    order = np.log2(np.abs(a - b).max() / np.abs(b - c).max())
    assert order == pytest.approx(2.0, abs=0.02)

    limits = [(4 * refined(n, 800) - refined(n, 400)) / 3 for n in (80, 160, 320)]
    errors = [np.abs(u - ours).max() for u in limits]
    assert np.log2(np.divide(errors[:-1], errors[1:])) == pytest.approx(2.0, abs=0.02)
    coarse, fine = ((4 * limits[i + 1] - limits[i]) / 3 for i in range(2))
    assert np.abs((16 * fine - coarse) / 15 - ours).max() < 2e-9


def test_eigenfunctions_decay() -> None:
    """f interpolates sin(3 pi x): mode 3 is sinc^2(3 h / 2) of it, aliases decay away."""
    n, t = 100, 2.0
    f = np.sin(3 * np.pi * np.linspace(0, 1, n + 1))
    f[-1] = 0.0
    expected = np.sinc(1.5 / n) ** 2 * np.exp(-0.09 * np.pi**2 * t) * np.sin(3 * np.pi * X)
    assert np.abs(heat.solve(f, t, X) - expected).max() < 1e-15


def test_points_of_several_times_and_batches() -> None:
    f = np.stack([_hat(20), _hat(20) ** 2])
    t, x = np.array([0.0, 0.1, 1.0, 0.0]), np.array([0.33, 0.5, 0.25, 1.0])
    u = heat.solve(f, t, x)
    assert u.shape == (2, 4)
    for i in range(4):
        assert np.abs(u[1, i] - heat.solve(f[1], t[i], x[i : i + 1])[0]) < 1e-14
    assert u[0, 0] == pytest.approx(0.66, abs=1e-15)
    assert u[0, 3] == 0.0
    assert heat.solve(f[0], t, 0.5)[1] == pytest.approx(u[0, 1], abs=1e-15)


def test_small_time_moves_the_corner_only() -> None:
    change = heat.solve(_hat(10), 1e-4, X) - _hat(50)
    assert np.abs(np.delete(change, 25)).max() < 1e-14
    # a corner of slopes +-2 on the whole line loses 4 sqrt(0.01 t / pi)
    assert change[25] == pytest.approx(-4 * np.sqrt(1e-6 / np.pi), rel=1e-12)


def test_a_point_early_in_time_costs_little() -> None:
    """It needs 60,000 modes, of 1,001 nodes each; the other points do not."""
    n = 1000
    f = np.sin(np.pi * np.arange(n + 1) / n)
    f[-1] = 0.0
    t, x = np.linspace(1e-7, 1, 200), np.linspace(0.1, 0.9, 200)
    tracemalloc.start()
    try:
        u = heat.solve(f, t, x)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    exact = np.exp(-heat.DIFFUSIVITY * np.pi**2 * t) * np.sin(np.pi * x)
    assert np.abs(u - exact).max() < 1e-6
    assert peak < 100e6


def test_the_solution_is_that_of_the_propagator() -> None:
    """At times with few modes and with more than the nodes tell apart, at t = 0, and in batches."""
    f = np.random.default_rng(0).standard_normal((3, 11))
    f[:, [0, -1]] = 0.0
    t, x = np.array([0.0, 1e-3, 0.2, 0.0, 1.0]), np.linspace(0, 1, 5)
    K = heat.propagator(10, t, x)
    assert np.abs(heat.solve(f, t, x) - f @ K.T).max() < 1e-14
    assert (heat.solve(f, 0.0, x) == f @ heat.propagator(10, 0.0, x).T).all()


def test_the_problem_leaves_its_function_alone() -> None:
    """And refuses one that is not zero at the ends, rather than cutting it off."""
    table = torch.linspace(0, 1, 1001, dtype=torch.float64)
    with pytest.raises(ValueError, match="f must be zero at both ends"):
        Heat().reference({"f": lambda points: table})
    assert table[-1] == 1.0
    sine = (np.pi * table).sin()
    before = sine.clone()
    Heat().reference({"f": lambda points: sine})
    assert torch.equal(sine, before)


def test_tikhonov_is_the_minimum() -> None:
    """Its gradient by nodal f vanishes: K^T (K f - d) / m + w S f = 0."""
    n, w_reg = 100, 1e-2
    K = heat.propagator(n, 1.0, X)
    d = K @ _hat(n) + np.random.default_rng(0).normal(0.0, np.sqrt(1e-3), (3, 51))
    f = heat.tikhonov(K, d, w_reg)
    S = n * (2 * np.eye(n + 1) - np.eye(n + 1, k=1) - np.eye(n + 1, k=-1))
    gradient = (f @ K.T - d) @ K / 51 + w_reg * f @ S
    assert np.abs(gradient[:, 1:-1]).max() < 1e-14
    assert not f[:, [0, -1]].any()
    assert np.abs(f[2] - heat.tikhonov(K, d[2], w_reg)).max() < 1e-12
    with pytest.raises(ValueError, match="w_reg"):
        heat.tikhonov(K, d, 0.0)


def test_tikhonov_without_noise_is_bounded_by_the_truth() -> None:
    """misfit(f_w) + w R(f_w) <= w R(f): both parts, and an error that falls with the weight."""
    x = np.linspace(0.0, 1.0, 101)
    f = x * (1 - x) * (1 + x)
    K = heat.propagator(100, 1.0, X)
    weights = np.array([1e-2, 1e-5, 1e-10])
    ours = np.stack([heat.tikhonov(K, K @ f, w) for w in weights])
    R = 100 * (np.diff(f) ** 2).sum()
    assert (100 * (np.diff(ours) ** 2).sum(-1) < R).all()
    assert ((((ours - f) @ K.T) ** 2).mean(-1) < weights * R).all()
    errors = np.abs(ours - f).max(-1)
    assert errors[0] > errors[1] > errors[2]
    assert errors[2] < 3e-3


def test_truncated_inversion() -> None:
    """Noise-free data at t = 1 return the modes: on 51 points no other mode mixes in."""
    b = heat.truncated(heat.solve(_hat(100), 1.0, X), 1.0, X, 9)
    assert np.abs(b - heat.sine_coefficients(_hat(100), 9)).max() < 1e-10
    two = heat.truncated(np.stack([_series(1.0, X)] * 2), 1.0, X, 9)
    assert two.shape == (2, 9)
    assert np.abs(two - b).max() < 1e-10
    error = np.abs(heat.sine_series(b, np.linspace(0, 1, 1001)) - _hat(1000)).max()
    assert error == pytest.approx(heat.truncation_error(_hat(100), 5)[0], rel=1e-6)
    with pytest.raises(ValueError, match="determine"):
        heat.truncated(np.zeros(51), 1.0, X, 50)


@pytest.mark.parametrize("odd_modes", [3, 4, 5, 6])
def test_truncation_of_the_hat(odd_modes: int) -> None:
    """The tails of sum 1/k^2 = pi^2/8 (in the middle) and sum 1/k^4 = pi^4/96 (Parseval)."""
    k = np.arange(1.0, 2 * odd_modes, 2)
    maximum, mean_square = heat.truncation_error(_hat(100), odd_modes)
    assert maximum == pytest.approx(1 - 8 / np.pi**2 * (k**-2).sum(), rel=1e-12)
    parseval = 1 / 3 - 32 / np.pi**4 * (k**-4).sum()
    assert mean_square * 1001 / 1000 == pytest.approx(parseval, rel=1e-3)


def test_four_odd_modes_of_the_hat() -> None:
    """The numbers that the result of the heat experiment is read against."""
    assert heat.truncation_error(_hat(100), 4) == pytest.approx((5.04e-2, 1.04e-4), rel=5e-3)


def test_what_is_not_a_solution_is_refused() -> None:
    with pytest.raises(ValueError, match="ends"):
        heat.solve(np.ones(11), 1.0, X)
    with pytest.raises(ValueError, match="outside"):
        heat.solve(_hat(10), -1.0, X)
    with pytest.raises(ValueError, match="symmetric"):
        heat.truncation_error(np.array([0.0, 1.0, 2.0, 0.0]), 3)
