"""The source on a disc: quadratic finite elements, an eigenfunction, derivatives, and penalties."""

from __future__ import annotations

import numpy as np
import pytest
import skfem
from skfem.models.poisson import laplace, mass

from bilo.classical.baselines import relative_error, source_fits
from bilo.solvers import source

X1, X2 = np.random.default_rng(1).uniform(size=(2, 40))


def _finite_elements(cells: int, x1: np.ndarray, x2: np.ndarray) -> np.ndarray:
    axis = np.linspace(0.0, 1.0, cells + 1)
    basis = skfem.Basis(skfem.MeshQuad.init_tensor(axis, axis), skfem.ElementQuad2())

    @skfem.LinearForm
    def load(v, w):
        return (source.truth(*w.x) + 1.0) * v

    A = laplace.assemble(basis) + source.SCREENING * mass.assemble(basis)
    u = skfem.solve(*skfem.condense(A, load.assemble(basis), D=basis.get_dofs()))
    return basis.probes(np.stack([x1, x2])) @ u


def test_against_quadratic_finite_elements() -> None:
    u = source.solve(source.truth(*source.nodes(252)[:2]), source.SCREENING, X1, X2)
    oracle = _finite_elements(60, X1, X2)
    assert np.abs(u - oracle).max() < 2e-4 * np.abs(oracle).max()


def test_an_eigenfunction_in_second_order() -> None:
    k, errors = 7.0, []
    for n in (10, 20, 40):
        x1, x2, _ = source.nodes(n)
        f = np.sin(np.pi * x1) * np.sin(2 * np.pi * x2)
        f[:, [0, -1]] = f[[0, -1]] = 0.0
        u = source.solve(f, k, X1, X2) - source.solve(0 * f, k, X1, X2)
        exact = np.sin(np.pi * X1) * np.sin(2 * np.pi * X2) / (5 * np.pi**2 + k)
        errors.append(np.abs(u - exact).max())
    assert np.log2(np.divide(errors[:-1], errors[1:])) == pytest.approx(2.0, abs=0.1)


def test_jacobian_by_both_unknowns() -> None:
    """u is linear in f, and central differences of k."""
    n, k, h = 12, 15.0, 1e-3
    rough = np.pad(np.random.default_rng(2).standard_normal((n - 1, n - 1)), 1)
    u, by_f, by_k = source.jacobian(rough, k, X1, X2, modes=24)
    linear = source.solve(rough, k, X1, X2, modes=24) - source.solve(0 * rough, k, X1, X2, modes=24)
    assert np.abs(np.tensordot(by_f, rough, 2) - linear).max() < 1e-15
    up, down = (source.solve(rough, k + s, X1, X2, modes=24) for s in (h, -h))
    assert np.abs((up - down) / (2 * h) - by_k).max() < 1e-7 * np.abs(by_k).max()
    assert (u == source.solve(rough, k, X1, X2, modes=24)).all()


def test_adjoint_is_the_transposed_jacobian() -> None:
    n, c = 12, np.random.default_rng(4).standard_normal(40)
    by_f = source.jacobian(np.zeros((n + 1, n + 1)), 9.0, X1, X2, modes=30)[1]
    adjoint = source.adjoint(n, 9.0, X1, X2, c, modes=30)
    assert np.abs(adjoint - np.tensordot(c, by_f, 1)).max() < 1e-14 * np.abs(adjoint).max() + 1e-17


def test_what_cannot_be_solved_is_said() -> None:
    f = np.zeros((11, 11))
    with pytest.raises(ValueError, match="singular"):
        source.solve(f, -20.0, X1, X2)
    with pytest.raises(ValueError, match="outside"):
        source.solve(f, 1.0, [1.2], [0.5])
    with pytest.raises(ValueError, match="zero at both ends"):
        source.solve(f + 1, 1.0, X1, X2)


def test_best_penalty() -> None:
    """On fewer nodes than in the published comparison, to be quick."""
    x1, x2, values, sigma = source.observe(0.01, 0)
    minima = source_fits(x1, x2, values, weights=np.logspace(-10, -8, 5), n=28)
    f = source.truth(*source.nodes(28)[:2])[source.nodes(28)[2]]
    errors = [relative_error(found.z[:-1], f) for found in minima]
    best = minima[int(np.argmin(errors))]
    assert min(errors) < 0.11
    assert abs(best.z[-1] - source.SCREENING) < best.spread(sigma)[-1] < 0.6
