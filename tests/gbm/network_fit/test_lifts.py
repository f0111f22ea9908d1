"""The distance through the tissue and the heat field: closed forms in uniform tissue, and walls."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import k0

from gbm.growth.finite_volume import solve
from gbm.growth.growth_map import GrowthMap
from gbm.growth.parameters import Growth
from gbm.network_fit.lifts import (
    SpreadingSeed,
    ease,
    heat_values,
    tissue_distance,
    uniform_distance,
)

REACH = 5.0


def _grid(P: float, wall: bool = False) -> GrowthMap:
    axis = np.arange(-40.0, 40.5, 0.5)
    tissue = np.full((len(axis), len(axis)), P)
    if wall:  # a wall at x = 10 that ends at y = 20
        tissue[np.ix_(np.abs(axis - 10.0) < 1.0, axis < 20.0)] = 0.0
    return GrowthMap.from_cells((axis, axis), tissue, np.ones_like(tissue))


@pytest.mark.parametrize("P", [1.0, 0.25])
def test_homogeneous_tissue_gives_the_bessel_function(P: float) -> None:
    """v = K0(r / (reach sqrt(P))) away from the source and from the outer box."""
    grid = _grid(P)
    distance = tissue_distance(grid, np.zeros(2), REACH)
    middle = len(grid.axes[0]) // 2
    r, along = grid.axes[0][middle:], distance[middle:, middle]
    v = k0(r[10:61] / (REACH * np.sqrt(P)))
    assert along[10:61] - along[10] == pytest.approx(-REACH * np.log(v / v[0]), rel=1e-2, abs=1e-6)


def test_a_wall_makes_what_lies_behind_it_far() -> None:
    """To (15, 0) the way is 15 mm straight, and 43 mm around the end of the wall."""
    free, walled = (tissue_distance(_grid(1.0, wall), np.zeros(2), REACH) for wall in (False, True))
    i, j = 80 + 30, 80
    assert walled[i, j] > free[i, j] + (43 - 15)
    before = 80 + 10
    assert walled[before, j] == pytest.approx(free[before, j], abs=2.0)


@pytest.mark.parametrize("P", [1.0, 0.25])
def test_the_table_of_uniform_tissue_is_the_bessel_function(P: float) -> None:
    r, distance = uniform_distance(REACH, P, 100.0)
    far = (r > 8.0) & (r < 60.0)
    v = k0(r[far] / (REACH * np.sqrt(P)))
    log_v = np.log(v / v[0])
    assert distance[far] - distance[far][0] == pytest.approx(-REACH * log_v, abs=0.02 / P)
    assert distance[0] == 0.0


@pytest.mark.parametrize("P", [1.0, 0.25])
def test_in_uniform_tissue_every_way_is_the_mean_one(P: float) -> None:
    r2, q = ease(_grid(P), REACH, SpreadingSeed(np.zeros(2), mean_P=P))
    seen = r2 < 30.0**2  # the outer box is a wall
    assert q[seen] == pytest.approx(np.ones(seen.sum()), abs=0.05)


def test_behind_a_wall_the_way_is_hard() -> None:
    """43 mm around the wall's end instead of 15 mm: q = (15 / 43)^2 = 0.12."""
    q = ease(_grid(1.0, wall=True), 2.5, SpreadingSeed(np.zeros(2)))[1]
    assert q[80 + 30, 80] == pytest.approx(0.12, abs=0.06)
    assert q[80 - 30, 80] == pytest.approx(1.0, abs=0.05)


def test_the_heat_field_follows_the_tissue_ahead_of_the_front() -> None:
    """White matter on one side, grey on the other, against the solver: logits where u is small."""
    axis = np.arange(-40.0, 40.5, 0.5)
    P = np.where(np.broadcast_to(axis[:, None] > 8.0, (len(axis), len(axis))), 0.1, 1.0)
    grid = GrowthMap.from_cells((axis, axis), P, np.ones_like(P))
    growth, seed = Growth(60.0, 2.0), SpreadingSeed(np.zeros(2), mean_P=0.8)
    u = solve(grid, growth, seed)[0]
    r2, q = ease(grid, 3.0, seed)
    ahead = (u < 0.02) & (r2 < 30.0**2)
    l = np.log(u[ahead] / (1 - u[ahead]))

    def misfit(way: np.ndarray) -> float:
        H = heat_values(r2, way, 1.0, seed, growth)[ahead]
        return float(np.sqrt(np.mean((H - l) ** 2)))

    assert misfit(q) < 0.25 * misfit(np.ones_like(q))
