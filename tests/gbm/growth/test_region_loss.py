"""The objective: by hand on a few voxels, exact gradients, its limit of hard masks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from gbm.growth.region_loss import Name, RegionLoss
from gbm.imaging.overlap import dice

PRIOR = np.array([0.35, 0.6])


def random_problem(rng: np.random.Generator, name: Name) -> tuple[RegionLoss, np.ndarray]:
    whole = rng.uniform(size=(9, 8)) > 0.5
    core = whole & (rng.uniform(size=(9, 8)) > 0.4)
    phi = rng.uniform(1e-4, 1, (9, 8))
    goal = RegionLoss(phi, (whole.astype(float), core.astype(float)), k=20, name=name)
    return goal, rng.uniform(0, 1, (9, 8))


@pytest.mark.parametrize("name", ["soft_dice", "relative_l2"])
def test_gradients_are_exact(rng: np.random.Generator, name: Name) -> None:
    goal, u = random_problem(rng, name)
    thresholds = np.array([0.4, 0.55])
    _, by_u, by_thresholds = goal.value_and_grad(u, thresholds)
    for _ in range(5):
        direction = rng.normal(size=u.shape)
        up, down = (goal.value(u + s * 1e-6 * direction, thresholds) for s in (1, -1))
        assert np.sum(by_u * direction) == pytest.approx((up - down) / 2e-6, rel=1e-6)
    for r, step in enumerate(1e-6 * np.eye(2)):
        up, down = (goal.value(u, thresholds + s * step) for s in (1, -1))
        assert by_thresholds[r] == pytest.approx((up - down) / 2e-6, rel=1e-6)


def test_soft_dice_by_hand() -> None:
    """Two voxels, hard masks: s = (1, 1), y = (1, 0), phi = (1, 1/2), e = 1."""
    goal = RegionLoss(
        np.array([[1.0, 0.5]]), (np.array([[1.0, 0.0]]), np.zeros((1, 2))), k=1e4, prior_weight=0
    )
    expected = 1 - (2 * 1 + 1) / (1.5 + 1 + 1)
    assert goal.value(np.ones((1, 2)), PRIOR) == pytest.approx(expected)


def test_relative_l2_by_hand() -> None:
    goal = RegionLoss(
        np.array([[1.0, 0.5]]), (np.array([[1.0, 0.0]]), np.zeros((1, 2))), 1e4, "relative_l2", 0
    )
    assert goal.value(np.ones((1, 2)), PRIOR) == pytest.approx(0.25)


def test_steep_slopes_give_dice(rng: np.random.Generator) -> None:
    goal, u = random_problem(rng, "soft_dice")
    large = [np.kron(a, np.ones((40, 40))) for a in (*goal.masks, u)]
    hard = replace(
        goal, phi=np.ones_like(large[2]), masks=(large[0], large[1]), k=1e5, prior_weight=0
    )
    expected = sum(1 - dice(large[2] > PRIOR[r], large[r] > 0) for r in (0, 1))
    assert hard.value(large[2], PRIOR) == pytest.approx(expected, abs=1e-3)


def test_prior_counts_in_tenths() -> None:
    goal = RegionLoss(np.ones((2, 2)), (np.ones((2, 2)), np.ones((2, 2))), prior_weight=1.0)
    away = RegionLoss(np.ones((2, 2)), (np.ones((2, 2)), np.ones((2, 2))), prior_weight=0.0)
    moved = PRIOR + np.array([0.1, -0.2])
    u = np.ones((2, 2))
    assert goal.value(u, moved) - away.value(u, moved) == pytest.approx(1 + 4)


def test_an_empty_core_leaves_the_whole_tumour(grown: Any) -> None:
    full = RegionLoss.of(grown.domain)
    oedema = RegionLoss.of(replace(grown.domain, TC=np.zeros_like(grown.domain.TC)))
    u = np.where(grown.domain.WT, 0.5, 0.0)
    assert oedema.regions == (0,)
    assert oedema.value(u, PRIOR) == pytest.approx(full.region(0, u, 0.35)[0])
    assert oedema.value_and_grad(u, PRIOR)[2][1] == 0
