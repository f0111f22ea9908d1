"""What a result says of a number: median, spread and interval, by hand from the samples."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.special import expit, logit

from gbm.io.files import read_npz, read_sealed, write_npz, write_sealed
from gbm.io.layout import arrays
from gbm.judging.posterior import GrowthPosterior
from gbm.results.estimate import Estimate
from gbm.results.metrics_table import read_metrics
from gbm.results.patient_result import PatientResult, read_result
from gbm.results.posterior_record import SliceOutcome
from gbm.steps.metrics import run as step_metrics
from tests.gbm.conftest import SAMPLED, SLICES_FOUND, Z

END = 1.845
"""95 % of the samples' z. Between two samples of exp z a quantile goes along a line, 1e-4 off."""
VARIANCE = 1.4
"""Of z."""


def known(slices: int | None = 3, **changes: Any) -> GrowthPosterior:
    """The synthetic posterior, with some of its slices."""
    outcomes = tuple(SliceOutcome.model_validate(s) for s in SLICES_FOUND)
    record = {"misfit_mm": {"WT": 1.8, "TC": 0.7}} | changes
    return GrowthPosterior(
        SAMPLED, np.zeros((Z.size, 3)), np.full(Z.size, 1 / Z.size), record,
        None if slices is None else outcomes[:slices],
    )  # fmt: skip


def found(bundle: Any) -> PatientResult:
    step_metrics(bundle.job)
    return read_result(bundle.files.params)


def log_sd(estimate: Estimate) -> float:
    """Of a symmetric interval of a logarithm: its standard deviation, from its ends."""
    assert estimate.interval90 is not None
    low, high = np.log(estimate.interval90)
    assert estimate.median is not None
    assert low + high == pytest.approx(2 * np.log(estimate.median), abs=1e-3)
    return float((high - low) / (2 * END) * np.sqrt(VARIANCE))


@pytest.mark.parametrize(
    ("name", "median", "own", "between"),
    [("lambda_mm", 4.8, 0.2, 0.2), ("rhoT", 6.2, 0.1, 0.1), ("DT_mm2", 4.8**2 * 6.2, 0.3, 0.3)],
)
def test_variances_of_logarithms_add(name: str, median: float, own: float, between: float) -> None:
    estimate = known().estimate(name, 5.0)
    assert estimate.value == 5.0
    assert estimate.median == pytest.approx(median)
    total = log_sd(estimate)
    assert total**2 == pytest.approx(own**2 * VARIANCE + between**2, rel=1e-3)
    wide = Z * np.sqrt(own**2 + between**2 / VARIANCE)
    assert estimate.sd == pytest.approx(np.std(median * np.exp(wide)))
    assert estimate.sd_posterior == pytest.approx(np.std(SAMPLED[name]))
    assert estimate.sd_slices == pytest.approx(np.std([s[name] for s in SLICES_FOUND], ddof=1))


def test_a_threshold_is_stretched_in_its_logit() -> None:
    estimate = known().estimate("TC", 0.6)
    assert estimate.sd_posterior == pytest.approx(0.03 * np.sqrt(VARIANCE))
    assert estimate.sd_slices == pytest.approx(0.05)
    own, between = logit(SAMPLED["TC"]), logit([s["thresholds"]["TC"] for s in SLICES_FOUND])
    middle, factor = logit(0.59), np.hypot(np.std(own), np.std(between, ddof=1)) / np.std(own)
    assert estimate.sd == pytest.approx(np.std(expit(middle + factor * (own - middle))))
    assert estimate.interval90 is not None
    low, high = logit(np.array(estimate.interval90))
    assert high - low == pytest.approx(2 * END * 0.03 / (0.59 * 0.41) * factor, rel=0.02)


def test_a_threshold_stays_a_fraction() -> None:
    far = tuple(
        {**s, "thresholds": {"WT": level, "TC": None}}
        for s, level in zip(SLICES_FOUND, (0.03, 0.5, 0.9), strict=False)
    )
    wide = replace(known(), slices=tuple(SliceOutcome.model_validate(s) for s in far))
    low, high = wide.estimate("WT", 0.3).interval90 or (0.0, 0.0)
    assert 0 < low < 0.05
    assert 0.8 < high < 1


def test_a_fit_outside_its_own_interval_is_amber(bundle: Any) -> None:
    """Samples of lambda from 6.6 to 13.8 mm beside a fit of 5; rho T is inside."""
    path = arrays(bundle.files.posterior)
    write_npz(path, **{**read_npz(path), "lambda_mm": 2 * SAMPLED["lambda_mm"]})
    bundle.settings["uncertainty"]["slices"] = False
    result = found(bundle)
    assert result.quality.numbers["outside_interval"] == 1
    assert result.verdict.colour == "amber"
    assert result.verdict.reasons[0].startswith("The fit lies outside the 90 % interval")


@pytest.mark.parametrize("slices", [None, 1, 2])
def test_too_few_slices_say_nothing(slices: int | None) -> None:
    estimate = known(slices).estimate("lambda_mm", 5.0)
    assert estimate.sd_slices is None
    assert estimate.sd == estimate.sd_posterior == pytest.approx(np.std(SAMPLED["lambda_mm"]))
    assert log_sd(estimate) ** 2 == pytest.approx(0.2**2 * VARIANCE, rel=1e-3)


def test_a_slice_without_a_core_does_not_count_for_its_threshold() -> None:
    whole = known()
    assert whole.slices is not None
    empty = whole.slices[0].model_copy(
        update={"thresholds": whole.slices[0].thresholds.model_copy(update={"TC": None})}
    )
    posterior = replace(whole, slices=(empty, *whole.slices[1:]))
    assert posterior.estimate("TC", 0.6).sd_slices is None
    assert posterior.estimate("WT", 0.33).sd_slices == pytest.approx(0.03)
    assert posterior.estimate("lambda_mm", 5.0).sd_slices is not None


def test_samples_count_by_their_weights() -> None:
    weights = np.zeros(Z.size)
    weights[[10, 20, 30]] = 0.25, 0.5, 0.25  # z = -1, 0, 1
    estimate = replace(known(None), weights=weights).estimate("WT", 0.33)
    assert estimate.median == pytest.approx(0.34)
    assert estimate.sd == pytest.approx(0.02 * np.sqrt(0.5))


def test_what_no_fit_found_has_no_interval() -> None:
    assert known().estimate("TC", None) == Estimate.of(None)
    assert known().estimate("other", 1.0) == Estimate.of(1.0)


def test_factors_on_the_start_are_in_its_units(bundle: Any) -> None:
    result = found(bundle)
    for factor, number, start in (
        (result.rD, result.DT_mm2, 150.0 / 0.9),
        (result.rRHO, result.rhoT, 6.0 / 1.1),
    ):
        scaled = [getattr(number, key) / start for key in ("median", "sd", "sd_slices")]
        assert [factor.median, factor.sd, factor.sd_slices] == pytest.approx(scaled)
        assert factor.interval90 == pytest.approx([end / start for end in number.interval90])


def test_the_origin_has_a_pair_for_each_coordinate(bundle: Any, volume_bundle: Any) -> None:
    # to either side of the inferred origin z times .5, -.25 and, of a volume, .4 mm
    widths = (0.5 * END, 0.25 * END)
    for result, own in ((found(bundle), (*widths, 0.0)), (found(volume_bundle), (*widths, 0.738))):
        pairs = [(x - w, x + w) for x, w in zip(result.x0_mm, own, strict=True)]
        assert np.allclose(result.x0_interval90_mm, pairs)


def test_the_slices_widen_and_stand_in_the_result(bundle: Any) -> None:
    result = found(bundle)
    assert result.lambda_mm == known().estimate("lambda_mm", 5.0)
    assert result.thresholds.TC == known().estimate("TC", 0.6)
    told = result.uncertainty
    assert told is not None
    assert [s.model_dump() for s in told.slices or ()] == SLICES_FOUND
    assert (told.method, told.reason, told.flags) == ("outline", None, ())
    assert told.noise_mm.model_dump() == {"WT": 2.34, "TC": 1.2}
    assert told.misfit_mm.model_dump() == {"WT": 1.8, "TC": 0.7}
    assert told.lost_outline.model_dump() == {"WT": 0.3, "TC": 0.1}
    assert told.effective_sample_size == 0.82


def test_a_volume_has_no_slices(volume_bundle: Any) -> None:
    result = found(volume_bundle)
    assert result.uncertainty is not None
    assert result.uncertainty.slices is None
    assert result.lambda_mm == known(None).estimate("lambda_mm", 5.0)


def test_slices_that_are_not_asked_for_are_not_read(bundle: Any) -> None:
    bundle.settings["uncertainty"]["slices"] = False
    result = found(bundle)
    assert result.uncertainty is not None
    assert result.uncertainty.slices is None
    assert result.lambda_mm == known(None).estimate("lambda_mm", 5.0)


def test_without_an_outline_there_is_a_reason_and_no_number(bundle: Any) -> None:
    write_npz(arrays(bundle.files.posterior))
    write_sealed(bundle.files.posterior, {"reason": "all of every outline lies at walls"})
    result = found(bundle)
    told = result.uncertainty
    assert told is not None
    assert told.reason == "all of every outline lies at walls"
    assert told.noise_mm.WT is told.effective_sample_size is None
    assert result.lambda_mm == Estimate.of(5.0)
    assert result.thresholds.WT == Estimate.of(0.33)
    assert result.x0_interval90_mm is None
    assert "posterior" not in read_metrics(bundle.files.metrics)
    assert "outline_rms_mm" not in {gate.number for gate in result.verdict.gates}
    assert result.verdict.colour == "green"


def test_switched_off_it_is_not_there_at_all(bundle: Any) -> None:
    for path in (bundle.files.posterior, arrays(bundle.files.posterior), bundle.files.slices):
        path.unlink()
    bundle.settings["uncertainty"]["enabled"] = False
    result = found(bundle)
    assert result.uncertainty is None
    assert read_sealed(bundle.files.params)["uncertainty"] is None
    assert result.lambda_mm == Estimate.of(5.0)
    assert not [model for model in read_metrics(bundle.files.metrics) if "posterior" in model]


def test_extents_are_rows_of_their_own(bundle: Any) -> None:
    found(bundle)
    rows = read_metrics(bundle.files.metrics)
    own = [rows[f"posterior{end}"]["WT"]["extent_0.1_mm2"] for end in ("_low", "", "_high")]
    assert own == pytest.approx([0.85 * 63.4, 1.05 * 63.4, 1.25 * 63.4])
    assert set(rows["posterior"]["WT"]) == {
        "extent_0.1_mm2", "extent_0.01_mm2", "margin_0.1_mm", "margin_0.01_mm",
    }  # fmt: skip


@pytest.mark.parametrize(("misfit", "colour"), [(5.0, "green"), (5.1, "amber")])
def test_an_outline_that_is_missed_by_far_is_amber(bundle: Any, misfit: float, colour: str) -> None:
    record = read_sealed(bundle.files.posterior)
    write_sealed(bundle.files.posterior, record | {"misfit_mm": {"WT": 1.0, "TC": misfit}})
    verdict = found(bundle).verdict
    assert verdict.colour == colour
    said = [reason for reason in verdict.reasons if "misses an outline by 5.1 mm" in reason]
    assert len(said) == (colour == "amber")
