"""How sure the numbers are: what their intervals mean, and what they are conditional on."""

from __future__ import annotations

from gbm.config.conventions import REGIONS
from gbm.config.settings import NoiseSettings
from gbm.posterior.draw import LEAST_EFFECTIVE
from gbm.report.formatting import num, percent
from gbm.results.estimate import RegionNumbers
from gbm.results.patient_result import PatientResult
from gbm.results.posterior_record import FLAGS, Uncertainty


def certainty(result: PatientResult) -> list[str]:
    """Sentences beside the intervals, restrictions first."""
    known = result.uncertainty
    if known is None:
        return ["No intervals were asked for (uncertainty.enabled: false)."]
    if known.reason is not None:
        return [f"There are no intervals: {known.reason}."]
    return [
        *(f"{FLAGS[flag][0].upper()}{FLAGS[flag][1:]}." for flag in known.flags),
        _meaning(known, result.settings.uncertainty.noise),
        _scatter(result, known),
        "Not in the intervals: errors of the tissue maps, and all that growth does and the model "
        "does not (mass effect, several foci, other tissue than white and grey).",
    ]


def of_the_solver(known: Uncertainty) -> bool:
    """Whether the samples are the solver's own, in place of those of a model of the density."""
    size = known.effective_sample_size
    return size is None or size < LEAST_EFFECTIVE


def _meaning(known: Uncertainty, noise: NoiseSettings) -> str:
    size = known.effective_sample_size
    if size is None:
        share = " (no model was as wide as its samples, so the solver itself was sampled)"
    elif of_the_solver(known):
        share = f" (of the first samples {percent(size)} counted, so the solver itself was sampled)"
    else:
        share = f" (effective sample size {percent(size)} of the samples)"
    return (
        "A 90 % interval holds the number with a probability of 90 %, given the model, the tissue "
        "maps, weak priors, and outlines that were drawn with errors of "
        f"{_regions(known.noise_mm)} mm, up to twice as much where the model's front is flat. "
        f"That is {noise.factor:g} times what a first fit misses them by where its front is steep, "
        f"at least {noise.floor_mm:g} mm; the most probable model misses them by "
        f"{_regions(known.misfit_mm)} mm{share}. "
        "Every sample is a solution by finite volumes; no network is asked."
    )


def _scatter(result: PatientResult, known: Uncertainty) -> str:
    if result.dimensions == 3:
        return "The intervals are those of the whole tumour."
    sd = result.lambda_mm
    if known.slices is None or sd.sd_slices is None:
        return (
            "The intervals are those of this slice: the answers of neighbouring slices scatter "
            "more, and too few of them were fitted to say how much."
        )
    return (
        "The intervals are widened to the scatter of the posterior's modes on "
        f"{len(known.slices)} slices (sd of λ {num(sd.sd_slices, 2)} mm between slices, "
        f"{num(sd.sd_posterior, 2)} mm from the outlines of one)."
    )


def _regions(numbers: RegionNumbers) -> str:
    parts = [f"{num(numbers[r], 1)} ({r})" for r in REGIONS if numbers[r] is not None]
    return " and ".join(parts)
