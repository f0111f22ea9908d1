"""Which of several basins the posterior's mode is in, on a density of two of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from gbm.posterior.growth_posterior import LogPosterior
from gbm.posterior.mode import find_modes


class Free:
    """A prior without bounds."""

    def towards(self, here: np.ndarray, there: np.ndarray, by: float) -> np.ndarray:
        return there


class Itself:
    """What is seen is theta; in the plane."""

    grid = SimpleNamespace(dimensions=2)

    def __call__(self, theta: np.ndarray) -> np.ndarray:
        return theta


@dataclass(frozen=True)
class TwoBasins:
    """log p = -theta_1^2 / 2 + height of the nearer one - 8 (theta_0 - place)^2, at -1 and 1.

    The left one misses the outlines least.
    """

    heights: tuple[float, float]
    scale = np.ones(2)
    growth = slice(0, 2)
    prior = Free()
    forward = Itself()

    def on(self, cell_mm: float) -> TwoBasins:
        return self

    def near(self, theta: np.ndarray) -> TwoBasins:
        return self

    def frozen(self, theta: np.ndarray, seen: Any, floor: float, factor: float) -> TwoBasins:
        return self

    def far_off(self, theta: np.ndarray, seen: np.ndarray) -> np.ndarray:
        return -theta[:, 0]

    def evaluate(self, theta: np.ndarray) -> tuple[float, np.ndarray]:
        right = int(theta[0] > 0)
        away = theta - [2.0 * right - 1.0, 0.0]
        return self.heights[right] - 8 * away[0] ** 2 - away[1] ** 2 / 2, away

    def expand(self, theta: np.ndarray, away: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return -np.array([16.0, 1.0]) * away, np.diag([16.0, 1.0])


@pytest.mark.parametrize("heights", [(0.0, -8.0), (-8.0, 0.0), (-2.0, 0.0)])
def test_the_density_decides_between_basins(heights: tuple[float, float]) -> None:
    """The noise level is that of the left one, whichever is higher."""
    posterior = cast(LogPosterior, TwoBasins(heights))
    starts = [np.array([x, 0.4]) for x in (-0.9, 0.9)]
    found = find_modes(posterior, starts, 1.2, 1.3)
    best = 2.0 * np.argmax(heights) - 1.0
    np.testing.assert_allclose(found.first, [-1.0, 0.0], atol=0.01)
    np.testing.assert_allclose(found.all[0].theta, [best, 0.0], atol=0.01)
    assert found.all[0].log_density == pytest.approx(0.0, abs=1e-3)


@dataclass(frozen=True)
class Leaning(TwoBasins):
    """One basin, whose mode the noise level draws away from 0, where the outlines are met."""

    lean: float = 0.0

    def frozen(self, theta: np.ndarray, seen: Any, floor: float, factor: float) -> Leaning:
        return replace(self, lean=0.8 * float(theta[0]) if factor else 0.1)

    def evaluate(self, theta: np.ndarray) -> tuple[float, np.ndarray]:
        away = theta - [self.lean, 0.0]
        return -(away @ away) / 2, away

    def expand(self, theta: np.ndarray, away: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return -away, np.eye(2)


def test_a_noise_level_that_keeps_itself_up_is_left() -> None:
    """By a climb with the least one, which misses the outlines less."""
    posterior = cast(LogPosterior, Leaning((0.0, 0.0)))
    found = find_modes(posterior, [np.array([1.0, 0.0])], 1.2, 1.3)
    assert found.first[0] == pytest.approx(0.08, abs=0.01)
