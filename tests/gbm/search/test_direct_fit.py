"""The direct fit on a phantom with known parameters, and the descents it is made of."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.special import expit

from gbm.config.settings import Settings
from gbm.growth.characteristic import Characteristic, characteristic
from gbm.growth.finite_volume import solve
from gbm.growth.growth_map import GrowthMap, coarsen
from gbm.growth.inverse_problem import GrowthInverseProblem
from gbm.growth.metrics import masks, scores
from gbm.growth.parameters import Seed
from gbm.search.coarse_search import Candidate, distinct, in_tissue, origins
from gbm.search.direct_fit import DirectFit, direct_fit
from gbm.search.local_search import LocalSearch
from gbm.search.trust_region import logit_density, tangent_minimum, tangent_model


@pytest.fixture(scope="module")
def start(grown: Any) -> Characteristic:
    numbers = grown.domain.numbers
    return characteristic(numbers["radius_WT_mm"], numbers["radius_TC_mm"])


@pytest.fixture(scope="module")
def fitted(grown: Any, start: Characteristic) -> DirectFit:
    return direct_fit(grown.domain, start)


def objective_at_truth(grown: Any) -> float:
    u = coarsen(solve(grown.domain, grown.growth, grown.seed, cell_mm=0.5)[0], 2)
    levels = np.array(list(grown.thresholds.values()))
    growth = (float(np.sqrt(grown.DT / grown.rhoT)), grown.rhoT)
    return GrowthInverseProblem.of(grown.domain).value(u, levels, *growth)


def test_phantom_parameters_come_back(grown: Any, fitted: DirectFit) -> None:
    assert np.log(fitted.lambda_mm / np.sqrt(grown.DT / grown.rhoT)) == pytest.approx(0, abs=0.3)
    assert np.log(fitted.rhoT / grown.rhoT) == pytest.approx(0, abs=0.2)
    assert np.hypot(*(fitted.x0 - grown.x0)) < 1.0
    assert fitted.thresholds["WT"] == pytest.approx(grown.thresholds["WT"], abs=0.06)
    assert fitted.thresholds["TC"] == pytest.approx(grown.thresholds["TC"], abs=0.06)
    assert fitted.converged
    assert fitted.warnings == ()


def test_optimum_is_no_worse_than_the_truth(grown: Any, fitted: DirectFit) -> None:
    assert fitted.objective <= objective_at_truth(grown) + 1e-4


def test_phantom_regions_are_met(grown: Any, fitted: DirectFit) -> None:
    found = scores(grown.domain, masks(grown.domain, fitted.u, fitted.thresholds))
    assert found["WT"]["dice"] > 0.98
    assert found["TC"]["dice"] > 0.97


def test_reported_density_is_the_solver_s(grown: Any, fitted: DirectFit) -> None:
    u = coarsen(solve(grown.domain, fitted, Seed(fitted.x0), cell_mm=0.5)[0], 2)
    np.testing.assert_allclose(fitted.u, u, atol=1e-12)
    values = np.array([fitted.thresholds["WT"], fitted.thresholds["TC"]])
    given, growth = GrowthInverseProblem.of(grown.domain), (fitted.lambda_mm, fitted.rhoT)
    assert fitted.objective == pytest.approx(given.value(u, values, *growth))
    assert fitted.objective_prior == pytest.approx(given.prior(values, *growth))


def test_minima_are_sorted(fitted: DirectFit) -> None:
    finest = [end["objective"] for end in fitted.minima]
    assert finest[0] == min(finest[:2])
    assert fitted.minima[0]["lambda_mm"] == pytest.approx(fitted.lambda_mm)


def test_a_fixed_origin_stays_and_costs(
    grown: Any, start: Characteristic, fitted: DirectFit
) -> None:
    fixed = direct_fit(grown.domain, start, origin="fixed", refine=1)
    np.testing.assert_array_equal(fixed.x0, grown.domain.x0)
    assert fixed.objective > fitted.objective


def test_a_number_on_a_bound_never_converges(grown: Any, start: Characteristic) -> None:
    narrow = replace(
        GrowthInverseProblem.of(grown.domain),
        growth_bounds={"lambda_mm": (5.0, 15.0), "rhoT": (1.0, 40.0)},
    )
    found = direct_fit(grown.domain, start, narrow, origin="fixed", refine=1)
    assert found.lambda_mm == pytest.approx(5.0, rel=1e-6)
    assert not found.converged
    assert found.warnings[0] == "lambda sits on a bound"


@pytest.mark.parametrize("bounds", [(0.61, 0.9), (0.03, 0.2)])
def test_a_prior_out_of_bounds_is_no_obstacle(
    grown: Any, start: Characteristic, bounds: tuple[float, float]
) -> None:
    settings = Settings.model_validate({"bounds": {"WT": bounds}})
    given = GrowthInverseProblem.of(grown.domain, settings)
    found = direct_fit(grown.domain, start, given, origin="fixed", refine=1)
    low, high = bounds
    assert low < found.thresholds["WT"] < high
    assert found.warnings[0] == "threshold WT sits on a bound"


def test_an_empty_core_is_fitted_by_the_whole_tumour(grown: Any) -> None:
    oedema = replace(grown.domain, TC=np.zeros_like(grown.domain.TC))
    guess = characteristic(grown.domain.numbers["radius_WT_mm"], 0.0)
    found = direct_fit(oedema, guess, origin="fixed", refine=1)
    assert scores(oedema, masks(oedema, found.u, found.thresholds))["WT"]["dice"] > 0.85


def test_tangent_model_has_exact_gradients(grown: Any, rng: np.random.Generator) -> None:
    given = GrowthInverseProblem.of(grown.domain)
    descent = LocalSearch(grown.domain, True, given)
    u = solve(grown.domain, grown.growth, grown.seed)[0]
    slopes = rng.normal(size=(4, *u.shape))
    model = tangent_model(given.objective, u, slopes, descent.search(grown.x0))
    z = 0.1 * rng.normal(size=6)
    _, gradient = model(z)
    for i, step in enumerate(1e-6 * np.eye(6)):
        numeric = (model(z + step)[0] - model(z - step)[0]) / 2e-6
        assert gradient[i] == pytest.approx(numeric, rel=1e-4, abs=1e-7)


def test_a_trust_region_descends_the_prior_too(grown: Any) -> None:
    """With the weight of the prior so large that the data count for nothing, its medians win."""
    given = GrowthInverseProblem.of(grown.domain)
    given = replace(given, growth_prior=replace(given.growth_prior, weight=1e3))
    off = Candidate(4.5, 5.0, grown.x0, np.array([0.35, 0.6]))
    grid = GrowthMap.of(grown.domain)
    end = LocalSearch(grown.domain, False, given).run(grid, given.objective, [off], 0.2, 1e-4)[0]
    assert (end.lambda_mm, end.rhoT) == pytest.approx((3.5, 7.5), rel=1e-3)


def test_tangent_minimum_finds_a_known_change(grown: Any) -> None:
    """One slope that is a uniform shift of the logit, masks of the shifted density."""
    search = LocalSearch(grown.domain, False, GrowthInverseProblem.of(grown.domain)).search(
        grown.x0
    )
    u = solve(grown.domain, grown.growth, grown.seed)[0]
    slope = np.ones((1, *u.shape))
    shifted = expit(logit_density(u) + 0.3)
    prior = np.array([0.35, 0.6])
    goal = GrowthInverseProblem.of(
        replace(grown.domain, WT=shifted > 0.35, TC=shifted > 0.6)
    ).objective
    stiff = replace(goal, prior_weight=10.0)
    dg, _, _ = tangent_minimum(stiff, u, slope, prior, np.array([[-1.0, 1.0]]), search)
    assert dg[0] == pytest.approx(0.3, abs=0.05)


def test_descent_improves_on_its_start(grown: Any) -> None:
    given = GrowthInverseProblem.of(grown.domain)
    off = Candidate(4.5, 5.0, grown.x0 + np.array([3.0, 2.0]), np.array([0.35, 0.6]))
    grid = GrowthMap.of(grown.domain)
    end = LocalSearch(grown.domain, True, given).run(grid, given.objective, [off], 0.2, 1e-4)[0]
    assert end.converged
    assert end.objective < 0.1


def test_origins_lie_in_tissue(grown: Any) -> None:
    found = origins(grown.domain)
    assert len(found) > 20
    assert all(in_tissue(grown.domain, x0) for x0 in found)
    assert not in_tissue(grown.domain, np.array([grown.domain.axes[0][0], grown.domain.axes[1][0]]))
    assert not in_tissue(grown.domain, np.array([1e3, 0.0]))


def test_distinct_keeps_the_first_of_a_basin() -> None:
    at, thresholds = np.zeros(2), np.zeros(2)
    a = Candidate(3.0, 5.0, at, thresholds, 0.1)
    b = Candidate(3.1, 6.0, at + 0.5, thresholds, 0.2)
    c = Candidate(3.0, 5.0, at + 9.0, thresholds, 0.3)
    d = Candidate(6.0, 5.0, at, thresholds, 0.4)
    assert distinct([a, b, c, d], 1.0, 0.1) == [a, c, d]
    assert distinct([a, b, c, d], 1.0, 0.1, 2) == [a, c]
