"""Penalised least squares: closed forms of the linear problem, and the choice of a weight."""

from __future__ import annotations

import numpy as np
import pytest

from bilo.classical.penalised import Minimum, by_discrepancy, by_validation, minimise, slopes
from bilo.solvers import heat

N, M, NOISE = 40, 51, 0.03
X = np.linspace(0.0, 1.0, M)
K = heat.propagator(N, 1.0, X)
F = 1 - np.abs(np.linspace(-1.0, 1.0, N + 1))
NOISES = NOISE * np.random.default_rng(0).standard_normal((15, M))
DATA = K @ F + NOISES[0]
INNER = np.eye(N + 1)[:, 1:-1]


def _fit(w_reg: float, data: np.ndarray = DATA) -> Minimum:
    root = np.sqrt(w_reg) * slopes(N) @ INNER
    return minimise(lambda z: (K @ INNER @ z, K @ INNER), data, np.zeros(N - 1), root)


def test_linear_problem_in_closed_form() -> None:
    found, w = _fit(1e-3), 1e-3
    assert found.converged
    assert np.abs(INNER @ found.z - heat.tikhonov(K, DATA, w)).max() < 1e-9
    J, R = K @ INNER, slopes(N) @ INNER
    inverse = np.linalg.inv(J.T @ J / M + w * R.T @ R)
    assert found.freedom == pytest.approx(np.trace(J @ inverse @ J.T) / M)
    assert found.spread(2.0) == pytest.approx(2 * np.sqrt(np.diag(inverse) / M))
    assert found.misfit == pytest.approx(((J @ found.z - DATA) ** 2).mean())


def test_weights_chosen_without_the_truth() -> None:
    """At the median: cross-validation is known to follow the noise of one data set in ten."""
    worse: dict[str, list[float]] = {"validation": [], "discrepancy": []}
    for noise in NOISES:
        minima = [_fit(w, K @ F + noise) for w in np.logspace(-6, 0, 7)]
        errors = np.array([np.linalg.norm(INNER @ found.z - F) for found in minima])
        chosen = by_discrepancy(minima, NOISE)
        assert chosen == 0 or minima[chosen].misfit <= NOISE**2 < minima[chosen + 1].misfit
        worse["discrepancy"].append(errors[chosen] / errors.min())
        worse["validation"].append(errors[by_validation(minima)] / errors.min())
    assert np.median(worse["validation"]) < 1.5
    assert np.median(worse["discrepancy"]) < 1.5
    assert by_discrepancy(minima, 1e-6) == 0


def test_a_step_to_no_solution_is_shortened() -> None:
    def forward(z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        if z[0] <= 0:
            raise ValueError("no logarithm")
        return np.log(z), np.diag(1 / z)

    found = minimise(forward, [-3.0], [20.0])
    assert found.z == pytest.approx([np.exp(-3.0)])
