"""What one scan can identify: profile and spread around the truth of a phantom."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gbm.growth.finite_volume import solve
from gbm.growth.growth_map import GrowthMap, coarsen
from gbm.growth.inverse_problem import GrowthInverseProblem
from gbm.growth.metrics import masks
from gbm.growth.parameters import Seed
from gbm.imaging.overlap import dice
from gbm.report.figures.identifiability import ellipse
from gbm.results.references import LocalSpread
from gbm.search.coarse_search import Candidate
from gbm.search.identifiability import REDRAWN, local_spread, profile, surface


@pytest.fixture(scope="module")
def truth(grown: Any) -> Candidate:
    levels = np.array([grown.thresholds["WT"], grown.thresholds["TC"]])
    return Candidate(float(np.sqrt(grown.DT / grown.rhoT)), grown.rhoT, grown.x0, levels)


def test_profile_is_lowest_near_the_truth(grown: Any, truth: Candidate) -> None:
    curve = profile(grown.domain, truth, free=False, factors=(1.3, 2.0))
    assert curve["lambda_mm"] == sorted(curve["lambda_mm"])
    assert len(curve["lambda_mm"]) == len(curve["objective"]) == len(curve["rhoT"]) == 5
    assert int(np.argmin(curve["objective"])) in (1, 2, 3)
    assert curve["objective"][-1] > min(curve["objective"])
    # A wider front must start to grow later: rho T falls as lambda rises.
    assert np.all(np.diff(curve["rhoT"]) < 0)


def test_surface_is_lowest_at_the_truth_and_refits_the_thresholds(
    grown: Any, truth: Candidate
) -> None:
    table = surface(grown.domain, truth, reach=(0.5, 0.4), count=5)
    values = np.array(table["objective"])
    # A finite slope biases the optimum towards steep fronts, by less than half a step here.
    assert np.unravel_index(values.argmin(), values.shape) in ((2, 2), (1, 3))
    assert table["lambda_mm"][2] == pytest.approx(truth.lambda_mm)
    goal = GrowthInverseProblem.of(grown.domain).objective
    u = solve(GrowthMap.of(grown.domain), truth.growth, Seed(truth.x0))[0]
    assert values[2, 2] <= goal.value(u, truth.thresholds) + 1e-3
    # The valley: a wider front with less growth explains the regions better than with more.
    assert values[3, 1] < values[3, 3]


def test_ellipse_is_the_border_of_the_half_widths() -> None:
    a, b, c = 0.3, 0.15, -0.7
    spread = LocalSpread(
        dice_loss=0.01, ln_lambda=a, ln_rhoT=b, correlation_ln_lambda_ln_rhoT=c,
        x0_x_mm=1.0, x0_y_mm=1.0, WT=0.03, TC=0.04,
    )  # fmt: skip
    x, y = (np.log(v) for v in ellipse(spread, (1.0, 1.0)))
    inverse = np.linalg.inv([[a * a, c * a * b], [c * a * b, b * b]])
    d = np.stack([x, y])
    assert np.allclose(np.einsum("in,ij,jn->n", d, inverse, d), 1.0)
    assert x.max() == pytest.approx(a, rel=1e-3)
    assert y.max() == pytest.approx(b, rel=1e-3)


def test_profile_stays_within_the_bounds(grown: Any, truth: Candidate) -> None:
    curve = profile(grown.domain, truth, free=False, factors=(1.2, 8.0))
    low, high = GrowthInverseProblem.of(grown.domain).growth_bounds["lambda_mm"]
    assert low <= min(curve["lambda_mm"])
    assert max(curve["lambda_mm"]) <= high
    assert len(curve["lambda_mm"]) == 3


def test_spread_shows_the_trade_off(grown: Any, truth: Candidate) -> None:
    spread = local_spread(grown.domain, truth)
    assert spread["correlation_ln_lambda_ln_rhoT"] < -0.5
    assert 0.02 < spread["ln_lambda"] < 2
    assert 0.02 < spread["ln_rhoT"] < 1
    assert spread["x0_x_mm"] < 3
    fixed = local_spread(grown.domain, truth, free=False)
    assert "x0_x_mm" not in fixed
    assert fixed["ln_lambda"] <= spread["ln_lambda"] + 1e-9


def test_spread_bounds_what_one_unknown_can_do_alone(grown: Any, truth: Candidate) -> None:
    """A step of one half-width in the origin alone changes the regions by at least `REDRAWN`."""
    spread = local_spread(grown.domain, truth)
    grid = GrowthMap.of(grown.domain, 0.5)

    def regions(x0: np.ndarray) -> dict[str, np.ndarray]:
        u = coarsen(solve(grid, truth.growth, Seed(x0))[0], 2)
        return masks(grown.domain, u, grown.thresholds)

    here = regions(truth.x0)
    there = regions(truth.x0 + np.array([spread["x0_x_mm"], 0.0]))
    loss = sum(1 - dice(here[r], there[r]) for r in ("WT", "TC"))
    assert loss > 0.5 * REDRAWN
