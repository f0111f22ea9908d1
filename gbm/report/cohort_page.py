"""The page of a cohort: one row a patient, distributions, and the reasons of every failure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from gbm.config.conventions import REGIONS
from gbm.report.figures.cohort import overlaps, parameters
from gbm.report.figures.style import encoded, look, svg
from gbm.report.findings import MARGIN, dice
from gbm.report.formatting import num, percent, spread
from gbm.report.tables import MODELS
from gbm.report.templating import environment, script
from gbm.results.estimate import sd, value

if TYPE_CHECKING:
    from gbm.results.cohort import Member

SHOWN = {
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
    params, metrics = member.params, member.metrics
    assert params is not None
    assert metrics is not None
    colour = params["verdict"]["colour"]
    error = params["relative_error_u"]["final"]
    growth = [Cell(_with_spread(params[key]), value(params[key])) for key in ("lambda_mm", "rhoT")]
    scores = [dice(metrics, model, region) for region in REGIONS for model in SHOWN]
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
            Cell(num(params["seconds"], 0), params["seconds"]),
        ],
    }


def distributions(members: Sequence[Member]) -> dict[str, str]:
    """Plots over the patients that are done, SVG by name; none for fewer than `FEWEST`."""
    done = [m for m in members if m.params is not None and m.metrics is not None]
    if len(done) < FEWEST:
        return {}
    scores = {
        region: {
            name: [dice(m.metrics or {}, model, region) for m in done]
            for model, name in SHOWN.items()
        }
        for region in REGIONS
    }
    found = [m.params or {} for m in done]
    columns = {
        "λ = √(D/ρ), mm": [value(p["lambda_mm"]) for p in found],
        "ρT": [value(p["rhoT"]) for p in found],
        "D·T, mm²": [value(p["DT_mm2"]) for p in found],
        "error of the network, %": [_percent(p["relative_error_u"]["final"]) for p in found],
    }
    with look():
        return {"overlaps": svg(overlaps(scores)), "parameters": svg(parameters(columns))}


def _with_spread(entry: Any) -> str:
    return num(entry) if sd(entry) is None else f"{num(entry)} {spread(entry)}"


def _percent(fraction: float | None) -> float | None:
    return None if fraction is None else 100 * fraction


def summary(members: Sequence[Member]) -> list[str]:
    """Sentences over all patients that are done."""
    done = [m for m in members if m.params is not None and m.metrics is not None]
    if not done:
        return ["No patient has results yet."]
    errors = [m.params["relative_error_u"]["final"] for m in done if m.params is not None]
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
            (dice(m.metrics, "bilo_fdm", region), dice(m.metrics, "disc", region))
            for m in done
            if m.metrics is not None
        ]
        both = [(a, b) for a, b in pairs if a is not None and b is not None]
        beaten = sum(b > a + MARGIN for a, b in both)
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


def render(
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
            shown=list(SHOWN.values()),
            figures={name: encoded(text) for name, text in distributions(members).items()},
            sorting=script("sort.js"),
            medians=[
                (MODELS[model][0], num(medians[model]["WT"], 3), num(medians[model]["TC"], 3))
                for model in MODELS
                if model in medians
            ],
        )
    )
