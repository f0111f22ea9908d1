"""The page of a cohort: one row a patient, distributions, and the reasons of every failure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np

from gbm.config.conventions import REGIONS
from gbm.plan.table import PLANS, RESEARCH
from gbm.report.cohort_plans import BESIDE, covering, plan_rows, plan_sentences
from gbm.report.figures.cohort import overlaps, parameter_strips
from gbm.report.figures.style import encoded, look, svg
from gbm.report.findings import EQUAL_DICE
from gbm.report.formatting import num, percent, with_interval
from gbm.report.tables import MODEL_NAMES
from gbm.report.templating import environment, script
from gbm.report.words import WORDS
from gbm.results.cohort import Member, by_dimension, medians
from gbm.results.metrics_table import dice_of

TITLES = {
    2: "One slice of the tumour (dimensions: 2)",
    3: "The whole tumour (dimensions: 3)",
}
"""Of a group of patients; numbers of a slice and of a whole tumour do not compare."""

SHOWN_MODELS = {
    dimensions: {
        "bilo_fdm": "BiLO",
        "characteristic_fdm": "start",
        "direct_fdm": "direct fit",
        "disc": words.disc,
    }
    for dimensions, words in WORDS.items()
}
"""Models of the tables of patients and of the plots by dimension: fits beside their references."""

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


def shown_models(members: Sequence[Member], dimensions: int = 2) -> dict[str, str]:
    """Those of `SHOWN_MODELS` that some patient has: none of BiLO where all are direct fits."""
    known = {model for member in members for model in member.metrics or {}}
    return {model: name for model, name in SHOWN_MODELS[dimensions].items() if model in known}


def patient_row(member: Member, models: Iterable[str] = (*SHOWN_MODELS[2],)) -> dict[str, Any]:
    """One row of the table of patients that are done."""
    result, metrics = member.result, member.metrics
    assert result is not None
    assert metrics is not None
    models, colour = [*models], result.verdict.colour
    growth = [
        Cell(with_interval(estimate), estimate.value)
        for estimate in (result.lambda_mm, result.rhoT)
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


def distributions(done: Sequence[Member], dimensions: int = 2) -> dict[str, str]:
    """Plots over patients of one dimension that are done, SVG by name; none for less than two."""
    if len(done) < FEWEST:
        return {}
    scores = {
        region: {
            name: [dice_of(m.metrics or {}, model, region) for m in done]
            for model, name in shown_models(done, dimensions).items()
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


def summary(done: Sequence[Member], dimensions: int = 2) -> list[str]:
    """Sentences over all patients of one dimension that are done."""
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
    plain = WORDS[dimensions].plain_disc.capitalize()
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
                f"{plain} scores higher than the fitted growth model on "
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


def group(done: Sequence[Member], dimensions: int) -> dict[str, Any]:
    """Table, sentences, plots and medians of the patients of one dimension."""
    shown, scores = shown_models(done, dimensions), medians(done)
    return {
        "dimensions": dimensions,
        "title": TITLES[dimensions],
        "rows": [patient_row(member, shown) for member in done],
        "summary": summary(done, dimensions),
        "shown": list(shown.values()),
        "disc": WORDS[dimensions].disc,
        "networks": NETWORK in shown,
        "sure": any(m.result is not None and m.result.lambda_mm.median is not None for m in done),
        "figures": {name: encoded(text) for name, text in distributions(done, dimensions).items()},
        "medians": [
            (name, num(scores[model]["WT"], 3), num(scores[model]["TC"], 3))
            for model, (name, _) in MODEL_NAMES[dimensions].items()
            if model in scores
        ],
    }


def render_cohort(members: Sequence[Member], notice: str | None = None) -> str:
    """The page as text; a notice stands at its top."""
    covered = covering(members)
    groups = [group(done, dimensions) for dimensions, done in by_dimension(members).items()]
    return (
        environment()
        .get_template("cohort.html.j2")
        .render(
            created=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
            counts=counts(members),
            notice=notice,
            groups=groups,
            titled=[found["dimensions"] for found in groups] not in ([], [2]),
            remarked=[row for found in groups for row in found["rows"] if row["reasons"]],
            failed=[member for member in members if member.status == "failed"],
            unfinished=alike([member for member in members if member.status == "unfinished"]),
            plans=PLANS,
            beside=BESIDE,
            research=RESEARCH,
            plan_rows=plan_rows(covered),
            plan_sentences=plan_sentences(covered),
            sorting=script("sort.js"),
        )
    )
