"""Two unknown functions: constant coefficients, collocation, derivatives, and penalties."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import solve_bvp

from bilo.classical.baselines import PAIRS, relative_error, two_functions_fits
from bilo.solvers import two_functions
from bilo.solvers.interpolation import interpolation

X = np.random.default_rng(5).uniform(size=30)


def _nodes(n: int) -> np.ndarray:
    return np.linspace(0.0, 1.0, n + 1)


def _truth(n: int) -> tuple[np.ndarray, np.ndarray]:
    return two_functions.true_a(_nodes(n)), two_functions.true_b(_nodes(n))


def test_constant_coefficients_in_second_order() -> None:
    a, b, errors = 1.7, 5.0, []
    for n in (20, 40, 80):
        x, m = _nodes(n), np.sqrt(b / a)
        first = 10 / b * (1 - np.cosh(m * (x - 0.5)) / np.cosh(m / 2))
        exact = [first, 20 * np.sin(3 * np.pi * x) / (9 * np.pi**2 * a + b)]
        u = two_functions.solve(np.full(n + 1, a), np.full(n + 1, b))
        errors.append(np.abs(u - exact).max())
    assert np.log2(np.divide(errors[:-1], errors[1:])) == pytest.approx(2.0, abs=0.05)


def test_against_collocation() -> None:
    """In u and the flux a u'."""
    a, b = two_functions.true_a, two_functions.true_b
    loads = (lambda x: 10 + 0 * x, lambda x: 20 * np.sin(3 * np.pi * x))
    u = two_functions.solve(*_truth(1000)) @ interpolation(1000, X).T
    for of_load, g in zip(u, loads, strict=True):

        def rates(x, y, g=g):
            return np.stack([y[1] / a(x), b(x) * y[0] - g(x)])

        oracle = solve_bvp(
            rates, lambda left, right: np.array([left[0], right[0]]), _nodes(50),
            np.zeros((2, 51)), tol=1e-8, max_nodes=20_000,
        )  # fmt: skip
        assert oracle.success
        assert np.abs(of_load - oracle.sol(X)[0]).max() < 3e-6


def test_jacobian_passes_the_taylor_test() -> None:
    a, b = _truth(40)
    da, db = np.cos(3 * _nodes(40)), np.exp(_nodes(40))
    u, by_a, by_b = two_functions.jacobian(a, b, X)
    left = []
    for h in (4e-2, 2e-2, 1e-2):
        moved = two_functions.solve(a + h * da, b + h * db) @ interpolation(40, X).T
        left.append(np.abs(moved - u - h * (by_a @ da + by_b @ db)).max())
    assert np.log2(np.divide(left[:-1], left[1:])) == pytest.approx(2.0, abs=0.1)


def test_adjoint_is_the_transposed_jacobian() -> None:
    a, b = _truth(30)
    c = np.random.default_rng(6).standard_normal((2, len(X)))
    u, C = two_functions.solve(a, b), interpolation(30, X)
    gradients = two_functions.adjoint(a, b, u, c @ C)
    jacobians = two_functions.jacobian(a, b, X)[1:]
    for gradient, J in zip(gradients, jacobians, strict=True):
        expected = np.einsum("sm,smi->si", c, J)
        assert np.abs(gradient - expected).max() < 1e-13 * np.abs(expected).max()


def test_what_cannot_be_solved_is_said() -> None:
    a, b = _truth(20)
    with pytest.raises(ValueError, match="a must be positive"):
        two_functions.solve(a - 2, b)
    with pytest.raises(ValueError, match="not positive definite"):
        two_functions.solve(a, b - 100)


def test_pairs_of_penalties() -> None:
    """b = 4, the start, has an error of a third: these data hold little more of b."""
    x, values = two_functions.observe(2e-3, 0)
    minima = two_functions_fits(x, values, pairs=PAIRS[::2] + PAIRS[5:6])
    true_a, true_b = _truth(100)
    of_a = [relative_error(found.z[:101], true_a) for found in minima]
    of_b = [relative_error(found.z[101:], true_b) for found in minima]
    assert all(found.converged for found in minima)
    assert of_a[-1] < 0.025
    assert of_b[-1] < 0.28
    assert min(of_b) < 0.22
