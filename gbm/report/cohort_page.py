"""The page of a cohort: one row a patient, distributions, and the reasons of every failure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
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
"""Models of the table of patients and of the plots, BiLO beside its references."""

WEIGHT = {"green": 0, "amber": 1, "red": 2}
MARKS = {"green": "●", "amber": "▲", "red": "■"}
FEWEST = 2
"""Patients of which a distribution is drawn."""


@dataclass(frozen=True)
class Cell:
    """What a cell shows and what its column is sorted by; None: unknown, comes last."""

    text: str
    key: float | None


def patient_row(member: Member) -> dict[str, Any]:
    """One row of the table of patients that are done."""
    result, metrics = member.result, member.metrics
    assert result is not None
    assert metrics is not None
    colour = result.verdict.colour
    error = result.relative_error_u.final
    growth = [
        Cell(with_spread(estimate), estimate.value) for estimate in (result.lambda_mm, result.rhoT)
    ]
    scores = [dice_of(metrics, model, region) for region in REGIONS for model in SHOWN_MODELS]
    return {
        "patient": member.patient,
        "colour": colour,
        "mark": MARKS[colour],
        "weight": WEIGHT[colour],
        "reasons": member.reasons,
        "cells": [
            *growth,
            Cell(percent(error), error),
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
            for model, name in SHOWN_MODELS.items()
        }
        for region in REGIONS
    }
    found = [m.result for m in done if m.result is not None]
    columns = {
        "λ = √(D/ρ), mm": [p.lambda_mm.value for p in found],
        "ρT": [p.rhoT.value for p in found],
        "D·T, mm²": [p.DT_mm2.value for p in found],
        "error of the network, %": [_percent(p.relative_error_u.final) for p in found],
    }
    with look():
        return {"overlaps": svg(overlaps(scores)), "parameters": svg(parameter_strips(columns))}


def _percent(fraction: float | None) -> float | None:
    return None if fraction is None else 100 * fraction


def summary(members: Sequence[Member]) -> list[str]:
    """Sentences over all patients that are done."""
    done = [m for m in members if m.result is not None and m.metrics is not None]
    if not done:
        return ["No patient has results yet."]
    errors = [m.result.relative_error_u.final for m in done if m.result is not None]
    known = [error for error in errors if error is not None]
    lines = []
    if known:
        lines.append(
            f"Network against finite volumes at the inferred parameters: relative L2 error "
            f"{percent(float(np.median(known)))} at the median patient, {percent(max(known))} at "
            f"the worst."
        )
    for region, name in (("WT", "whole tumour"), ("TC", "core")):
        pairs = [
            (dice_of(m.metrics, "bilo_fdm", region), dice_of(m.metrics, "disc", region))
            for m in done
            if m.metrics is not None
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
    done = [patient_row(member) for member in members if member.status == "done"]
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
            shown=list(SHOWN_MODELS.values()),
            figures={name: encoded(text) for name, text in distributions(members).items()},
            sorting=script("sort.js"),
            medians=[
                (MODEL_NAMES[model][0], num(medians[model]["WT"], 3), num(medians[model]["TC"], 3))
                for model in MODEL_NAMES
                if model in medians
            ],
        )
    )
