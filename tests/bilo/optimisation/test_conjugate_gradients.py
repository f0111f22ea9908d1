"""Conjugate gradients against a direct solution."""

from __future__ import annotations

import itertools

import pytest
import torch

from bilo.optimisation.conjugate_gradients import conjugate_gradients, largest_eigenvalue

N = 30


def _system() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    X = torch.randn(N, N + 10, generator=generator, dtype=torch.float64)
    return X @ X.t(), torch.randn(N, generator=generator, dtype=torch.float64)


def test_the_solution_is_the_direct_one() -> None:
    A, b = _system()
    found = conjugate_gradients(A.mv, b, 1e-12, 10 * N)
    assert torch.allclose(found, torch.linalg.solve(A, b), rtol=1e-8, atol=0)


def test_every_iteration_goes_down() -> None:
    A, b = _system()
    iterates = [conjugate_gradients(A.mv, b, 0.0, k) for k in range(10)]
    values = [float(x @ A @ x / 2 - b @ x) for x in iterates]
    assert all(after < before for before, after in itertools.pairwise(values))


def test_nothing_is_solved_for_nothing() -> None:
    A, b = _system()
    assert not conjugate_gradients(A.mv, 0 * b, 1e-6, 10).any()
    assert largest_eigenvalue(A.mv, 0 * b, 10) == 0.0


def test_the_largest_eigenvalue_is_met_from_below() -> None:
    A, b = _system()
    exact = float(torch.linalg.matrix_norm(A, 2))
    assert 0.8 * exact < largest_eigenvalue(A.mv, b, 10) <= exact
    assert largest_eigenvalue(A.mv, b, 500) == pytest.approx(exact, rel=1e-6)
