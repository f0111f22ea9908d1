"""Gaussian random fields: their covariance, exactly and in many samples."""

from __future__ import annotations

import numpy as np
import pytest

from bilo.inverse import random_fields
from bilo.inverse.random_fields import conditioned_1d, covariance, sample_1d, sample_2d

COUNT = 20000


def _assert_covariance(samples: np.ndarray, C: np.ndarray) -> None:
    """Every entry of the estimate within five of its standard errors, of mean zero.

    For Gaussian samples the variance of an entry is (C_ii C_jj + C_ij^2) / count.
    """
    count = len(samples)
    variances = np.diag(C)
    error = np.sqrt((np.outer(variances, variances) + C**2) / count)
    score = (samples.T @ samples / count - C) / np.maximum(error, 1e-300)
    assert np.abs(score).max() < 5
    # the scores are those of noise, no less: an overestimated error would hide anything
    assert 0.3 < np.sqrt((score**2).mean()) < 2
    assert (np.abs(samples.mean(0)) < 5 * np.sqrt(variances / count)).all()


def _line(n: int) -> np.ndarray:
    x = np.linspace(0.0, 1.0, n + 1)
    return np.abs(x[:, None] - x)


@pytest.mark.parametrize("length", [0.1, 0.4])
def test_covariance_on_a_line(length: float) -> None:
    g = sample_1d(20, 0.05, length, COUNT, np.random.default_rng(1))
    _assert_covariance(g, 0.05 * np.exp(-(_line(20) ** 2) / (2 * length**2)))


def test_correlation_by_length() -> None:
    """At r = 1/5: exp(-2), exp(-1/2) and exp(-1/8) for l = 0.1, 0.2 and 0.4."""
    for length, expected in ((0.1, np.exp(-2)), (0.2, np.exp(-0.5)), (0.4, np.exp(-0.125))):
        g = sample_1d(5, 3.0, length, COUNT, np.random.default_rng(2))
        measured = np.corrcoef(g[:, 1], g[:, 2])[0, 1]
        assert abs(measured - expected) < 5 * (1 - expected**2) / np.sqrt(COUNT)


@pytest.mark.parametrize("n", [10, 100, 400])
@pytest.mark.parametrize("length", [0.05, 0.4, 5.0])
def test_root_squares_to_the_covariance(n: int, length: float) -> None:
    """To rounding, though the matrix is singular to rounding."""
    R = random_fields._root(covariance(_line(n), 4.0, length))
    expected = 4 * np.exp(-(_line(n) ** 2) / (2 * length**2))
    assert np.abs(R @ R.T - expected).max() < 4e-13
    assert np.abs(R - R.T).max() < 1e-13


def test_samples_are_smooth() -> None:
    """No jitter: fourth differences have the variance of their covariance, about 105 (h / l)^8."""
    n, length = 400, 0.4
    g = sample_1d(n, 1.0, length, 2000, np.random.default_rng(3))
    fourth = np.sqrt((np.diff(g, 4) ** 2).mean())
    assert fourth == pytest.approx(np.sqrt(105) / (n * length) ** 4, rel=0.1)


@pytest.mark.parametrize("length", [0.1, 0.4])
def test_conditioned_covariance(length: float) -> None:
    """The Schur complement, about the conditional mean."""
    ends, inner = [0, -1], slice(1, -1)
    C = 0.05 * np.exp(-(_line(16) ** 2) / (2 * length**2))
    to_ends = np.linalg.solve(C[np.ix_(ends, ends)], C[ends])
    mean = 1 + np.array([0.2, -0.1]) @ to_ends
    conditional = C - C[:, ends] @ to_ends
    g = conditioned_1d(16, 0.05, length, COUNT, np.random.default_rng(4), mean=1.0, ends=(1.2, 0.9))
    _assert_covariance((g - mean)[:, inner], conditional[inner, inner])


@pytest.mark.parametrize("ends", [(1.0, 1.0), (1 / 3, -0.7)])
@pytest.mark.parametrize("length", [0.1, 0.4, 3.0])
def test_end_values_are_exact(length: float, ends: tuple[float, float]) -> None:
    D = conditioned_1d(100, 0.05, length, 50, np.random.default_rng(5), mean=1.0, ends=ends)
    assert (D[:, [0, -1]] == ends).all()


def test_end_values_are_approached_smoothly() -> None:
    """Conditioned, not set: slopes at the ends are those of the field, of variance s^2 / l^2."""
    D = conditioned_1d(100, 0.05, 0.2, 1000, np.random.default_rng(5), mean=1.0, ends=(1.0, 1.0))
    slopes = np.diff(D)[:, [0, -1]] * 100
    assert slopes.std() == pytest.approx(np.sqrt(0.05) / 0.2, rel=0.1)


def test_covariance_on_a_square() -> None:
    n, s, length = 6, 10.0, 0.2
    g = sample_2d(n, s, length, COUNT, np.random.default_rng(6))
    x, y = (c.ravel() for c in np.meshgrid(*[np.linspace(0, 1, n)] * 2, indexing="ij"))
    squared = (x[:, None] - x) ** 2 + (y[:, None] - y) ** 2
    _assert_covariance(g.reshape(COUNT, -1), s**2 * np.exp(-squared / (2 * length**2)))


def test_square_is_exactly_a_product() -> None:
    """The linear map from white noise, squared, is the covariance of all pairs of points."""
    n, length = 12, 0.3
    R = random_fields._root(covariance(_line(n - 1), 1.0, length))
    x, y = (c.ravel() for c in np.meshgrid(*[np.linspace(0, 1, n)] * 2, indexing="ij"))
    C = covariance(np.hypot(x[:, None] - x, y[:, None] - y), 1.0, length)
    assert np.abs(np.kron(R, R) @ np.kron(R, R).T - C).max() < 1e-13
    white = np.random.default_rng(7).standard_normal((n, n))
    sample = sample_2d(n, 2.0, length, 1, np.random.default_rng(7))[0]
    assert np.abs(sample.ravel() - 2 * np.kron(R, R) @ white.ravel()).max() < 1e-12


@pytest.mark.parametrize("draw", [sample_1d, conditioned_1d, sample_2d])
def test_seeds(draw) -> None:
    a, b = (draw(20, 2.0, 0.3, 4, np.random.default_rng(8)) for _ in range(2))
    assert (a == b).all()
    fewer = draw(20, 2.0, 0.3, 2, np.random.default_rng(8))
    assert np.abs(a[:2] - fewer).max() < 1e-14
    assert np.abs(a - draw(20, 2.0, 0.3, 4, np.random.default_rng(9))).max() > 0.1


@pytest.mark.parametrize("draw", [sample_1d, conditioned_1d, sample_2d])
def test_impossible_parameters(draw) -> None:
    with pytest.raises(ValueError, match="negative"):
        draw(10, -1.0, 0.2, 1, np.random.default_rng(0))
    with pytest.raises(ValueError, match="positive"):
        draw(10, 1.0, 0.0, 1, np.random.default_rng(0))
