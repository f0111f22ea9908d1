"""Gaussian and skew targets with known answers."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from bilo.posterior.ensemble import sample
from bilo.posterior.gauss_newton import (
    Descent,
    covariance,
    information,
    levenberg_marquardt,
)
from bilo.posterior.importance import effective_share, truncated_weights
from bilo.posterior.intervals import Summary, weighted_quantiles
from bilo.posterior.secants import Quadratic, principal_axes

MEAN = np.array([1.0, -2.0, 0.5])
ROOT = np.array([[1.0, 0.0, 0.0], [0.8, 0.3, 0.0], [-2.0, 1.0, 5.0]])
PRECISION = np.linalg.inv(ROOT @ ROOT.T)


def gaussian(theta: np.ndarray) -> np.ndarray:
    d = theta - MEAN
    return -0.5 * np.einsum("wi,ij,wj->w", d, PRECISION, d)


def gumbel(theta: np.ndarray) -> np.ndarray:
    """Independent Gumbel variables, of skewness 1.14."""
    return np.sum(-theta - np.exp(-theta), axis=1)


class TestEnsemble:
    def test_gaussian(self) -> None:
        rng = np.random.default_rng(0)
        chain = sample(gaussian, MEAN + 0.1 * rng.normal(size=(60, 3)), 2000, rng)
        assert 0.4 < chain.acceptance < 0.8
        sd = np.sqrt(np.diag(ROOT @ ROOT.T))
        np.testing.assert_allclose((chain.theta.mean(axis=0) - MEAN) / sd, 0.0, atol=0.05)
        np.testing.assert_allclose(np.cov(chain.theta.T), ROOT @ ROOT.T, rtol=0.15)

    def test_skew(self) -> None:
        rng = np.random.default_rng(1)
        chain = sample(gumbel, rng.normal(size=(60, 2)), 2000, rng)
        weights = np.full(len(chain.theta), 1 / len(chain.theta))
        found = weighted_quantiles(chain.theta, weights)
        exact = stats.gumbel_r.ppf([0.05, 0.5, 0.95])
        np.testing.assert_allclose(found, np.stack([exact, exact], axis=1), atol=0.12)

    def test_the_same_seed_gives_the_same_chain(self) -> None:
        start = MEAN + np.random.default_rng(2).normal(size=(12, 3))
        first, second = (sample(gaussian, start, 20, np.random.default_rng(3)) for _ in range(2))
        np.testing.assert_array_equal(first.theta, second.theta)

    def test_walkers_must_start_inside(self) -> None:
        with pytest.raises(ValueError, match="support"):
            sample(lambda x: np.full(len(x), -np.inf), np.zeros((8, 2)), 5, np.random.default_rng())


class Squares:
    """Rosenbrock's valley as a sum of squares with unit errors."""

    def evaluate(self, theta: np.ndarray) -> tuple[float, np.ndarray]:
        residual = np.array([10 * (theta[1] - theta[0] ** 2), 1 - theta[0]])
        return -0.5 * float(residual @ residual), residual

    def expand(self, theta: np.ndarray, seen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        jacobian = np.array([[-20 * theta[0], 10.0], [-1.0, 0.0]])
        return -jacobian.T @ seen, information(jacobian, np.ones(2))


class TestMode:
    def test_valley(self) -> None:
        descent = Descent(np.ones(2), reach=1.0, most=200, tolerance=1e-10)
        mode = levenberg_marquardt(Squares(), np.array([-1.2, 1.0]), descent)
        np.testing.assert_allclose(mode.theta, 1.0, atol=1e-5)
        np.testing.assert_allclose(covariance(mode.hessian), [[1, 2], [2, 4.01]], rtol=1e-4)

    def test_linear_model(self) -> None:
        jacobian = np.random.default_rng(4).normal(size=(20, 3))
        precision = np.linspace(1.0, 2.0, 20)
        exact = np.linalg.inv(jacobian.T @ np.diag(precision) @ jacobian)
        scale = np.array([1.0, 100.0, 0.01])
        np.testing.assert_allclose(covariance(information(jacobian, precision), scale), exact)

    def test_nothing_is_known_of_a_flat_direction(self) -> None:
        assert np.isfinite(covariance(np.diag([1.0, 0.0]))).all()

    def test_it_must_start_inside(self) -> None:
        class Nowhere(Squares):
            def evaluate(self, theta: np.ndarray) -> tuple[float, np.ndarray]:
                return -np.inf, theta

        with pytest.raises(ValueError, match="support"):
            levenberg_marquardt(Nowhere(), np.zeros(2), Descent(np.ones(2)))

    def test_it_goes_on_along_a_bound(self) -> None:
        """Of the valley y = x^2 with its end at (1, 1) only x <= 0.5 is allowed."""

        class Bounded(Squares):
            def evaluate(self, theta: np.ndarray) -> tuple[float, np.ndarray]:
                value, seen = super().evaluate(theta)
                return (value if theta[0] <= 0.5 else -np.inf), seen

        def within(_: np.ndarray, there: np.ndarray) -> np.ndarray:
            return np.array([min(there[0], 0.5), there[1]])

        descent = Descent(np.ones(2), 1.0, most=200, tolerance=1e-10, within=within)
        mode = levenberg_marquardt(Bounded(), np.array([0.4, 3.0]), descent)
        np.testing.assert_allclose(mode.theta, [0.5, 0.25], atol=1e-6)


class TestSecants:
    def test_exact_for_a_quadratic(self) -> None:
        rng = np.random.default_rng(5)
        a, b, c = rng.normal(size=7), rng.normal(size=(3, 7)), rng.normal(size=(3, 3, 7))

        def f(theta: np.ndarray) -> np.ndarray:
            return a + theta @ b + np.einsum("i,ijm,j->m", theta, c, theta)

        axes = principal_axes(0.01 * ROOT @ ROOT.T, np.array([1.0, 1.0, 10.0]))
        model = Quadratic.of(f, MEAN, f(MEAN), axes)
        theta = rng.normal(size=(5, 3))
        np.testing.assert_allclose(model(theta), [f(t) for t in theta], rtol=1e-8, atol=1e-8)

    def test_axes(self) -> None:
        axes = principal_axes(0.001 * ROOT @ ROOT.T, np.array([1.0, 1.0, 10.0]), least=0.0)
        np.testing.assert_allclose(axes @ axes.T, 0.001 * ROOT @ ROOT.T)
        assert np.linalg.norm(principal_axes(np.eye(2), np.ones(2)), axis=0) == pytest.approx(0.35)


class TestWeights:
    def test_importance_sampling_corrects_the_width(self) -> None:
        rng = np.random.default_rng(6)
        x = rng.normal(scale=1.5, size=4000)
        w = truncated_weights(stats.norm.logpdf(x) - stats.norm.logpdf(x, scale=1.5))
        summary = Summary.of(x, w)
        assert summary.sd == pytest.approx(1.0, abs=0.05)
        assert summary.interval90 == pytest.approx((-1.645, 1.645), abs=0.1)
        assert summary.covers(1.0)
        assert not summary.covers(2.0)
        assert 0.5 < effective_share(w) < 0.95

    def test_truncation(self) -> None:
        w = truncated_weights(np.append(np.zeros(99), np.log(1000.0)))
        assert w[-1] / w[0] == pytest.approx(10 * (99 + 1000) / 100)

    def test_no_weight_at_all(self) -> None:
        with pytest.raises(ValueError, match="positive"):
            truncated_weights(np.full(3, -np.inf))

    def test_quantiles_of_fields_are_those_of_their_points(self) -> None:
        rng = np.random.default_rng(7)
        values, w = rng.normal(size=(50, 4, 3)), rng.random(50)
        w /= w.sum()
        whole = weighted_quantiles(values, w)
        for i, j in np.ndindex(4, 3):
            np.testing.assert_allclose(whole[:, i, j], weighted_quantiles(values[:, i, j], w))

    def test_equal_weights_are_the_usual_quantiles(self) -> None:
        x = np.random.default_rng(8).normal(size=101)
        found = weighted_quantiles(x, np.full(101, 1 / 101), [0.05, 0.5, 0.95])
        np.testing.assert_allclose(found, np.quantile(x, [0.05, 0.5, 0.95], method="hazen"))

    def test_an_exact_model_leaves_all_weights_equal(self) -> None:
        assert effective_share(truncated_weights(np.full(10, -3.0))) == pytest.approx(1.0)
