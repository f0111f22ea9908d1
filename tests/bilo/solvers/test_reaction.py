"""The reaction of u: exact solutions for linear ones, finite differences, derivatives, and fits."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from bilo.classical.baselines import REACTION_NODES, reaction_fits, relative_error
from bilo.solvers import reaction
from bilo.solvers.spline import Spline, basis

T, X = np.random.default_rng(3).uniform(size=(2, 60))
NODES = np.linspace(0.0, 1.0, 10)


def _exact(alpha: float, beta: float) -> np.ndarray:
    """For r = alpha u + beta: the mean of u and its only cosine apart."""
    mean = (0.5 + beta / alpha) * np.exp(alpha * T) - beta / alpha
    decay = np.exp((alpha - reaction.DIFFUSIVITY * 4 * np.pi**2) * T)
    return mean - 0.45 * decay * np.cos(2 * np.pi * X)


@pytest.mark.parametrize(("alpha", "beta"), [(-1.3, 0.4), (0.8, -0.1)])
def test_linear_reaction_is_exact(alpha: float, beta: float) -> None:
    u = reaction.solve(lambda u: alpha * u + beta, T, X)
    assert np.abs(u - _exact(alpha, beta)).max() < 1e-9


def test_a_solution_is_solved_once() -> None:
    asked = []

    def r(u: np.ndarray) -> np.ndarray:
        asked.append(u.size)
        return reaction.truth(u)

    u = reaction.solution(r)
    assert asked == []
    values, solved = u(T, X), len(asked)
    assert u(T[:5], X[:5]) == pytest.approx(values[:5], rel=1e-13)
    assert len(asked) == solved > 0
    assert np.array_equal(values, reaction.solve(reaction.truth, T, X))


def test_fourth_order_in_time() -> None:
    exact = _exact(-1.3, 0.4)
    errors = [
        np.abs(reaction.solve(lambda u: -1.3 * u + 0.4, T, X, cells=8, steps=n) - exact).max()
        for n in (4, 8, 16)
    ]
    assert np.log2(np.divide(errors[:-1], errors[1:])) == pytest.approx(4.0, abs=0.6)


def test_second_order_differences_converge_to_it() -> None:
    errors = []
    for n in (50, 100, 200):
        x = np.linspace(0.0, 1.0, n + 1)

        def rate(_: float, u: np.ndarray, n: int = n) -> np.ndarray:
            mirrored = np.pad(u, 1, mode="reflect")
            return 0.01 * n**2 * np.diff(mirrored, 2) + reaction.truth(u)

        fine = {"method": "LSODA", "rtol": 1e-9, "atol": 1e-9, "lband": 1, "uband": 1}
        u = solve_ivp(rate, (0, 1), reaction.initial(x), **fine).y[:, -1]
        errors.append(np.abs(u - reaction.solve(reaction.truth, 1.0, x)).max())
    assert np.log2(np.divide(errors[:-1], errors[1:])) == pytest.approx(2.0, abs=0.05)
    assert errors[-1] < 1e-4


def test_refined_solution_agrees() -> None:
    u = reaction.solve(reaction.truth, T, X)
    assert np.abs(u - reaction.solve(reaction.truth, T, X, cells=96, steps=1600)).max() < 1e-9


def test_spline_holds_a_cubic_and_goes_on_linearly() -> None:
    r = Spline(NODES, reaction.truth(NODES))
    u = np.linspace(0.0, 1.0, 77)
    assert np.abs(r(u) - reaction.truth(u)).max() < 1e-14
    beyond = np.array([-0.3, -0.1, 1.2])
    end = np.array([0.0, 0.0, 1.0])
    assert r(beyond) == pytest.approx(reaction.truth(end) + r.slope(end) * (beyond - end))
    assert basis(NODES)(beyond) @ r.values == pytest.approx(r(beyond))


def test_jacobian_passes_the_taylor_test() -> None:
    r, direction = reaction.truth(NODES), np.cos(5 * NODES)
    u, J = reaction.jacobian(NODES, r, T, X)
    left = [
        np.abs(reaction.solve(Spline(NODES, r + h * direction), T, X) - u - h * J @ direction)
        for h in (4e-2, 2e-2, 1e-2)
    ]
    sizes = np.max(left, 1)
    assert np.log2(sizes[:-1] / sizes[1:]) == pytest.approx(2.0, abs=0.05)


def test_pullback_is_the_transposed_jacobian() -> None:
    """Also where u leaves the nodes: they end at 0.8 here."""
    nodes = np.linspace(0.1, 0.8, 7)
    r, c = reaction.truth(nodes), np.random.default_rng(0).standard_normal(len(T))
    u, J = reaction.jacobian(nodes, r, T, X)
    same, pull = reaction.pullback(nodes, r, T, X)
    assert np.abs(u - same).max() < 1e-14
    assert np.abs(pull(c) - c @ J).max() < 1e-12 * np.abs(c @ J).max()


def test_what_has_no_solution_is_said() -> None:
    with pytest.raises(ValueError, match="out of bounds"):
        reaction.solve(lambda u: 1e4 * u**3, T, X)
    with pytest.raises(ValueError, match="unstable"):
        reaction.solve(reaction.truth, T, X, steps=100)
    with pytest.raises(ValueError, match="outside"):
        reaction.solve(reaction.truth, [0.5], [1.1])


def _error(nodes: np.ndarray, values: np.ndarray) -> float:
    u = np.linspace(*reaction.seen(), 201)
    return relative_error(Spline(np.asarray(nodes), values)(u), reaction.truth(u))


def test_spline_without_noise() -> None:
    (found,) = reaction_fits(*reaction.observe(0.0, 0), weights=[0.0])
    assert _error(REACTION_NODES, found.z) < 1e-6


def test_penalised_spline_with_noise() -> None:
    minima = reaction_fits(*reaction.observe(1e-2, 0), weights=np.logspace(-8, -6, 4))
    errors = [_error(REACTION_NODES, found.z) for found in minima]
    assert min(errors) < 0.03
