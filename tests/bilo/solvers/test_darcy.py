"""Finite volumes for Darcy flow: manufactured solutions, layers, balances, the adjoint."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import trapezoid

from bilo.solvers import darcy


def _grid(n: int) -> tuple[np.ndarray, np.ndarray]:
    x = np.linspace(0.0, 1.0, n)
    x1, x2 = np.meshgrid(x, x, indexing="ij")
    return x1, x2


def _two_phases(n: int, seed: int = 0) -> np.ndarray:
    """3 and 12, without symmetry, of smooth outlines."""
    x1, x2 = _grid(n)
    c = np.random.default_rng(seed).standard_normal((4, 4))
    k = np.arange(1, 5)
    wave = np.einsum("ij,iab,jab->ab", c, *(np.cos(k[:, None, None] * 3 * x) for x in (x1, x2)))
    return np.where(wave >= 0, 12.0, 3.0)


def test_manufactured_solution() -> None:
    """A = exp(x1 - x2 / 2), u = sin(pi x1) sin(2 pi x2): order two."""
    errors = []
    for n in (16, 31, 61):
        x1, x2 = _grid(n)
        A = np.exp(x1 - x2 / 2)
        s1, c1 = np.sin(np.pi * x1), np.cos(np.pi * x1)
        s2, c2 = np.sin(2 * np.pi * x2), np.cos(2 * np.pi * x2)
        source = -A * (np.pi * c1 * s2 - np.pi * s1 * c2 - 5 * np.pi**2 * s1 * s2)
        errors.append(np.abs(darcy.solve(A, source) - s1 * s2).max())
    assert (np.log2(np.divide(errors[:-1], errors[1:])) >= 1.9).all()
    assert errors[-1] < 2e-3


def test_known_value_of_constant_coefficient() -> None:
    """The torsion function of the square is 0.0736713532 at its centre."""
    errors = [
        abs(2 * darcy.solve(np.full((n, n), 2.0))[n // 2, n // 2] - 0.0736713532) for n in (31, 61)
    ]
    assert errors[1] < 3e-5
    assert np.log2(errors[0] / errors[1]) == pytest.approx(2, abs=0.05)


def test_layers_are_exact() -> None:
    """Point source in a stack of layers: the potential of resistances in series, to rounding.

    A depends on x1; u = w(x1) sin(pi x2), where sin is an eigenvector of the differences along x2
    and w'A jumps by one at x1 = 0.4. Layers end half-way between nodes.
    """
    n, source_node = 31, 12
    h = 1 / (n - 1)
    layers = np.repeat([3.0, 12.0, 0.5, 40.0], [7, 9, 4, 11])
    resistance = np.concatenate([[0.0], np.cumsum(h / 2 / layers[:-1] + h / 2 / layers[1:])])
    whole, there = resistance[-1], resistance[source_node]
    w = np.minimum(resistance * (whole - there), there * (whole - resistance)) / whole
    eigenvalue = (2 - 2 * np.cos(np.pi * h)) / h**2
    source = layers * eigenvalue * w
    source[source_node] += 1 / h
    wave = np.sin(np.pi * np.linspace(0, 1, n))
    u = darcy.solve(np.repeat(layers[:, None], n, 1), source[:, None] * wave)
    assert np.abs(u - w[:, None] * wave).max() < 1e-13 * w.max() * n**2


def test_what_flows_out_is_what_is_produced() -> None:
    A = _two_phases(darcy.NODES)
    u = darcy.solve(A)
    assert darcy.outflow(A, u) == pytest.approx(1.0, abs=1e-10)
    source = np.random.default_rng(0).standard_normal(A.shape)
    produced = trapezoid(trapezoid(source, dx=1 / 60), dx=1 / 60)
    assert darcy.outflow(A, darcy.solve(A, source), source) == pytest.approx(produced, abs=1e-10)
    assert u[1:-1, 1:-1].min() > 0  # maximum principle


def test_symmetries() -> None:
    A = _two_phases(21)
    u = darcy.solve(A)
    assert np.abs(darcy.solve(A.T) - u.T).max() < 1e-14
    assert np.abs(darcy.solve(A[::-1]) - u[::-1]).max() < 1e-14
    here, there = (np.zeros((21, 21)) for _ in range(2))
    here[3, 4] = there[15, 9] = 1.0
    operator = darcy.factorise(A)
    assert operator.solve(here)[15, 9] == pytest.approx(operator.solve(there)[3, 4], rel=1e-12)


@pytest.mark.parametrize("rough", [False, True])
def test_adjoint_against_central_differences(rough: bool) -> None:
    rng = np.random.default_rng(3)
    A = _two_phases(13) if rough else 2 + np.sin(_grid(13)[0] + 2 * _grid(13)[1])
    cotangent = rng.standard_normal(A.shape)
    gradient = darcy.adjoint(A, darcy.solve(A), cotangent)
    differences = np.zeros_like(A)
    for i in np.ndindex(A.shape):
        up, down = (A.copy() for _ in range(2))
        up[i] *= 1 + 1e-4
        down[i] *= 1 - 1e-4
        differences[i] = (cotangent * (darcy.solve(up) - darcy.solve(down))).sum() / (2e-4 * A[i])
    assert np.abs(gradient - differences).max() < 1e-6 * np.abs(gradient).max()
    assert gradient[[0, 0, -1, -1], [0, -1, 0, -1]] == pytest.approx(0, abs=0)  # touch no face


def test_adjoint_scales_with_the_coefficient() -> None:
    """u(cA) = u(A) / c, so that sum_ij A_ij dJ/dA_ij = -J for J linear in u."""
    A = _two_phases(darcy.NODES)
    operator = darcy.factorise(A)
    u = operator.solve()
    cotangent = np.random.default_rng(4).standard_normal(A.shape)
    assert (A * operator.adjoint(u, cotangent)).sum() == pytest.approx(-(cotangent * u).sum())


def test_refinement_of_two_phases() -> None:
    """The 61 grid is within a percent of its own piecewise constant medium resolved finely."""
    A = _two_phases(darcy.NODES)
    u, middle, fine = (darcy.solve(darcy.refine(A, k))[::k, ::k] for k in (1, 3, 5))
    norm = np.linalg.norm(fine)
    assert np.linalg.norm(u - fine) / norm < 1e-2
    assert np.linalg.norm(middle - fine) < 0.3 * np.linalg.norm(u - fine)


def test_refine_keeps_the_squares_about_the_nodes() -> None:
    A = np.array([[1.0, 2.0], [3.0, 4.0]])
    fine = darcy.refine(A, 3)
    assert np.array_equal(fine, np.repeat(np.repeat(A, 2, 0), 2, 1))
    with pytest.raises(ValueError, match="odd"):
        darcy.refine(A, 2)


def test_bilinear_interpolation() -> None:
    x1, x2 = _grid(7)
    p1, p2 = np.random.default_rng(5).random((2, 40))
    values = darcy.bilinear(1 + 2 * x1 - x2 + 3 * x1 * x2, p1, p2)
    assert values == pytest.approx(1 + 2 * p1 - p2 + 3 * p1 * p2, abs=1e-14)
    assert darcy.bilinear(x1 + 10 * x2, 1.0, [0.5, 1.0]) == pytest.approx([6.0, 11.0], abs=1e-14)
    with pytest.raises(ValueError, match="unit square"):
        darcy.bilinear(x1, 1.2, 0.0)


@pytest.mark.parametrize(
    ("A", "message"),
    [
        (np.zeros((5, 5)), "positive"),
        (np.where(np.eye(5) > 0, -1.0, 1.0), "positive"),
        (np.full((5, 5), np.nan), "finite"),
        (np.ones((5, 4)), "n x n"),
    ],
)
def test_bad_coefficients(A: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        darcy.solve(A)
