"""The prior of the growth parameters: by hand, exact gradients, and what it does to a fit."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from gbm.config.objective_settings import LogNormal
from gbm.config.settings import Settings
from gbm.growth.characteristic import characteristic
from gbm.growth.growth_prior import GrowthPrior, flat
from gbm.growth.inverse_problem import GrowthInverseProblem
from gbm.search.direct_fit import DirectFit, direct_fit
from tests.gbm.conftest import disc_domain

PRIOR = GrowthPrior(0.01, LogNormal(median=3.0, log_sd=0.5), LogNormal(median=8.0, log_sd=0.25))


def test_the_medians_cost_nothing_and_a_standard_deviation_the_weight() -> None:
    assert PRIOR.value(3.0, 8.0) == 0
    assert PRIOR.value(3.0 * np.exp(0.5), 8.0) == pytest.approx(0.01)
    assert PRIOR.value(3.0, 8.0 * np.exp(-0.5)) == pytest.approx(0.04)


def test_gradients_are_exact(rng: np.random.Generator) -> None:
    here, directions, d = rng.normal(size=2), rng.normal(size=(2, 3)), rng.normal(size=3)
    term = PRIOR.along(here, directions)
    value, gradient = term(d)
    assert value == pytest.approx(PRIOR.value(*np.exp(here + directions @ d)))
    for i, step in enumerate(1e-6 * np.eye(3)):
        assert gradient[i] == pytest.approx((term(d + step)[0] - term(d - step)[0]) / 2e-6)


def test_curvature_is_that_of_the_value() -> None:
    _, here = PRIOR.value_and_grad(np.zeros(2))
    _, there = PRIOR.value_and_grad(np.ones(2))
    np.testing.assert_allclose(there - here, PRIOR.curvature)
    assert flat(np.ones(3))[1] == pytest.approx(np.zeros(3))


def test_it_is_part_of_every_objective(grown: Any) -> None:
    given = replace(GrowthInverseProblem.of(grown.domain), growth_prior=PRIOR)
    u, thresholds = np.where(grown.domain.WT, 0.5, 0.0), np.array([0.4, 0.5])
    rise = given.value(u, thresholds, 6.0, 5.0) - given.value(u, thresholds, 3.0, 8.0)
    assert rise == pytest.approx(PRIOR.value(6.0, 5.0))
    # half and one standard deviation of the thresholds
    assert given.prior(thresholds, 3.0, 8.0) == pytest.approx(1e-3 * (0.25 + 1.0))
    data = replace(given.objective, prior_weight=0.0).value(u, thresholds)
    assert given.value(u, thresholds, 6.0, 5.0) == pytest.approx(
        data + given.prior(thresholds, 6.0, 5.0)
    )


def test_the_settings_reach_the_fit(grown: Any) -> None:
    settings = Settings.model_validate(
        {
            "objective": {
                "prior_weight": 0.02,
                "growth_prior": {
                    "lambda_mm": {"median": 2.5, "log_sd": 0.7},
                    "rhoT": {"median": 12.0, "log_sd": 0.5},
                },
            }
        }
    )
    found = GrowthInverseProblem.of(grown.domain, settings).growth_prior
    assert found == GrowthPrior(
        0.02, LogNormal(median=2.5, log_sd=0.7), LogNormal(median=12.0, log_sd=0.5)
    )
    assert GrowthInverseProblem.of(grown.domain, Settings()).growth_prior == GrowthPrior()


@pytest.mark.parametrize("number", ["median", "log_sd"])
@pytest.mark.parametrize("value", [0.0, -1.0, float("inf")])
def test_nonsense_is_refused(number: str, value: float) -> None:
    prior = {"median": 3.5, "log_sd": 0.6, number: value}
    with pytest.raises(ValueError, match=number):
        Settings.model_validate({"objective": {"growth_prior": {"lambda_mm": prior}}})


def test_a_flat_objective_is_kept_off_the_bound() -> None:
    """A disc in even tissue without a core: a front of any width draws that outline."""
    round_brain = disc_domain()
    even, none = np.ones_like(round_brain.P), np.zeros_like(round_brain.TC)
    domain = replace(round_brain, P=even, phi=even, TC=none)
    guess = characteristic(11.0, 0.0)

    def fitted(weight: float) -> DirectFit:
        given = replace(GrowthInverseProblem.of(domain), growth_prior=GrowthPrior(weight))
        return direct_fit(domain, guess, given, origin="fixed", refine=1)

    free, held = fitted(0.0), fitted(1e-3)
    # the soft threshold rewards the steepest front there is
    assert free.warnings == ("lambda sits on a bound",)
    assert free.lambda_mm == pytest.approx(0.5, rel=0.01)
    assert held.warnings == ()
    assert held.lambda_mm > 0.7
    assert 2e-3 < held.objective_prior < 1e-2
