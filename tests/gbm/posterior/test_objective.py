"""The outlines' posterior as an objective, and its direct fit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gbm.config.settings import Settings
from gbm.domain.domain import Domain
from gbm.growth.finite_volume import solve
from gbm.growth.growth_map import coarsen
from gbm.growth.inverse_problem import GrowthInverseProblem
from gbm.posterior import landscape
from gbm.posterior.by_objective import direct_fit, origin_of
from gbm.posterior.growth_posterior import LogPosterior
from gbm.posterior.mode import start_of, with_noise_of
from gbm.posterior.objective import OutlineObjective, with_outlines
from gbm.search.direct_fit import DirectFit
from tests.gbm.posterior.balls import TRUTH, disc

SETTINGS = Settings.model_validate({"objective": {"name": "outline"}, "verify": {"refine": 1}})


@pytest.fixture(scope="module")
def slice_() -> Domain:
    return replace(disc(), numbers={"radius_WT_mm": 12.0, "radius_TC_mm": 9.0})


def asked(domain: Domain) -> GrowthInverseProblem:
    return GrowthInverseProblem.of(domain, SETTINGS)


def fitted_with(domain: Domain, origin: str = "inferred") -> DirectFit:
    given = asked(domain)
    return direct_fit(domain, given.characteristic(domain), given, origin=origin, refine=1)


@pytest.fixture(scope="module")
def fit(slice_: Domain) -> DirectFit:
    return fitted_with(slice_)


@pytest.fixture(scope="module")
def complete(slice_: Domain, fit: DirectFit) -> GrowthInverseProblem:
    return with_outlines(slice_, asked(slice_), fit.first_mode)


@pytest.fixture(scope="module")
def posterior(complete: GrowthInverseProblem) -> LogPosterior:
    assert isinstance(complete.outlines, OutlineObjective)
    return complete.outlines.posterior


def test_it_finds_the_truth(slice_: Domain, fit: DirectFit) -> None:
    assert np.log(fit.lambda_mm / TRUTH["lambda_mm"]) == pytest.approx(0.0, abs=0.25)
    assert np.log(fit.rhoT / TRUTH["rhoT"]) == pytest.approx(0.0, abs=0.05)
    np.testing.assert_allclose(fit.x0, slice_.x0, atol=1.0)
    assert fit.converged
    assert fit.minima[0]["objective"] == min(m["objective"] for m in fit.minima)


def test_its_value_is_minus_the_log_posterior(
    fit: DirectFit, complete: GrowthInverseProblem, posterior: LogPosterior
) -> None:
    mode = start_of(fit.candidate, posterior)
    value, _ = posterior.evaluate(mode)
    assert fit.objective == pytest.approx(-value, abs=0.02)  # time steps differ
    u = posterior.forward.density(mode)
    at = (fit.candidate.thresholds, fit.lambda_mm, fit.rhoT)
    assert complete.value(u, *at) == pytest.approx(-value, abs=1e-9)
    assert 0.0 < complete.prior(*at) < complete.value(u, *at)
    assert fit.objective_prior == complete.prior(*at)


def test_it_is_a_minimum(fit: DirectFit, posterior: LogPosterior) -> None:
    mode = start_of(fit.candidate, posterior)
    value, seen = posterior.evaluate(mode)
    _, hessian = posterior.expand(mode, seen)
    for k, sd in enumerate(1 / np.sqrt(np.diag(hessian))):
        for side in (-1.0, 1.0):
            moved = mode.copy()
            moved[k] += side * sd
            assert posterior.evaluate(moved)[0] < value


def test_on_larger_cells_it_is_nearly_the_same(
    fit: DirectFit, complete: GrowthInverseProblem
) -> None:
    at = (fit.candidate.thresholds, fit.lambda_mm, fit.rhoT)
    value = complete.coarsened(2).value(coarsen(fit.u, 2), *at)
    assert value == pytest.approx(fit.objective, abs=2.0)
    assert complete.coarsened(2).prior(*at) == complete.prior(*at)


def test_the_first_mode_fixes_the_noise(
    slice_: Domain, fit: DirectFit, posterior: LogPosterior
) -> None:
    unknown = LogPosterior.of(slice_, asked(slice_))
    again = with_noise_of(unknown, np.array(fit.first_mode), 1.2, 1.3)
    np.testing.assert_array_equal(posterior.outlines.sd, again.outlines.sd)
    np.testing.assert_array_equal(posterior.outlines.scale, again.outlines.scale)


def test_a_value_needs_a_noise_level(slice_: Domain, fit: DirectFit) -> None:
    with pytest.raises(ValueError, match="noise level"):
        asked(slice_).value(fit.u, fit.candidate.thresholds, fit.lambda_mm, fit.rhoT)
    with pytest.raises(ValueError, match="first_mode"):
        with_outlines(slice_, asked(slice_), None)


def test_a_fixed_origin_stays(slice_: Domain) -> None:
    away = replace(slice_, x0=slice_.x0 + np.array([1.5, 0.0]))
    found = fitted_with(away, "fixed")
    np.testing.assert_array_equal(found.x0, away.x0)
    assert found.objective > fitted_with(away).objective
    held = LogPosterior.of(away, asked(away), held=origin_of(away))
    gradient, _ = held.expand(np.array(found.first_mode), held.forward(np.array(found.first_mode)))
    assert not gradient[2:4].any()


def test_nothing_but_walls_is_said(slice_: Domain) -> None:
    found = fitted_with(replace(slice_, WT=slice_.tissue, TC=slice_.tissue))
    assert not found.converged
    assert any("walls" in warning for warning in found.warnings)


def test_no_core(slice_: Domain) -> None:
    found = fitted_with(replace(slice_, TC=np.zeros_like(slice_.TC)))
    assert np.isfinite(found.objective)
    assert found.thresholds["TC"] == 0.6


def test_landscape(fit: DirectFit, posterior: LogPosterior) -> None:
    """The profile is lowest at the fit, the surface in its middle, and neither is below the fit."""
    mode = start_of(fit.candidate, posterior)
    value = -posterior.evaluate(mode)[0]
    curve = landscape.profile(posterior, mode, factors=(1.5,))
    assert curve["lambda_mm"] == pytest.approx(fit.lambda_mm * np.array([1 / 1.5, 1.0, 1.5]))
    assert int(np.argmin(curve["objective"])) == 1
    assert curve["objective"][1] == pytest.approx(value, abs=0.05)
    off = np.log(np.array(curve["lambda_mm"]) / 3.5) / 0.6
    rest = np.array(curve["objective"]) - 0.5 * off**2
    np.testing.assert_allclose(curve["without_prior_of_lambda"], rest, atol=1e-9)
    table = landscape.surface(posterior, mode, count=3)
    rows = np.array(table["objective"])
    assert rows.argmin() == 4
    assert rows[1, 1] == pytest.approx(value, abs=0.2)  # thresholds of a table


def test_solver_and_step_count_are_those_of_the_mode(
    slice_: Domain, fit: DirectFit, complete: GrowthInverseProblem
) -> None:
    """What is reported is solved anew, with the default number of steps."""
    u = solve(slice_, fit, complete.seed(fit.x0), cell_mm=1)[0]
    np.testing.assert_allclose(fit.u, u, atol=1e-12)
