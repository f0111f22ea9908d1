"""What a reader looks for first: one sentence, and a few numbers."""

from __future__ import annotations

from gbm.growth.extent import LEVELS, extent_name, margin_name
from gbm.report.formatting import interval, num, percent
from gbm.report.words import WORDS
from gbm.results.estimate import Estimate
from gbm.results.metrics_table import Metrics, dice_of
from gbm.results.patient_result import PatientResult

VERDICT_TEXT = {
    "green": "The inputs passed every gate and the fit is verified.",
    "amber": "Read with caution: at least one check asks for a human eye.",
    "red": "Do not rely on these numbers.",
}
OPENINGS = {
    "objective_gap": "Not converged: the classical fit is clearly better.",
    "direct_fit": "The classical fit, which every fit is compared with, did not settle.",
    "outside_interval": "The fit lies outside its own 90 % interval: read median and interval.",
}
"""What the page begins with where the gate of that name failed."""

WITHOUT_NETWORK = {
    "green": "The inputs passed every gate and the fit settled.",
    "direct_fit": "Not converged: the direct fit did not settle.",
}
"""The same where the direct fit is the headline."""


def opening(result: PatientResult) -> str:
    """The first sentences of the page."""
    verdict = result.verdict
    failed = {gate.number for gate in verdict.gates if gate.colour != "green"}
    words = VERDICT_TEXT | OPENINGS
    if result.method == "direct":
        words |= WITHOUT_NETWORK
    said = [words[number] for number in OPENINGS if number in failed]
    return " ".join([*said, words[verdict.colour]])


def cards(result: PatientResult, metrics: Metrics) -> list[dict[str, str]]:
    """The few numbers a reader looks for first."""

    def both(model: str) -> str:
        return f"{num(dice_of(metrics, model, 'WT'))} / {num(dice_of(metrics, model, 'TC'))}"

    def card(name: str, shown: str, unit: str, more: str) -> dict[str, str]:
        return {"name": name, "value": shown, "unit": unit, "more": more}

    growth = [
        card("Front width λ", *sure(result.lambda_mm, "mm", "√(D/ρ)")),
        card("Growth ρT", *sure(result.rhoT, "", "over the unknown time T")),
    ]
    words = WORDS[result.dimensions]
    more = f"DICE of a {words.disc} of equal {words.size}"
    disc = card(words.disc.capitalize(), both("disc"), "", more)
    reach = card("Beyond the outline", *beyond(result, metrics))
    if result.method == "direct":
        fitted = card("DICE, whole / core", both("direct_fdm"), "", "direct fit, finite volumes")
        start = card("Start", both("characteristic_fdm"), "", "DICE, nothing fitted")
        return [*growth, fitted, start, disc, reach]
    return [
        *growth,
        card("DICE, whole / core", both("bilo_fdm"), "", "BiLO, by finite volumes"),
        card("Direct fit", both("direct_fdm"), "", "DICE, the classical way"),
        disc,
        reach,
        card(
            "Network against solver",
            percent(result.network_error),
            "",
            "relative L2 difference at the scan",
        ),
    ]


def sure(estimate: Estimate, unit: str, what: str) -> tuple[str, str, str]:
    """Median and interval of a number, or what the fit found: value, unit, and the rest."""
    if estimate.median is None:
        return num(estimate.value), unit, what
    said = f"{what}; 90 %: {interval(estimate)}; the fit: {num(estimate.value)}"
    return num(estimate.median), unit, said


def beyond(result: PatientResult, metrics: Metrics) -> tuple[str, str, str]:
    """How much is infiltrated outside the segmented tumour: size, unit, and the rest in words."""
    words, found = WORDS[result.dimensions], metrics.get(result.model, {}).get("WT", {})
    said = [
        (
            f"u > {level:g}",
            num(found.get(extent_name(level, result.dimensions)), words.extent_digits),
            f"margin {num(found.get(margin_name(level)), 1)} mm",
        )
        for level in LEVELS
    ]
    (first, size, margin), *others = said
    rest = [f"{level}: {amount} {words.unit}, {reach}" for level, amount, reach in others]
    return size, words.unit, "; ".join([f"{first}, {margin}", *rest])


def result_sentence(result: PatientResult, metrics: Metrics) -> str:
    """The result in plain words, with units, uncertainties and what restricts it."""

    def known(estimate: Estimate, digits: int, unit: str) -> str:
        if estimate.median is None:
            return f"{num(estimate.value, digits)}{unit}"
        return f"{num(estimate.median, digits)}{unit} (90 % {interval(estimate, digits)})"

    scores = {region: dice_of(metrics, result.model, region) for region in ("WT", "TC")}
    overlap = f"{num(scores['WT'])} for the whole tumour"
    if scores["TC"] is not None:
        overlap += f" and {num(scores['TC'])} for the core"
    own = ", ".join(
        f"{name} = {num(estimate.value, digits)}{unit}"
        for name, estimate, digits, unit in (
            ("λ", result.lambda_mm, 1, " mm"), ("ρT", result.rhoT, 1, ""),
            ("D·T", result.DT_mm2, 0, " mm²"),
        )
    )  # fmt: skip
    fitted = "" if result.lambda_mm.median is None else f"The fit itself found {own}. "
    checked = (
        "It was made by finite volumes and without any network"
        if result.method == "direct"
        else "At the fit the network and an independent solver differ by "
        f"{percent(result.network_error)}"
    )
    return (
        f"The invasive front of this tumour has the width λ = {known(result.lambda_mm, 1, ' mm')}; "
        f"its growth over the unknown time T since onset is ρT = {known(result.rhoT, 1, '')} and "
        f"its diffusion over that time D·T = {known(result.DT_mm2, 0, ' mm²')}. {fitted}{checked}, "
        f"and the predicted outlines overlap the segmentation {WORDS[result.dimensions].where} "
        f"with a DICE of {overlap}."
    )
