"""Walls between tissue: which cells they are, and what only they lead to."""

from __future__ import annotations

import numpy as np
import pytest

from gbm.domain.build import phase_field
from gbm.growth.growth_map import GrowthMap
from gbm.network_fit.lifts import SpreadingSeed
from gbm.network_fit.walls import TISSUE, behind, share, walls

SEED = SpreadingSeed(np.array([4.0, 0.0]))


def _halves(gap: int, bridge: bool = False) -> GrowthMap:
    """Two halves of a brain with a gap of some 1 mm voxels at x = 0, and a rim around them."""
    axis = np.arange(-30.0, 31.0)
    X, Y = np.meshgrid(axis, axis, indexing="ij")
    tissue = (np.abs(X) < 25.0) & (np.abs(Y) < 25.0) & (np.abs(X) >= gap / 2)
    if bridge:
        tissue |= (np.abs(X) < 25.0) & (np.abs(Y) < 5.0)
    return GrowthMap.from_cells(
        (axis, axis), np.where(tissue, 1.0, 0.02), phase_field(tissue, 1.0, 3.0)
    )


def test_a_narrow_gap_is_a_wall_and_the_rim_is_none() -> None:
    grid = _halves(gap=3)
    found = walls(grid)
    X, Y = np.meshgrid(*grid.axes, indexing="ij")
    assert found[(np.abs(X) < 1.5) & (np.abs(Y) < 20.0)].all()
    assert not found[(np.abs(X) > 3.0)].any()
    assert not (found & (grid.phi > TISSUE)).any()


def test_a_wide_gap_is_no_wall() -> None:
    assert not walls(_halves(gap=11)).any()


def test_the_other_half_is_behind_the_wall_until_a_bridge_leads_there() -> None:
    X = np.broadcast_to(_halves(3).axes[0][:, None], (61, 61))
    alone, bridged = (behind(_halves(3, bridge), 3.0, SEED) for bridge in (False, True))
    tissue = _halves(3).phi > TISSUE
    assert alone[(X < 0) & tissue].all()
    assert not alone[(X > 0) & tissue].any()
    assert not bridged[(X < -10) & tissue].any()


def test_the_share_is_the_error_of_nothing_being_there() -> None:
    rng = np.random.default_rng(0)
    u, phi = rng.uniform(size=(2, 20, 20))
    where = rng.uniform(size=u.shape) < 0.3
    tissue = np.where(phi > TISSUE, phi, 0.0)
    without = np.where(where, 0.0, u)
    error = np.sqrt((tissue * (u - without) ** 2).sum() / (tissue * u**2).sum())
    assert share(u, phi, where) == pytest.approx(error)
