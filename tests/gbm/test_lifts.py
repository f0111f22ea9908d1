"""The distance through the tissue: closed forms in homogeneous tissue, and walls."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import k0

from gbm.finite_volume import GrowthMap
from gbm.lifts import tissue_distance

REACH = 5.0


def _grid(P: float, wall: bool = False) -> GrowthMap:
    axis = np.arange(-40.0, 40.5, 0.5)
    tissue = np.full((len(axis), len(axis)), P)
    if wall:  # a wall at x = 10 that ends at y = 20
        tissue[np.ix_(np.abs(axis - 10.0) < 1.0, axis < 20.0)] = 0.0
    return GrowthMap.from_cells(axis, axis, tissue, np.ones_like(tissue))


@pytest.mark.parametrize("P", [1.0, 0.25])
def test_homogeneous_tissue_gives_the_bessel_function(P: float) -> None:
    """v = K0(r / (reach sqrt(P))) away from the source and from the outer box."""
    grid = _grid(P)
    distance = tissue_distance(grid, np.zeros(2), REACH)
    middle = len(grid.x) // 2
    r, along = grid.x[middle:], distance[middle:, middle]
    v = k0(r[10:61] / (REACH * np.sqrt(P)))
    assert along[10:61] - along[10] == pytest.approx(-REACH * np.log(v / v[0]), rel=1e-2, abs=1e-6)


def test_a_wall_makes_what_lies_behind_it_far() -> None:
    """To (15, 0) the way is 15 mm straight, and 43 mm around the end of the wall."""
    free, walled = (tissue_distance(_grid(1.0, wall), np.zeros(2), REACH) for wall in (False, True))
    i, j = 80 + 30, 80
    assert walled[i, j] > free[i, j] + (43 - 15)
    before = 80 + 10
    assert walled[before, j] == pytest.approx(free[before, j], abs=2.0)
