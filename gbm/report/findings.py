"""What the numbers of one patient say, in sentences.

A growth model that does not beat a disc, or a network that does not beat its own solver, is a
finding; the page says it in words and does not leave it to the reader to compare columns.
"""

from __future__ import annotations

from dataclasses import dataclass

from gbm.growth.records import INDISTINCT
from gbm.report.formatting import percent
from gbm.results.fit_entry import FitEntry
from gbm.results.metrics_table import Metrics, dice_of
from gbm.results.patient_result import PatientResult

REGION_NAMES = {"WT": "whole tumour", "TC": "tumour core"}
SHORT = {"disc": "disc", "characteristic_fdm": "start"}
EQUAL_DICE = 0.005
"""DICE differences below this are called equal."""

CLEAR_GAP = 0.01
"""A network whose DICE exceeds its solver's by more than this has bent the equation."""

HEAT_LIMIT = 0.03
"""Error of the heat lift above which it is named beside the headline."""

BEHIND_LIMIT = 0.03
"""Part of the density behind walls, relative L2, that can explain such an error."""


@dataclass(frozen=True)
class Finding:
    """One sentence with its weight: `good`, `note` or `bad`."""

    kind: str
    text: str


def findings(result: PatientResult, metrics: Metrics) -> list[Finding]:
    """All findings on one patient, the most important first.

    Parameters
    ----------
    result : PatientResult
        `desc-growth_params.json`.
    metrics : mapping
        `desc-growth_metrics.tsv` as model -> region -> metric -> value.
    """
    found = [
        *agreement(result),
        *against(metrics, "disc", "a plain disc of the same area at the centre of the core"),
        *against(metrics, "characteristic_fdm", "the unfitted characteristic start"),
        *against_direct(result),
        *overfitting(metrics),
        *other_lift(result),
    ]
    weight = {"bad": 0, "note": 1, "good": 2}
    return sorted(found, key=lambda finding: weight[finding.kind])


def agreement(result: PatientResult) -> list[Finding]:
    """Whether the network solves the equation at the parameters it found."""
    error = result.relative_error_u.final
    if error is None:
        return [
            Finding("bad", "The network could not be compared with the finite-volume solution.")
        ]
    limit = result.settings.verify.max_disagreement
    wide = percent(result.relative_error_u.final_with_interface)
    text = (
        f"At the inferred parameters the network and the finite-volume solution of the same "
        f"equation differ by {100 * error:.2g} % (relative L2 over the tissue, φ > 1/2, at the "
        f"time of the scan; {wide} with the walls, where φ falls to 0)"
    )
    if error > limit:
        return [Finding("bad", f"{text}: too much. Use the finite-volume rows only.")]
    return [Finding("good", f"{text}: the network solves the equation it was fitted with.")]


def against(metrics: Metrics, model: str, name: str) -> list[Finding]:
    """Whether a simple reference scores higher than BiLO's verified solution."""
    beaten, equal, ahead = [], [], []
    for region in REGION_NAMES:
        ours, theirs = dice_of(metrics, "bilo_fdm", region), dice_of(metrics, model, region)
        if ours is None or theirs is None:
            continue
        text = f"{REGION_NAMES[region]}: {SHORT[model]} {theirs:.3f}, BiLO {ours:.3f}"
        if theirs > ours + EQUAL_DICE:
            beaten.append(text)
        elif ours > theirs + EQUAL_DICE:
            ahead.append(text)
        else:
            equal.append(text)
    everything = "; ".join(beaten + equal + ahead)
    if beaten:
        return [
            Finding(
                "bad",
                f"A simple baseline beats BiLO: {name} overlaps better with the segmentation than "
                f"the fitted growth model{' in part' if equal or ahead else ''} (DICE "
                f"{everything}). The overlap is then no evidence for the growth model on this "
                f"patient.",
            )
        ]
    if equal:
        text = f"The fitted growth model is hardly better than {name} (DICE {everything})."
        return [Finding("note", text)]
    if ahead:
        text = f"The fitted growth model overlaps better than {name} (DICE {everything})."
        return [Finding("good", text)]
    return []


def against_direct(result: PatientResult) -> list[Finding]:
    """BiLO beside the classical fit of the same objective."""
    ours, theirs = result.objective.fdm, result.objective.direct_fit
    start = result.objective.characteristic
    found = []
    if ours is not None and start is not None and ours > start:
        text = f"The fit is worse than its own start: objective {ours:.4f} against {start:.4f}."
        found.append(Finding("bad", text))
    if ours is None or theirs is None:
        return found
    both = f"objective {ours:.4f} (BiLO, by finite volumes) against {theirs:.4f} (direct fit)"
    seconds = result.baselines.direct_fdm.seconds
    speed = f" The direct fit took {seconds:.2g} s, BiLO {result.seconds:.3g} s."
    if ours > theirs + INDISTINCT:
        text = f"The direct finite-volume fit beats BiLO: {both}.{speed}"
        found.append(Finding("bad", text))
    elif ours < theirs - INDISTINCT:
        text = f"BiLO found a better optimum than the direct finite-volume fit: {both}.{speed}"
        found.append(Finding("note", text))
    else:
        text = f"BiLO reaches the optimum of the direct finite-volume fit: {both}.{speed}"
        found.append(Finding("good", text))
    return found


def overfitting(metrics: Metrics) -> list[Finding]:
    """Whether a network scores higher than the solver at its own parameters."""
    found = []
    for method, name in (("bilo", "BiLO"), ("pinn", "The PINN")):
        gaps = []
        for region in REGION_NAMES:
            network = dice_of(metrics, f"{method}_network", region)
            solver = dice_of(metrics, f"{method}_fdm", region)
            if network is not None and solver is not None and network - solver > CLEAR_GAP:
                gaps.append(f"{REGION_NAMES[region]} {network:.3f} against {solver:.3f}")
        if gaps:
            kind = "bad" if method == "bilo" else "note"
            text = (
                f"{name} over-fits: its network scores higher than the equation solved at its own "
                f"parameters (DICE {', '.join(gaps)}). The difference is bought by breaking the "
                f"equation."
            )
            found.append(Finding(kind, text))
    return found


def heat_fit(result: PatientResult) -> FitEntry | None:
    """The verified fit that has nothing of the finite-volume solution in its representation."""
    for fit in result.fits:
        if fit.method == "bilo" and fit.lift == "heat":
            return fit
    return None


def other_lift(result: PatientResult) -> list[Finding]:
    """How well the equation was solved without the finite-volume solution in the representation."""
    fit = heat_fit(result)
    if fit is None or fit.relative_error_u.final is None:
        return []
    error, lam = fit.relative_error_u.final, fit.lambda_mm.value
    where = f", λ = {lam:.2f} mm" if lam is not None else ""
    text = (
        f"With a representation that contains nothing of the finite-volume solution (heat lift) "
        f"the network differs from it by {100 * error:.2g} %{where}"
    )
    if error <= HEAT_LIMIT:
        return [Finding("note", f"{text}.")]
    return [Finding("bad", f"{text}: more than {100 * HEAT_LIMIT:g} %.{_behind(fit)}")]


def beside_headline(result: PatientResult) -> str:
    """What has to stand beside the result: the heat lift's error, where it is too large, or ""."""
    fit = heat_fit(result)
    error = None if fit is None else fit.relative_error_u.final
    if fit is None or error is None or error <= HEAT_LIMIT:
        return ""
    return (
        f" A second network, whose representation contains nothing of the solver's solution (heat "
        f"lift), is {percent(error)} off the solver at its own parameters: above "
        f"{percent(HEAT_LIMIT)}, so that on this slice the small difference of the first is owed "
        f"to the solver inside its representation.{_behind(fit)}"
    )


def _behind(fit: FitEntry) -> str:
    """Why a heat fit may be off: density that came through walls."""
    share = fit.behind_walls
    if share is None or share <= BEHIND_LIMIT:
        return ""
    return (
        f" Of its density {percent(share)} (relative L2) lies behind narrow gaps of the tissue, "
        f"where the leak through them alone sets the level."
    )
