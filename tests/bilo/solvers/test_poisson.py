"""Poisson with a variable diffusivity: manufactured solutions, an oracle, derivatives."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad, solve_bvp

from bilo.solvers import poisson
from bilo.solvers.interpolation import interpolate, interpolation

SEED = 7
DATA = np.linspace(0.0, 1.0, 51)


def _hat(n: int) -> np.ndarray:
    x = np.linspace(0.0, 1.0, n + 1)
    return 1 + np.minimum(x, 1 - x)


def _rough(n: int, *batch: int) -> np.ndarray:
    """Random positive diffusivities, nothing smooth about them."""
    return np.random.default_rng(SEED).uniform(0.5, 2.0, (*batch, n + 1))


def _assembled(D: np.ndarray) -> np.ndarray:
    """The stiffness matrix of the inner nodes, entry by entry from the weak form."""
    n = len(D) - 1
    A = np.zeros((n + 1, n + 1))
    for e in range(n):
        A[e : e + 2, e : e + 2] += n * (D[e] + D[e + 1]) / 2 * np.array([[1, -1], [-1, 1]])
    return A[1:-1, 1:-1]


def _l2_error(u: np.ndarray, exact: np.ndarray, x: np.ndarray) -> float:
    return float(np.sqrt(np.trapezoid((interpolate(u, x) - exact) ** 2, x)))


@pytest.mark.parametrize(
    ("D", "slope"),
    [
        (lambda x: 1 + x, lambda x: np.ones_like(x)),
        (np.exp, np.exp),
    ],
    ids=["linear", "exponential"],
)
def test_manufactured_order(D, slope) -> None:
    """u = sin(pi x) + x (1 - x), f = -(D' u' + D u'')."""

    def f(x: np.ndarray) -> np.ndarray:
        u_x = np.pi * np.cos(np.pi * x) + 1 - 2 * x
        u_xx = -(np.pi**2) * np.sin(np.pi * x) - 2
        return -(slope(x) * u_x + D(x) * u_xx)

    x = np.linspace(0.0, 1.0, 3201)
    exact = np.sin(np.pi * x) + x * (1 - x)
    errors = [
        _l2_error(poisson.solve(D(np.linspace(0, 1, n + 1)), f), exact, x) for n in (25, 50, 100)
    ]
    orders = np.log2(np.divide(errors[:-1], errors[1:]))
    assert (orders >= 1.95).all()
    assert errors[-1] < 1e-4


def test_hat_against_its_integral() -> None:
    """D u' = pi cos(pi x) by symmetry, so u is the integral of pi cos(pi s) / D(s)."""
    at = np.array([0.07, 0.2, 0.35, 0.5])
    exact = np.array(
        [quad(lambda s: np.pi * np.cos(np.pi * s) / (1 + s), 0, x, epsabs=1e-13)[0] for x in at]
    )
    exact = np.r_[exact, exact[:3]]
    at = np.r_[at, 1 - at[:3]]
    coarse, fine = (
        np.abs(interpolate(poisson.solve(_hat(n)), at) - exact).max() for n in (100, 200)
    )
    assert np.log2(coarse / fine) == pytest.approx(2.0, abs=0.1)
    assert fine < 2e-5


def test_hat_against_a_boundary_value_solver() -> None:
    """Collocation of u and q = D u'; the kink of D is a node of the mesh."""
    mesh = np.linspace(0.0, 1.0, 101)
    done = solve_bvp(
        lambda x, y: np.array([y[1] / (1 + np.minimum(x, 1 - x)), -(np.pi**2) * np.sin(np.pi * x)]),
        lambda a, b: np.array([a[0], b[0]]),
        mesh,
        np.zeros((2, 101)),
        tol=1e-8,
    )
    assert done.success
    u = poisson.solve(_hat(1000))
    assert np.abs(u[::10] - done.sol(mesh)[0]).max() < 1e-6


def test_load_of_the_default_source() -> None:
    """Exactly 2 n sin(pi x_i) (1 - cos(pi / n))."""
    n = 20
    exact = 2 * n * np.sin(np.pi * np.arange(1, n) / n) * (1 - np.cos(np.pi / n))
    assert np.abs(poisson.load(n) - exact).max() < 1e-13


def test_solves_the_assembled_system() -> None:
    D = _rough(40)
    u = poisson.solve(D)
    expected = np.linalg.solve(_assembled(D), poisson.load(40))
    assert np.abs(u[1:-1] - expected).max() < 1e-13
    assert u[0] == u[-1] == 0.0


def test_constant_diffusivity_is_exact_at_the_nodes() -> None:
    x = np.linspace(0.0, 1.0, 31)
    assert np.abs(poisson.solve(np.full(31, 4.0)) - np.sin(np.pi * x) / 4).max() < 1e-14


def test_batch_is_its_members() -> None:
    D = _rough(30, 2, 3)
    u = poisson.solve(D)
    assert u.shape == (2, 3, 31)
    assert np.abs(u[1, 2] - poisson.solve(D[1, 2])).max() < 1e-15
    gradient = poisson.adjoint(D, u, DATA[:31])
    assert np.abs(gradient[1, 2] - poisson.adjoint(D[1, 2], u[1, 2], DATA[:31])).max() < 1e-15


def test_gradient_against_central_differences() -> None:
    """J = mean (C u - d)^2 on the hat, by every nodal value of D."""
    D, C = _hat(40), interpolation(40, DATA)
    d = np.sin(np.pi * DATA)
    u = poisson.solve(D)
    gradient = poisson.adjoint(D, u, C.T @ (C @ u - d) * 2 / len(DATA))
    step = 1e-5 * np.eye(41)

    def J(D: np.ndarray) -> np.ndarray:
        return ((poisson.solve(D) @ C.T - d) ** 2).mean(-1)

    central = (J(D + step) - J(D - step)) / 2e-5
    assert np.abs(gradient - central).max() < 1e-6 * np.abs(central).max()
    assert (np.abs(gradient - central) < 1e-6 * np.abs(central)).all()


def test_jacobian_against_sensitivities() -> None:
    """The adjoint's rows against the forward solution's columns."""
    D, x = _rough(60), DATA + 0.003 * (1 - DATA)
    J = poisson.jacobian(D, x)
    columns = poisson.sensitivity(D, poisson.solve(D), np.eye(61)) @ interpolation(60, x).T
    assert J.shape == (51, 61)
    assert np.abs(J - columns.T).max() < 1e-13 * np.abs(J).max()


def test_sensitivity_passes_the_taylor_test() -> None:
    D, direction = _hat(50), np.cos(7 * np.linspace(0.0, 1.0, 51))
    u = poisson.solve(D)
    du = poisson.sensitivity(D, u, direction)
    steps = np.array([4e-3, 2e-3, 1e-3])
    remainders = [
        np.abs(poisson.solve(D + step * direction) - u - step * du).max() for step in steps
    ]
    orders = np.log2(np.divide(remainders[:-1], remainders[1:]))
    assert orders == pytest.approx(2.0, abs=0.02)


def test_interpolation() -> None:
    x = np.array([0.0, 0.123, 0.5, 0.77, 1.0])
    u = _rough(33)
    assert np.abs(interpolate(u, x) - np.interp(x, np.linspace(0, 1, 34), u)).max() < 1e-13
    with pytest.raises(ValueError, match="outside"):
        interpolate(u, [0.5, 1.01])


@pytest.mark.parametrize("wrong", [0.0, -1.0, np.nan, np.inf])
def test_diffusivity_must_be_positive(wrong: float) -> None:
    D = np.ones(11)
    D[4] = wrong
    with pytest.raises(ValueError, match="positive"):
        poisson.solve(D)
