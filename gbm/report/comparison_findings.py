"""What the comparison says, in sentences: of one patient, and of all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gbm.report.findings import (
    EQUAL_DICE,
    REGION_NAMES,
    Finding,
    against_references,
    in_order,
    overfitting,
)
from gbm.report.formatting import percent
from gbm.report.words import WORDS
from gbm.results.comparison import Comparison
from gbm.results.fit_entry import FitEntry
from gbm.results.metrics_table import Metrics, dice_of
from gbm.results.patient_result import PatientResult

HEAT_LIMIT = 0.03
"""Error of the heat lift above which it is no small one."""

BEHIND_LIMIT = 0.03
"""Part of the density behind walls, relative L2, that can explain such an error."""

NAMES = {
    "pinn": "the PINN",
    "bilo_heat": "BiLO with the heat lift",
    "bilo_fixed": "BiLO with the origin fixed",
}
"""The networks of the comparison in a sentence, by the beginning of their models."""


@dataclass(frozen=True)
class Compared:
    """One patient of the comparison.

    Attributes
    ----------
    result, metrics
        Of its main job.
    comparison, others
        The other networks, and their table of scores.
    """

    result: PatientResult
    metrics: Metrics
    comparison: Comparison
    others: Metrics


def findings(patient: Compared) -> list[Finding]:
    """What the other networks say about the headline, the most important first."""
    result, found = patient.result, against_references(patient.result, patient.metrics)
    for kind, fit in patient.comparison.models().items():
        found.append(against_headline(patient, kind, fit))
        found += overfitting(patient.others, kind, _capital(NAMES[kind]))
    return in_order([*found, *without_solver(patient.comparison, result)])


def against_headline(patient: Compared, kind: str, fit: FitEntry) -> Finding:
    """Whether the verified solution of another network outlines the tumour better."""
    result, won, lost = patient.result, [], []
    scores = []
    for region, name in REGION_NAMES.items():
        ours = dice_of(patient.metrics, result.model, region)
        theirs = dice_of(patient.others, f"{kind}_fdm", region)
        if ours is None or theirs is None:
            continue
        scores.append(f"{name} {theirs:.3f} against {ours:.3f}")
        won += [name] if theirs > ours + EQUAL_DICE else []
        lost += [name] if ours > theirs + EQUAL_DICE else []
    weight = "" if fit.weight is None else f" (weight {fit.weight:g})"
    said = f"(DICE by finite volumes: {'; '.join(scores)}){_objectives(result, fit)}"
    if won:
        part = " in part" if lost else ""
        text = f"{_capital(NAMES[kind])}{weight} beats the headline{part} {said}"
        return Finding("bad", text)
    relation = "behind" if lost else "level with"
    text = f"{_capital(NAMES[kind])}{weight} is {relation} the headline {said}"
    return Finding("good" if lost else "note", text)


def _objectives(result: PatientResult, fit: FitEntry) -> str:
    """The objective, which the fits minimise, beside that of the headline."""
    ours, theirs = result.objective.fdm, fit.objective.fdm
    if ours is None or theirs is None:
        return "."
    scale = result.settings.objective.scale
    lower, n = theirs < ours - scale.margin, scale.decimals
    return f"; its objective is {theirs:.{n}f} against {ours:.{n}f}{', a better optimum' * lower}."


def without_solver(comparison: Comparison, result: PatientResult) -> list[Finding]:
    """How well the equation was solved without the finite-volume solution in the representation."""
    fit = comparison.models().get("bilo_heat")
    if fit is None or fit.relative_error_u.final is None:
        return []
    error, lam = fit.relative_error_u.final, fit.lambda_mm.value
    where = f", λ = {lam:.2f} mm" if lam is not None else ""
    text = (
        f"With a representation that contains nothing of the finite-volume solution (heat lift) "
        f"the network differs from it by {percent(error)}{where}"
    )
    if error <= HEAT_LIMIT:
        return [Finding("note", f"{text}.")]
    owed = (
        ", so that here the small difference of the headline is owed to the solver inside "
        "its representation"
        if result.method == "bilo"
        else ""
    )
    return [Finding("bad", f"{text}: more than {percent(HEAT_LIMIT)}{owed}.{_behind(fit)}")]


def _behind(fit: FitEntry) -> str:
    """Why a heat fit may be off: density that came through walls."""
    share = fit.behind_walls
    if share is None or share <= BEHIND_LIMIT:
        return ""
    return (
        f" Of its density {percent(share)} (relative L2) lies behind narrow gaps of the tissue, "
        f"where the leak through them alone sets the level."
    )


def summary(patients: Sequence[Compared]) -> list[str]:
    """How often another network, the direct fit or a simple reference wins, over all patients."""
    lines = []
    discs = dict.fromkeys(WORDS[p.result.dimensions].plain_disc for p in patients)
    for model, rival in {"disc": " or ".join(discs), **RIVALS}.items():
        said = []
        for region, name in REGION_NAMES.items():
            pairs = [
                (ours, theirs)
                for p in patients
                if p.result.model != model
                and (ours := dice_of(p.metrics, p.result.model, region)) is not None
                and (theirs := dice_of({**p.metrics, **p.others}, model, region)) is not None
            ]
            if pairs:
                better = sum(theirs > ours + EQUAL_DICE for ours, theirs in pairs)
                worse = sum(ours > theirs + EQUAL_DICE for ours, theirs in pairs)
                said.append(f"the {name} on {better} of {len(pairs)} patients (worse on {worse})")
        if said:
            text = f"{_capital(rival)} outlines better than the headline: {', '.join(said)}."
            lines.append(text)
    return lines


RIVALS = {
    "direct_fdm": "the direct fit",
    **{f"{kind}_fdm": f"{name}, by finite volumes," for kind, name in NAMES.items()},
}


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]
