"""What a reader looks for first: one sentence, and a few numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gbm.report.findings import beside_headline, dice
from gbm.report.formatting import MISSING, num, percent, spread
from gbm.results.metrics_table import Metrics

VERDICT_TEXT = {
    "green": "The inputs passed every gate and the fit is verified.",
    "amber": "Read with caution: at least one check asks for a human eye.",
    "red": "Do not rely on these numbers.",
}
OPENINGS = {
    "objective_gap": "Not converged: the classical fit is clearly better.",
    "direct_fit": "The classical fit, which every fit is compared with, did not settle.",
}
"""What the page begins with where the gate of that name failed."""


def opening(verdict: Mapping[str, Any]) -> str:
    """The first sentences of the page."""
    failed = {gate["number"] for gate in verdict["gates"] if gate["colour"] != "green"}
    said = [text for number, text in OPENINGS.items() if number in failed]
    return " ".join([*said, VERDICT_TEXT[verdict["colour"]]])


def cards(params: Mapping[str, Any], metrics: Metrics) -> list[dict[str, str]]:
    """The few numbers a reader looks for first."""

    def both(model: str) -> str:
        return f"{num(dice(metrics, model, 'WT'))} / {num(dice(metrics, model, 'TC'))}"

    def card(name: str, shown: str, unit: str, more: str) -> dict[str, str]:
        return {"name": name, "value": shown, "unit": unit, "more": more}

    return [
        card("Front width λ", num(params["lambda_mm"]), "mm", "√(D/ρ)"),
        card("Growth ρT", num(params["rhoT"]), "", "over the unknown time T"),
        card("DICE, whole / core", both("bilo_fdm"), "", "BiLO, by finite volumes"),
        card("Direct fit", both("direct_fdm"), "", "DICE, the classical way"),
        card("Disc", both("disc"), "", "DICE of a disc of equal area"),
        card(
            "Network against solver",
            percent(params["relative_error_u"]["final"]),
            "",
            "relative L2 difference at the scan",
        ),
    ]


def headline(params: Mapping[str, Any], metrics: Metrics) -> str:
    """The result in plain words, with units, uncertainties and what restricts it."""

    def known(name: str, digits: int, unit: str) -> str:
        text, wide = num(params[name], digits), spread(params[name], digits)
        if wide == "undetermined":
            return f"{text}{unit} (this scan does not determine it)"
        return f"{text}{unit}" if wide == MISSING else f"{text} {wide}{unit}"

    scores = {region: dice(metrics, "bilo_fdm", region) for region in ("WT", "TC")}
    overlap = f"{num(scores['WT'])} for the whole tumour"
    if scores["TC"] is not None:
        overlap += f" and {num(scores['TC'])} for the core"
    return (
        f"The invasive front of this tumour has the width λ = {known('lambda_mm', 1, ' mm')}; its "
        f"growth over the unknown time T since onset is ρT = {known('rhoT', 1, '')} and its "
        f"diffusion over that time D·T = {known('DT_mm2', 0, ' mm²')}. The network "
        f"and an independent solver differ by {percent(params['relative_error_u']['final'])} at "
        "these values, and the predicted outlines overlap the segmentation with a DICE of "
        f"{overlap}.{beside_headline(params)}"
    )
