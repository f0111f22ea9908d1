"""Penalised least squares: closed forms of the linear problem."""

from __future__ import annotations

import numpy as np
import pytest

from bilo.classical.penalised import Minimum, minimise, slopes
from bilo.solvers import heat

N, M, NOISE = 40, 51, 0.03
X = np.linspace(0.0, 1.0, M)
K = heat.propagator(N, 1.0, X)
F = 1 - np.abs(np.linspace(-1.0, 1.0, N + 1))
DATA = K @ F + NOISE * np.random.default_rng(0).standard_normal(M)
INNER = np.eye(N + 1)[:, 1:-1]


def _fit(w_reg: float) -> Minimum:
    root = np.sqrt(w_reg) * slopes(N) @ INNER
    return minimise(lambda z: (K @ INNER @ z, K @ INNER), DATA, np.zeros(N - 1), root)


def test_linear_problem_in_closed_form() -> None:
    found, w = _fit(1e-3), 1e-3
    assert found.converged
    assert np.abs(INNER @ found.z - heat.tikhonov(K, DATA, w)).max() < 1e-9
    J, R = K @ INNER, slopes(N) @ INNER
    inverse = np.linalg.inv(J.T @ J / M + w * R.T @ R)
    assert found.spread(2.0) == pytest.approx(2 * np.sqrt(np.diag(inverse) / M))


def test_a_step_to_no_solution_is_shortened() -> None:
    def forward(z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        if z[0] <= 0:
            raise ValueError("no logarithm")
        return np.log(z), np.diag(1 / z)

    found = minimise(forward, [-3.0], [20.0])
    assert found.z == pytest.approx([np.exp(-3.0)])
