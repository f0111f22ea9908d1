"""The page of a cohort: one row a patient, medians, and the reasons of every failure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from gbm.report.numbers import num, percent, spread
from gbm.report.tables import MODELS
from gbm.report.templating import environment
from gbm.report.words import MARGIN, dice

if TYPE_CHECKING:
    from gbm.cohort import Member

SHOWN = {"bilo_fdm": "BiLO", "direct_fdm": "direct fit", "disc": "disc", "pinn_fdm": "PINN"}
"""Models of the table of patients, by DICE of whole tumour and core."""


def patient_row(member: Member) -> dict[str, Any]:
    """One row of the table of patients that are done."""
    params, metrics = member.params, member.metrics
    assert params is not None
    assert metrics is not None
    return {
        "patient": member.patient,
        "colour": params["verdict"]["colour"],
        "reasons": member.reasons,
        "status": params["status"],
        "converged": params["converged"],
        "cells": [
            f"{num(params['lambda_mm'])} {spread(params['lambda_mm'])}".replace(" –", ""),
            f"{num(params['rhoT'])} {spread(params['rhoT'])}".replace(" –", ""),
            percent(params["relative_error_u"]["final"]),
            *(
                f"{num(dice(metrics, model, 'WT'))} / {num(dice(metrics, model, 'TC'))}"
                for model in SHOWN
            ),
            num(params["seconds"], 0),
        ],
    }


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


def render(members: Sequence[Member], medians: Mapping[str, Mapping[str, float | None]]) -> str:
    """The page as text."""
    done = [member for member in members if member.status == "done"]
    return (
        environment()
        .get_template("cohort.html.j2")
        .render(
            created=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
            total=len(members),
            done=[patient_row(member) for member in done],
            others=[member for member in members if member.status != "done"],
            summary=summary(members),
            shown=list(SHOWN.values()),
            medians=[
                (MODELS[model][0], num(medians[model]["WT"], 3), num(medians[model]["TC"], 3))
                for model in MODELS
                if model in medians
            ],
        )
    )
