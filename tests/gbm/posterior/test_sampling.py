"""The whole posterior on small heads, against the truths they were grown with."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import truncnorm

from bilo.posterior.ensemble import Chain
from bilo.posterior.importance import effective_share, truncated_weights
from bilo.posterior.intervals import Summary
from gbm.config.settings import Settings, UncertaintySettings
from gbm.domain.build import phase_field
from gbm.domain.domain import Domain
from gbm.growth.inverse_problem import GrowthInverseProblem
from gbm.posterior import draw
from gbm.posterior.draw import Draws
from gbm.posterior.growth_posterior import LogPosterior
from gbm.posterior.mode import climb, find_modes, start_of, starts, with_noise_of
from gbm.posterior.result import OutlinePosterior, flags_of
from gbm.posterior.sampling import NoOutlineError, Sampling, _to_bounds, outline_posterior
from gbm.search.coarse_search import Candidate
from tests.gbm.posterior.balls import BALL_RHO_T, TRUTH, ball, disc, permuted

FEW = Sampling(samples=60)
Drawn = tuple[LogPosterior, Chain, Draws]


def covers(found: OutlinePosterior, domain: Domain, truth: dict[str, float]) -> dict[str, bool]:
    held = {name: s.covers(truth[name]) for name, s in found.parameters().items() if name in truth}
    held |= {f"x{k}": s.covers(domain.x0[k]) for k, s in enumerate(found.origin())}
    return held


@pytest.fixture(scope="module")
def slice_() -> Domain:
    return disc()


@pytest.fixture(scope="module")
def found(slice_: Domain) -> OutlinePosterior:
    return outline_posterior(slice_, sampling=FEW)


@pytest.fixture(scope="module")
def drawn(slice_: Domain) -> Drawn:
    posterior = LogPosterior.of(slice_, GrowthInverseProblem.of(slice_))
    found = find_modes(posterior, starts(slice_, posterior), 1.2, 1.3)
    rng = np.random.default_rng(0)
    chain, mode, _ = draw._modelled(found.posterior, found.all[0], rng)
    return found.posterior, chain, draw._weighted(found.posterior, mode, chain, 60, rng)


class TestInThePlane:
    def test_it_covers(self, slice_: Domain, found: OutlinePosterior) -> None:
        held = covers(found, slice_, TRUTH)
        assert all(held.values()), (held, found.parameters())

    def test_what_it_says_of_itself(self, found: OutlinePosterior) -> None:
        assert found.weights.sum() == pytest.approx(1.0)
        assert len(found.weights) == len(found.ln_lambda) == len(found.x0) == 60
        assert found.noise_mm == {"WT": 1.2, "TC": 1.2}
        assert max(found.misfit_mm.values()) < 0.5
        assert found.effective_sample_size > 0.5
        assert found.sampler == "importance"
        assert found.flags == ()
        assert 0.05 < found.logarithms()["lambda_mm"].sd < 0.3

    def test_maps(self, slice_: Domain, found: OutlinePosterior) -> None:
        maps = found.maps
        assert maps.low.shape == maps.infiltration.shape == slice_.phi.shape
        assert (maps.low <= maps.median).all()
        assert (maps.median <= maps.high).all()
        assert maps.infiltration.min() >= 0
        assert maps.infiltration[slice_.TC].min() > 0.99
        assert found.extents["extent_0.1_mm2"].median < found.extents["extent_0.01_mm2"].median

    def test_the_seed_decides(self, slice_: Domain, found: OutlinePosterior) -> None:
        again = outline_posterior(slice_, sampling=FEW)
        np.testing.assert_array_equal(found.ln_lambda, again.ln_lambda)
        np.testing.assert_array_equal(found.maps.high, again.maps.high)

    def test_transposed(self, slice_: Domain, found: OutlinePosterior) -> None:
        other = outline_posterior(permuted(slice_, (1, 0)), sampling=FEW)
        order = [0, 1, 3, 2, 4, 5]
        parts = (found.ln_lambda, found.ln_rhoT, *found.x0.T, *found.thresholds.values())
        sd = np.sqrt([np.cov(part, aweights=found.weights) for part in parts])
        np.testing.assert_allclose((other.mode[order] - found.mode) / sd, 0.0, atol=0.25)
        assert other.logarithms()["lambda_mm"].sd == pytest.approx(
            found.logarithms()["lambda_mm"].sd, rel=0.35
        )

    def test_as_many_samples_as_an_ensemble_keeps_are_the_most(self, drawn: Drawn) -> None:
        assert len(drawn[1].theta) == draw.MOST_SAMPLES
        for samples in (39, draw.MOST_SAMPLES + 1):
            for asked in (Sampling, UncertaintySettings):
                with pytest.raises(ValueError, match=r"1440|greater than or equal to 40"):
                    asked(samples=samples)

    def test_a_poor_model_is_made_again_about_its_samples(self, drawn: Drawn) -> None:
        """From a mode a standard deviation off, few samples count; about them, most do."""
        known, chain, good = drawn
        # weighted as if all had been equally likely to be proposed
        away = good.theta + 1.2 * good.theta.std(axis=0) * np.array([1, 0, 1, 0, 0, 0])
        kept = known.prior.supports(away)
        exact = np.array([known.evaluate(theta)[0] for theta in away[kept]])
        weights = truncated_weights(exact - chain.log_density[:1])
        poor = replace(good, theta=away[kept], weights=weights, effective=effective_share(weights))
        again = draw._about_samples(known, poor, np.random.default_rng(1))
        assert again.effective > max(poor.effective, 0.5)
        assert again.sampler == "importance"

    @pytest.mark.parametrize("counted", [1, 2])
    def test_a_model_about_hardly_any_samples_is_as_wide_as_its_own(
        self, drawn: Drawn, counted: int
    ) -> None:
        """One sample or two tell no width; a model as narrow would keep all of its samples."""
        known, _, good = drawn
        weights = np.where(np.arange(60) < counted, 1 / counted, 0.0)
        few = replace(good, weights=weights, effective=effective_share(weights))
        again = draw._about_samples(known, few, np.random.default_rng(1))
        sd, wanted = (Summary.of(d.theta[:, 0], d.weights).sd for d in (again, good))
        assert sd > {1: 0.35, 2: 0.7}[counted] * wanted

    def test_the_ensemble_with_the_solver_agrees(
        self, slice_: Domain, found: OutlinePosterior, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(draw, "LEAST_EFFECTIVE", 1.1)
        monkeypatch.setattr(draw, "_SOLVED_STEPS", 12)
        solved = outline_posterior(slice_, sampling=FEW)
        assert solved.sampler == "solver"
        mine, theirs = (r.logarithms()["lambda_mm"] for r in (found, solved))
        assert theirs.median == pytest.approx(mine.median, abs=mine.sd)
        assert theirs.sd == pytest.approx(mine.sd, rel=0.5)


class TestPartsOnly:
    def test_no_core(self, slice_: Domain) -> None:
        alone = replace(slice_, TC=np.zeros_like(slice_.TC))
        result = outline_posterior(alone, sampling=FEW)
        assert list(result.thresholds) == ["WT"]
        assert result.parameters()["lambda_mm"].covers(TRUTH["lambda_mm"])
        assert result.logarithms()["lambda_mm"].sd > 0.1

    def test_an_outline_at_walls(self, slice_: Domain) -> None:
        """WT fills all tissue: its threshold is the prior's, the core says the rest."""
        result = outline_posterior(replace(slice_, WT=slice_.tissue), sampling=FEW)
        assert result.lost_outline["WT"] == 1.0
        assert "origin_at_walls" in result.flags
        assert np.isfinite(result.parameters()["lambda_mm"].interval90).all()

    def test_nothing_but_walls(self, slice_: Domain) -> None:
        filled = replace(slice_, WT=slice_.tissue, TC=slice_.tissue)
        with pytest.raises(NoOutlineError, match="walls"):
            outline_posterior(filled, sampling=FEW)

    def test_no_tumour(self, slice_: Domain) -> None:
        nothing = np.zeros_like(slice_.WT)
        with pytest.raises(NoOutlineError):
            outline_posterior(replace(slice_, WT=nothing, TC=nothing), sampling=FEW)

    def test_a_few_voxels(self, slice_: Domain) -> None:
        small = np.zeros_like(slice_.WT)
        small[20:24, 24:28] = True
        result = outline_posterior(replace(slice_, WT=small, TC=small), sampling=FEW)
        assert np.isfinite(list(result.noise_mm.values())).all()
        assert "misfit" in flags_of({"WT": 2.6}, {"WT": 0.0})

    def test_one_voxel(self, slice_: Domain) -> None:
        small = np.zeros_like(slice_.WT)
        small[21, 26] = True
        with pytest.raises(NoOutlineError, match="too few voxels"):
            outline_posterior(replace(slice_, WT=small, TC=small), sampling=FEW)

    def test_a_core_that_is_the_whole_tumour(self, slice_: Domain) -> None:
        """One drawing: nothing is said of how well the model meets a second one."""
        result = outline_posterior(replace(slice_, TC=slice_.WT), sampling=FEW)
        assert set(result.thresholds) == set(result.noise_mm) == {"WT", "TC"}
        assert set(result.misfit_mm) == {"WT"}
        assert result.flags == ()

    def test_an_interval_that_ends_at_a_bound_says_so(self, slice_: Domain) -> None:
        """The truth, lambda 2 mm, lies below what is allowed."""
        bounds = {"lambda_mm": (3.2, 15.0), "rhoT": (1.0, 40.0)}
        inverse = replace(GrowthInverseProblem.of(slice_), growth_bounds=bounds)
        result = outline_posterior(slice_, inverse, sampling=FEW)
        assert "at_bound" in result.flags

    @pytest.mark.parametrize(("nearest", "cut"), [(1.0, True), (2.5, False)])
    def test_a_wide_posterior_ends_further_from_the_bound_that_cuts_it(
        self, slice_: Domain, nearest: float, cut: bool
    ) -> None:
        """Of a prior alone, sd .6, with a bound so many sd below its median."""
        inverse = GrowthInverseProblem.of(slice_)
        low = 3.5 * float(np.exp(-0.6 * nearest))
        bounds = {"lambda_mm": (low, 100.0), "rhoT": (0.01, 1000.0)}
        prior = LogPosterior.of(slice_, replace(inverse, growth_bounds=bounds)).prior
        ln_lambda = np.log(3.5) + 0.6 * truncnorm.ppf((np.arange(999) + 0.5) / 999, -nearest, 6)
        theta = np.tile(prior.mean, (999, 1))
        theta[:, 0], theta[:, 1] = ln_lambda, np.log(7.5) + np.linspace(-0.5, 0.5, 999)
        to_bounds = _to_bounds(theta, np.full(999, 1 / 999), prior)
        assert ("at_bound" in flags_of({"WT": 1.0}, {"WT": 0.0}, to_bounds)) is cut


class TestMode:
    def test_every_start_climbs_as_high(self, slice_: Domain) -> None:
        """On a disc, where there is one mode."""
        posterior = LogPosterior.of(slice_, GrowthInverseProblem.of(slice_))
        guesses = starts(slice_, posterior)
        assert len(guesses) == 6
        assert {round(float(np.exp(start[0])), 3) for start in guesses} == {2.0, 3.5, 5.5, 9.0}
        ends = [climb(with_noise_of(posterior, start, 1.2, 1.3), start) for start in guesses]
        known = with_noise_of(posterior, ends[0].theta, 1.2, 1.3)
        ends = [climb(known, end.theta) for end in ends]
        assert all(end.settled for end in ends)
        assert np.ptp([end.log_density for end in ends]) < 0.1

    def test_a_table_leads_to_where_the_core_does_not(self, slice_: Domain) -> None:
        """A small core far off the middle of the whole tumour: the tumour began in the middle."""
        core = np.zeros_like(slice_.TC)
        at = np.argwhere(slice_.WT)[-1]
        core[tuple(slice(k - 2, k + 1) for k in at)] = True
        aside = replace(slice_, TC=core & slice_.WT, x0=slice_.x0 + 9.0)
        posterior = LogPosterior.of(aside, GrowthInverseProblem.of(aside))
        leading = starts(aside, posterior)[0]
        assert np.linalg.norm(leading[2:4] - slice_.x0) < 6.0

    @pytest.mark.parametrize(
        "bounds",
        [
            {"lambda_mm": [3.2, 15.0]},
            {"rhoT": [10.0, 40.0]},
            {"WT": [0.5, 0.6], "TC": [0.5, 0.6]},
            {"lambda_mm": [3.0, 3.003]},
        ],
    )
    def test_a_bound_stops_one_unknown_and_not_the_others(
        self, slice_: Domain, bounds: dict[str, list[float]]
    ) -> None:
        """The others make up for it, so that outlines are no worse than they were drawn."""
        settings = Settings.model_validate({"bounds": bounds})
        posterior = LogPosterior.of(slice_, GrowthInverseProblem.of(slice_, settings))
        found = find_modes(posterior, starts(slice_, posterior), 1.2, 1.3)
        assert found.posterior.outlines.sd.max() < 1.5
        mode = found.all[0]
        assert mode.settled
        assert max(found.posterior.misfit(mode.theta, mode.seen).values()) < 1.0

    def test_bounds_of_all_else_leave_the_origin_as_wide_as_it_is(self, slice_: Domain) -> None:
        """Walkers that began in a corner of the bounds all began in one place."""
        bounds = {"lambda_mm": [2.0, 2.0001], "rhoT": [7.0, 7.001]}
        bounds |= {"WT": [0.3, 0.301], "TC": [0.6, 0.6005]}
        settings = Settings.model_validate({"bounds": bounds})
        posterior = LogPosterior.of(slice_, GrowthInverseProblem.of(slice_, settings))
        found = find_modes(posterior, starts(slice_, posterior), 1.2, 1.3)
        mode = found.all[0]
        chain, _, _ = draw._modelled(found.posterior, mode, np.random.default_rng(0))
        wanted = np.sqrt(np.diag(np.linalg.inv(mode.hessian[2:4, 2:4])))
        np.testing.assert_allclose(chain.theta[:, 2:4].std(axis=0) / wanted, 1.0, atol=0.4)

    def test_a_wall_stops_the_origin_and_nothing_else(self, slice_: Domain) -> None:
        """Of a tumour that began where a cavity is now: the origin slides along its edge."""
        cavity = np.zeros_like(slice_.WT)
        cavity[20:27, 23:30] = True  # 17 to 23 and 20 to 26 mm, the origin at 20 and 23
        tissue = slice_.tissue & ~cavity
        holed = replace(
            slice_, P=slice_.P * tissue, phi=phase_field(tissue, 1.0, 3.0), wm=slice_.wm * tissue,
            gm=slice_.gm * tissue,
        )  # fmt: skip
        posterior = LogPosterior.of(holed, GrowthInverseProblem.of(holed))
        ends = []
        for x0 in ((14.0, 23.0), (13.0, 21.0)):
            start = np.array([np.log(1.5), np.log(8.0), *x0, 0.35, 0.6])
            ends.append(climb(posterior.near(start), start, (60, 1e-3)))
        for end in ends:
            assert end.settled
            np.testing.assert_allclose(end.theta[2:4], [16.5, 23.0], atol=0.3)

    def test_any_direct_fit_can_be_a_start(self, slice_: Domain) -> None:
        posterior = LogPosterior.of(slice_, GrowthInverseProblem.of(slice_))
        for thresholds in ((0.05, 0.3), (0.6, 0.6), (0.6, 0.95)):
            fit = Candidate(15.0, 40.0, slice_.x0, np.array(thresholds))
            assert np.isfinite(posterior.prior.log(start_of(fit, posterior)[None]))


def test_in_space() -> None:
    domain, truth = ball(), TRUTH | {"rhoT": BALL_RHO_T}
    result = outline_posterior(domain, sampling=FEW)
    held = covers(result, domain, truth)
    assert sum(held.values()) >= 6, (held, result.parameters(), result.origin())
    assert result.x0.shape == (60, 3)
    assert result.maps.high.shape == domain.phi.shape
    assert result.extents["extent_0.01_ml"].median > 0
    assert result.effective_sample_size > 0.3


@pytest.mark.parametrize(
    "bounds",
    [
        {"lambda_mm": [3.0, 3.003]},
        {"rhoT": [7.0, 7.05]},
        {"WT": [0.30, 0.31]},
        {"TC": [0.60, 0.601]},
        {"WT": [0.5, 0.6], "TC": [0.3, 0.525]},
    ],
)
def test_a_start_is_moved_into_narrow_bounds(
    slice_: Domain, bounds: dict[str, list[float]]
) -> None:
    settings = Settings.model_validate({"bounds": bounds})
    posterior = LogPosterior.of(slice_, GrowthInverseProblem.of(slice_, settings))
    for thresholds in ((0.05, 0.3), (0.6, 0.6), (0.6, 0.95)):
        fit = Candidate(15.0, 40.0, slice_.x0, np.array(thresholds))
        assert np.isfinite(posterior.prior.log(start_of(fit, posterior)[None]))
    for start in starts(slice_, posterior):
        assert np.isfinite(posterior.prior.log(start[None]))


def test_priors_are_those_of_the_dimension() -> None:
    domain = ball()
    inverse = GrowthInverseProblem.of(domain, Settings(dimensions=3))
    prior = LogPosterior.of(domain, inverse).prior
    np.testing.assert_allclose(np.exp(prior.mean[:2]), [2.5, 12.0])
    np.testing.assert_allclose(prior.precision, [0.7**-2, 0.5**-2, 0, 0, 0, 100, 100])
    outside = prior.mean.copy()
    outside[2] = -100.0
    assert prior.log(np.array([prior.mean, outside]))[1] == -np.inf
