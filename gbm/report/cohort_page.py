"""The page of a cohort: one row a patient, distributions, and the reasons of every failure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from gbm.config.conventions import REGIONS
from gbm.report.figures.cohort import overlaps, parameter_strips
from gbm.report.figures.style import encoded, look, svg
from gbm.report.findings import EQUAL_DICE
from gbm.report.formatting import num, percent, with_spread
from gbm.report.tables import MODEL_NAMES
from gbm.report.templating import environment, script
from gbm.results.metrics_table import dice_of

if TYPE_CHECKING:
    from gbm.results.cohort import Member

SHOWN_MODELS = {
    "bilo_fdm": "BiLO",
    "characteristic_fdm": "start",
    "direct_fdm": "direct fit",
    "disc": "disc",
}
"""Models of the table of patients and of the plots: the fits beside their references."""

NETWORK = "bilo_fdm"
"""The model that only patients with a network have."""

WEIGHT = {"green": 0, "amber": 1, "red": 2}
MARKS = {"green": "●", "amber": "▲", "red": "■"}
FEWEST = 2
"""Patients of which a distribution is drawn."""


@dataclass(frozen=True)
class Cell:
    """What a cell shows and what its column is sorted by; None: unknown, comes last."""

    text: str
    key: float | None


def shown_models(members: Sequence[Member]) -> dict[str, str]:
    """Those of `SHOWN_MODELS` that some patient has: none of BiLO where all are direct fits."""
    known = {model for member in members for model in member.metrics or {}}
    return {model: name for model, name in SHOWN_MODELS.items() if model in known}


def patient_row(member: Member, models: Iterable[str] = (*SHOWN_MODELS,)) -> dict[str, Any]:
    """One row of the table of patients that are done."""
    result, metrics = member.result, member.metrics
    assert result is not None
    assert metrics is not None
    models, colour = [*models], result.verdict.colour
    growth = [
        Cell(with_spread(estimate), estimate.value) for estimate in (result.lambda_mm, result.rhoT)
    ]
    error = Cell(percent(result.network_error), result.network_error)
    scores = [dice_of(metrics, model, region) for region in REGIONS for model in models]
    return {
        "patient": member.patient,
        "colour": colour,
        "mark": MARKS[colour],
        "weight": WEIGHT[colour],
        "reasons": member.reasons,
        "cells": [
            *growth,
            *([error] if NETWORK in models else []),
            *(Cell(num(score), score) for score in scores),
            Cell(num(result.seconds, 0), result.seconds),
        ],
    }


def distributions(members: Sequence[Member]) -> dict[str, str]:
    """Plots over the patients that are done, SVG by name; none for fewer than `FEWEST`."""
    done = [m for m in members if m.result is not None and m.metrics is not None]
    if len(done) < FEWEST:
        return {}
    scores = {
        region: {
            name: [dice_of(m.metrics or {}, model, region) for m in done]
            for model, name in shown_models(done).items()
        }
        for region in REGIONS
    }
    found = [m.result for m in done if m.result is not None]
    columns = {
        "λ = √(D/ρ), mm": [p.lambda_mm.value for p in found],
        "ρT": [p.rhoT.value for p in found],
        "D·T, mm²": [p.DT_mm2.value for p in found],
    }
    errors = [_percent(p.network_error) for p in found]
    if any(error is not None for error in errors):
        columns["error of the network, %"] = errors
    with look():
        return {"overlaps": svg(overlaps(scores)), "parameters": svg(parameter_strips(columns))}


def _percent(fraction: float | None) -> float | None:
    return None if fraction is None else 100 * fraction


def summary(members: Sequence[Member]) -> list[str]:
    """Sentences over all patients that are done."""
    done = [m for m in members if m.result is not None and m.metrics is not None]
    if not done:
        return ["No patient has results yet."]
    found = [m.result for m in done if m.result is not None]
    known = [p.network_error for p in found if p.network_error is not None]
    direct = sum(p.method == "direct" for p in found)
    lines = []
    if direct:
        lines.append(
            f"{direct} of {len(done)} patients {'was' if direct == 1 else 'were'} fitted by the "
            f"finite-volume solver itself (direct fit) and without a network."
        )
    if known:
        lines.append(
            f"Network against finite volumes at the inferred parameters: relative L2 error "
            f"{percent(float(np.median(known)))} at the median patient, {percent(max(known))} at "
            f"the worst."
        )
    for region, name in (("WT", "whole tumour"), ("TC", "core")):
        pairs = [
            (dice_of(m.metrics, m.result.model, region), dice_of(m.metrics, "disc", region))
            for m in done
            if m.metrics is not None and m.result is not None
        ]
        both = [(a, b) for a, b in pairs if a is not None and b is not None]
        beaten = sum(b > a + EQUAL_DICE for a, b in both)
        if both:
            lines.append(
                f"A plain disc of the same area scores higher than the fitted growth model on "
                f"{beaten} of {len(both)} patients ({name})."
            )
    return lines


def counts(members: Sequence[Member]) -> str:
    """How many patients there are, and how many of each state."""
    total = f"{len(members)} patient{'' if len(members) == 1 else 's'}"
    found = Counter(member.status for member in members)
    states = [
        f"{found[s]} {s}" for s in ("done", "failed", "unfinished") if found[s] or s == "done"
    ]
    return f"{total}: {', '.join(states)}"


def alike(members: Sequence[Member]) -> dict[tuple[str, ...], list[str]]:
    """Patients that have the same reasons, by these."""
    found: dict[tuple[str, ...], list[str]] = {}
    for member in members:
        found.setdefault(member.reasons, []).append(member.patient)
    return found


def render_cohort(
    members: Sequence[Member],
    medians: Mapping[str, Mapping[str, float | None]],
    notice: str | None = None,
) -> str:
    """The page as text; a notice stands at its top."""
    shown = shown_models(members)
    done = [patient_row(member, shown) for member in members if member.status == "done"]
    return (
        environment()
        .get_template("cohort.html.j2")
        .render(
            created=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
            counts=counts(members),
            notice=notice,
            done=done,
            remarked=[row for row in done if row["reasons"]],
            failed=[member for member in members if member.status == "failed"],
            unfinished=alike([member for member in members if member.status == "unfinished"]),
            summary=summary(members),
            shown=list(shown.values()),
            networks=NETWORK in shown,
            figures={name: encoded(text) for name, text in distributions(members).items()},
            sorting=script("sort.js"),
            medians=[
                (MODEL_NAMES[model][0], num(medians[model]["WT"], 3), num(medians[model]["TC"], 3))
                for model in MODEL_NAMES
                if model in medians
            ],
        )
    )
