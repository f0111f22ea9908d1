"""The direct fit in three dimensions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gbm.config.settings import Settings
from gbm.growth.characteristic import characteristic
from gbm.growth.disc import disc
from gbm.growth.extent import extent
from gbm.growth.inverse_problem import GrowthInverseProblem
from gbm.growth.metrics import masks, scores
from gbm.growth.region_loss import RegionLoss
from gbm.imaging.overlap import equal_radius, size
from gbm.search.direct_fit import DirectFit, direct_fit


@pytest.fixture(scope="module")
def fitted(space: Any) -> DirectFit:
    numbers = space.domain.numbers
    start = characteristic(numbers["radius_WT_mm"], numbers["radius_TC_mm"], dimensions=3)
    inverse = GrowthInverseProblem.of(space.domain, Settings(dimensions=3))
    return direct_fit(space.domain, start, inverse)


def test_phantom_parameters_come_back(space: Any, fitted: DirectFit) -> None:
    truth = np.sqrt(space.DT / space.rhoT)
    assert np.log(fitted.lambda_mm / truth) == pytest.approx(0, abs=0.1)
    assert np.log(fitted.rhoT / space.rhoT) == pytest.approx(0, abs=0.06)
    assert np.linalg.norm(fitted.x0 - space.x0) < 0.5
    assert fitted.converged


def test_regions_are_met_in_ml(space: Any, fitted: DirectFit) -> None:
    found = scores(space.domain, masks(space.domain, fitted.u, fitted.thresholds))
    for region, least in (("WT", 0.985), ("TC", 0.98)):
        assert found[region]["dice"] > least
        ml = size(getattr(space.domain, region))
        assert found[region]["volume_ml"] == pytest.approx(ml, rel=0.03)


def test_both_grids_are_judged(fitted: DirectFit) -> None:
    """Cells of 2 mm, half of them on the outlines of so small a tumour, cannot be met as well."""
    assert fitted.objective < 0.03
    assert 2 * fitted.objective < fitted.objective_network_grid < 0.15


def test_a_ball_has_the_sizes_of_the_regions(space: Any) -> None:
    balls = disc(space.domain)
    for region, ball in balls.items():
        mask = getattr(space.domain, region)
        assert ball.sum() == pytest.approx(mask.sum(), rel=0.05)
    assert equal_radius(np.ones((10, 10, 10))) == pytest.approx((750 / np.pi) ** (1 / 3))


def test_the_extent_beyond_the_outline(space: Any) -> None:
    """A density that falls off evenly from the outline: shells of known size."""
    domain = space.domain
    distance = np.sqrt(sum((a - c) ** 2 for a, c in zip(np.ix_(*domain.axes), space.x0)))  # noqa: B905
    u = np.exp(-distance / 6.0)
    found = extent(domain, u)
    for level in (0.1, 0.01):
        beyond = (u > level) & domain.tissue & ~domain.WT
        assert found[f"extent_{level:g}_ml"] == pytest.approx(beyond.sum() / 1000)
        assert found[f"margin_{level:g}_mm"] <= 6.0 * np.log(1 / level)
    assert found["margin_0.1_mm"] < found["margin_0.01_mm"]
    ends = np.max([u.take(k, axis)[domain.tissue.take(k, axis)].max(initial=0)
                   for axis in range(3) for k in (0, -1)])  # fmt: skip
    assert found["density_at_border"] == ends
    nothing = extent(domain, 0 * u)
    assert nothing["extent_0.1_ml"] == nothing["margin_0.1_mm"] == 0.0


def test_a_lump_keeps_the_objective(space: Any, rng: np.random.Generator) -> None:
    """Cells where nothing shows may be left out; those that are segmented may not."""
    goal, u = RegionLoss.of(space.domain, k=80.0), np.zeros(space.domain.phi.shape)
    index = rng.choice(u.size, 4000, replace=False)
    u.ravel()[index] = rng.uniform(0, 1, 4000)
    small, cells = goal.kept(index)
    shown = np.append(u.ravel()[cells], 0.0)
    thresholds = np.array([0.3, 0.6])
    assert small.value(shown, thresholds) == pytest.approx(goal.value(u, thresholds), rel=1e-5)


def test_larger_cells_share_masks(space: Any) -> None:
    goal = RegionLoss.of(space.domain).coarsened(2)
    assert goal.masks[0].sum() == pytest.approx(space.domain.WT.sum() / 8)
    assert ((goal.masks[0] > 0) & (goal.masks[0] < 1)).any()
