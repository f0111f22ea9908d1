"""What one scan can identify: profile and surface around the truth of a phantom."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gbm.growth.finite_volume import solve
from gbm.growth.growth_map import GrowthMap
from gbm.growth.inverse_problem import GrowthInverseProblem
from gbm.growth.parameters import Seed
from gbm.search.coarse_search import Candidate
from gbm.search.identifiability import profile, surface


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


def test_profile_stays_within_the_bounds(grown: Any, truth: Candidate) -> None:
    curve = profile(grown.domain, truth, free=False, factors=(1.2, 8.0))
    low, high = GrowthInverseProblem.of(grown.domain).growth_bounds["lambda_mm"]
    assert low <= min(curve["lambda_mm"])
    assert max(curve["lambda_mm"]) <= high
    assert len(curve["lambda_mm"]) == 3
