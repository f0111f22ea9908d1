"""Tests of a fit against its data, on residuals whose origin is known."""

from __future__ import annotations

import math

import pytest
import torch

from bilo.inverse.least_squares import LeastSquares
from bilo.inverse.points import Points
from bilo.problems.particles import Particles
from bilo.training.data_checks import noise, structure

N = 40
X = torch.linspace(0, 1, N, dtype=torch.float64)
U = (math.pi * X).sin()
DRAWN = torch.randn(N, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def _data(values: torch.Tensor, sigma: float | None = None) -> LeastSquares:
    return LeastSquares(Points({"x": X}), values, sigma)


@pytest.mark.parametrize("size", [0.0, 0.05, 0.3, 3.0])
def test_noise_of_any_size_has_no_structure(size: float) -> None:
    found = structure(_data(U + size * DRAWN), U)
    assert found.passed, found.words


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (U + 0.3 * (7 * X).sin(), "neighbouring residuals are alike"),
        (U + 0.8 * torch.isin(torch.arange(N), torch.tensor([4, 11, 30])), "4 of 40 data"),
        (U[torch.randperm(N, generator=torch.Generator().manual_seed(1))], "a constant"),
    ],
    ids=["another equation", "outliers", "shuffled"],
)
def test_what_is_not_noise_shows(values: torch.Tensor, words: str) -> None:
    found = structure(_data(values), U)
    assert found.passed is False
    assert words in found.words


def test_a_small_misfit_may_look_like_anything() -> None:
    """A network's own error has a structure."""
    assert structure(_data(U + 1e-3 * (7 * X).sin()), U).passed


def test_a_function_may_neither_follow_the_noise_nor_miss_the_data() -> None:
    data = _data(U + 0.05 * DRAWN, sigma=0.05)
    assert noise(data, U, None).passed
    followed = noise(data, data.values, None)
    assert followed.passed is False
    assert "noise was fitted" in followed.words
    assert noise(data, data.values, 1).passed  # a scalar cannot
    assert noise(data, 0 * U, None).passed is False


def test_a_poisson_process_knows_its_noise() -> None:
    """chi^2 of ten moments has mean 10 and variance 20 at the true intensity."""
    problem = Particles()
    truth = problem.truth()
    data = [problem.observe(truth, 0.0, seed) for seed in range(40)]
    found = [d.chi_squared(problem.numerical(truth)(d.points))[0] for d in data]
    assert sum(found) / 40 == pytest.approx(10.0, abs=3 * (20 / 40) ** 0.5)
    elsewhere = problem.numerical({"lambda": 500.0, "mu": 14.0})
    assert noise(data[0], elsewhere(data[0].points), 2).passed is False
