"""The page of the comparison: every fit of every patient beside the headline, and medians."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np

from gbm.config.conventions import REGIONS
from gbm.report.cohort_page import TITLES
from gbm.report.comparison_findings import Compared, findings, summary
from gbm.report.formatting import MISSING, num, percent
from gbm.report.tables import MODEL_NAMES, direct_row, fit_rows, network_row, title
from gbm.report.templating import environment
from gbm.results.fit_entry import FitEntry
from gbm.results.metrics_table import dice_of
from gbm.results.references import DirectReference


def patient_rows(patient: Compared) -> list[dict[str, Any]]:
    """All fits of a patient, those of its main job first, and the references that nobody fitted."""
    comparison = patient.comparison
    networks = [network_row(fit) for fit in comparison.fits]
    fixed = direct_row(comparison.direct_fixed_fdm, "fixed")
    return [*fit_rows(patient.result), *networks, fixed, *reference_rows(patient)]


def reference_rows(patient: Compared) -> list[dict[str, Any]]:
    """The start and the disc: nothing but their overlap."""
    rows = []
    for model in ("characteristic_fdm", "disc"):
        name, what = MODEL_NAMES[patient.result.dimensions][model]
        scores = [
            f"{MISSING} / {num(dice_of(patient.metrics, model, region), 3)}" for region in REGIONS
        ]
        rows.append(
            {
                "name": name, "what": what, "headline": False, "status": "", "converged": True,
                "warnings": (), "cells": [*[MISSING] * 9, *scores, MISSING],
            }
        )  # fmt: skip
    return rows


def numbers_of_network(fit: FitEntry) -> dict[str, float | None]:
    """What is compared of a network: scores, error, objective and time."""
    return {
        **{f"network_{region}": fit.dice.network[region] for region in REGIONS},
        **{f"fdm_{region}": fit.dice.fdm[region] for region in REGIONS},
        "error": fit.relative_error_u.final,
        "objective": fit.objective.fdm,
        "seconds": fit.seconds,
    }


def numbers_of_direct(fit: DirectReference) -> dict[str, float | None]:
    """The same of a direct fit, which has no network."""
    scores = {f"fdm_{region}": fit.metrics[region].dice for region in REGIONS}
    return {**scores, "objective": fit.objective, "seconds": fit.seconds}


def numbers(patient: Compared) -> dict[str, Mapping[str, float | None]]:
    """What is compared, by the name of the fit without its seed."""
    references, comparison = patient.result.baselines, patient.comparison
    headline = [fit for fit in patient.result.fits if fit.name == patient.result.headline]
    return {
        **{title(fit): numbers_of_network(fit) for fit in headline},
        "direct fit, origin inferred": numbers_of_direct(references.direct_fdm),
        **{title(fit): numbers_of_network(fit) for fit in comparison.fits},
        "direct fit, origin fixed": numbers_of_direct(comparison.direct_fixed_fdm),
        **{
            MODEL_NAMES[patient.result.dimensions][model][0]: {
                f"fdm_{region}": dice_of(patient.metrics, model, region) for region in REGIONS
            }
            for model in ("characteristic_fdm", "disc")
        },
    }


def median_rows(patients: Sequence[Compared]) -> list[dict[str, Any]]:
    """Medians of each kind of fit over the patients that have it, all of one dimension."""
    measured: dict[str, list[Mapping[str, float | None]]] = {}
    for patient in patients:
        for name, found in numbers(patient).items():
            measured.setdefault(name, []).append(found)
    scores = [f"{kind}_{region}" for region in REGIONS for kind in ("network", "fdm")]
    return [
        {
            "name": name,
            "cells": [
                str(len(several)),
                *(num(median(several, key), 3) for key in scores),
                percent(median(several, "error")),
                num(median(several, "objective"), 4),
                num(median(several, "seconds"), 0),
            ],
        }
        for name, several in measured.items()
    ]


def median(measured: Sequence[Mapping[str, float | None]], key: str) -> float | None:
    """Median over those that have the number."""
    known = [value for one in measured if (value := one.get(key)) is not None]
    return float(np.median(known)) if known else None


def render_comparison(patients: Sequence[Compared], missing: Mapping[str, str]) -> str:
    """The page as text; `missing` says of the other patients of the command what they lack.

    Medians and counts are those of the patients of one dimension.
    """
    groups: dict[int, list[Compared]] = {}
    for patient in patients:
        groups.setdefault(patient.result.dimensions, []).append(patient)
    return (
        environment()
        .get_template("comparison.html.j2")
        .render(
            created=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
            patients=[
                {"name": p.result.patient, "rows": patient_rows(p), "findings": findings(p)}
                for p in patients
            ],
            total=len(patients) + len(missing),
            missing=missing,
            groups=[
                {
                    "title": TITLES[dimensions],
                    "medians": median_rows(several),
                    "summary": summary(several),
                }
                for dimensions, several in sorted(groups.items())
            ],
        )
    )
