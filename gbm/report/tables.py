"""Rows of the page's tables, made from the parameters and metrics files."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from gbm.config.conventions import REGIONS
from gbm.growth.extent import LEVELS, extent_name, margin_name
from gbm.report.findings import EQUAL_DICE
from gbm.report.formatting import MISSING, interval, num, pair, percent, relation
from gbm.report.words import WORDS
from gbm.results.estimate import Estimate
from gbm.results.fit_entry import FitEntry
from gbm.results.metrics_table import POSTERIOR, Metrics, dice_of
from gbm.results.patient_result import PatientResult
from gbm.results.references import DirectReference, Minimum
from gbm.results.truth import PhantomTruth

MODEL_NAMES = {
    dimensions: {
        "bilo_fdm": ("BiLO, finite volumes", "equation solved at the inferred parameters"),
        "bilo_network": ("BiLO, network", "the local operator itself"),
        "direct_fdm": ("direct fit", "finite volumes and a classical optimiser"),
        "characteristic_fdm": ("characteristic start", "two radii matched, nothing fitted"),
        "disc": (words.disc, f"same {words.size}, at the centre of the core"),
    }
    for dimensions, words in WORDS.items()
}
"""Rows of the score table by dimension: name and explanation, the verified solution first."""


POSTERIOR_NAMES = dict(zip(POSTERIOR, ("posterior, median", "5 %", "95 %"), strict=True))
"""Rows of the posterior in the table of what is infiltrated."""


def score_rows(metrics: Metrics, headline: str, dimensions: int) -> list[dict[str, Any]]:
    """One row a model; references with a higher DICE than the headline's solution are marked."""
    rows, words = [], WORDS[dimensions]
    for model, (name, what) in MODEL_NAMES[dimensions].items():
        if model not in metrics:
            continue
        cells = []
        for region in ("WT", "TC"):
            ours, theirs = dice_of(metrics, headline, region), dice_of(metrics, model, region)
            higher = ours is not None and theirs is not None and theirs > ours + EQUAL_DICE
            mark = " ▲" if higher and model != "bilo_network" else ""
            cells.append(num(theirs, 3) + mark)
        for metric, digits in (("hd95_mm", 1), (words.metric, words.digits)):
            cells += [
                num(metrics[model].get(region, {}).get(metric), digits) for region in ("WT", "TC")
            ]
        rows.append({"head": model == headline, "name": name, "what": what, "cells": cells})
    return rows


def reach_rows(metrics: Metrics, dimensions: int) -> list[dict[str, Any]]:
    """How far the density reaches beyond the segmented whole tumour, one row a model."""
    words, rows = WORDS[dimensions], []
    models = {model: name for model, (name, _) in MODEL_NAMES[dimensions].items()}
    for model, name in (models | POSTERIOR_NAMES).items():
        found = metrics.get(model, {}).get("WT", {})
        names = [
            (name, digits)
            for level in LEVELS
            for name, digits in (
                (extent_name(level, dimensions), words.extent_digits),
                (margin_name(level), 1),
            )
        ]
        if names[0][0] in found:
            cells = [num(found[key], digits) for key, digits in names]
            rows.append({"name": name, "cells": cells})
    return rows


def slice_rows(result: PatientResult) -> list[dict[str, str]]:
    """What one slice alone says beside the whole tumour, with the difference in words."""
    slice_fit = result.slice_fit
    if slice_fit is None:
        return []
    lines = [("λ, mm", "lambda_mm", 2), ("ρT", "rhoT", 2), ("D·T, mm²", "DT_mm2", 1)]
    rows = []
    for name, key, digits in lines:
        whole, alone = getattr(result, key).value, getattr(slice_fit, key)
        rows.append(
            {
                "name": name,
                "whole": num(whole, digits),
                "slice": num(alone, digits),
                "words": f"on the slice {relation(alone, whole)}",
            }
        )
    apart = math.dist(slice_fit.x0_mm, result.x0_mm)
    rows.append(
        {
            "name": "origin x0, mm (RAS)",
            "whole": point(result.x0_mm),
            "slice": point(slice_fit.x0_mm),
            "words": f"{num(apart, 1)} mm apart",
        }
    )
    return rows


def parameter_rows(result: PatientResult, truth: PhantomTruth | None) -> list[dict[str, str]]:
    """Parameters with units, what the posterior says, the direct fit and the start beside them."""
    direct, start = result.baselines.direct_fdm, result.characteristic
    prior = result.settings.objective.thresholds
    lines = [
        ("λ = √(D/ρ)", "width of the invasive front", "lambda_mm", "mm", 2),
        ("ρT", "growth over the unknown time T", "rhoT", "1", 2),
        ("D·T", "diffusivity in white matter times T", "DT_mm2", "mm²", 1),
    ]
    rows = [
        {
            "name": name,
            "what": what,
            "unit": unit,
            "value": num(getattr(result, key).value, digits),
            **sureness(getattr(result, key), digits),
            "direct": num(getattr(direct, key), digits),
            "start": num(getattr(start, key), digits),
            "truth": num(None if truth is None else getattr(truth, key), digits),
        }
        for name, what, key, unit, digits in lines
    ]
    for region, image in (("WT", "oedema becomes visible"), ("TC", "core becomes visible")):
        threshold = result.thresholds[region]
        rows.append(
            {
                "name": f"u {region}",
                "what": f"density at which the {image}",
                "unit": "1",
                "value": num(threshold.value, 3),
                **sureness(threshold, 3),
                "direct": num(direct.thresholds[region], 3),
                "start": f"{getattr(prior, region):.2f} (prior)",
                "truth": num(None if truth is None else truth.thresholds[region], 3),
            }
        )
    rows.append(
        {
            "name": "origin x0",
            "what": "x, y, z in the patient's space",
            "unit": "mm (RAS)",
            "value": point(result.x0_mm),
            "interval": origin_interval(result),
            "median": MISSING,
            "sd": MISSING,
            "direct": point(direct.x0_mm),
            "start": MISSING,
            "truth": MISSING if truth is None else point(truth.x0_mm),
        }
    )
    return rows


def sureness(estimate: Estimate, digits: int) -> dict[str, str]:
    """What the posterior says; standard deviations: of all, of the outlines, between slices."""
    known = (estimate.sd, estimate.sd_posterior, estimate.sd_slices)
    return {
        "interval": interval(estimate, digits),
        "median": num(estimate.median, digits),
        "sd": " / ".join(num(sd, digits) for sd in known),
    }


def origin_interval(result: PatientResult) -> str:
    """The 90 % intervals of the origin's coordinates; none across a slice."""
    known = result.x0_interval90_mm
    if known is None:
        return MISSING
    return "; ".join(f"{a:.1f} to {b:.1f}" if a < b else MISSING for a, b in known)


def fit_rows(result: PatientResult) -> list[dict[str, Any]]:
    """One row a fit of the main job: the headline, further seeds, and the direct fit."""
    fits = sorted(result.fits, key=lambda fit: fit.name != result.headline)
    direct = direct_row(result.baselines.direct_fdm, "inferred", result.method == "direct")
    return [*(network_row(fit, fit.name == result.headline) for fit in fits), direct]


def network_row(fit: FitEntry, headline: bool = False) -> dict[str, Any]:
    """Row of a network beside its verified solution."""
    return {
        "name": title(fit),
        "what": "headline" if headline else fit.name,
        "headline": headline,
        "cells": [
            *growth_cells(
                fit.lambda_mm.value, fit.rhoT.value, fit.DT_mm2.value, fit.thresholds.levels()
            ),
            percent(fit.relative_error_u.final),
            percent(fit.relative_error_u.all_t),
            percent(fit.relative_error_u.final_with_interface),
            pair(fit.objective.network, fit.objective.fdm, 4),
            pair(fit.dice.network.WT, fit.dice.fdm.WT),
            pair(fit.dice.network.TC, fit.dice.fdm.TC),
            num(fit.seconds, 0),
        ],
        "status": fit.status,
        "converged": fit.converged,
        "warnings": fit.warnings,
    }


def growth_cells(
    lambda_mm: float | None,
    rhoT: float | None,
    DT_mm2: float | None,
    thresholds: Mapping[str, float | None],
) -> list[str]:
    """Growth parameters and thresholds of one fit."""
    levels = [num(thresholds[region], 3) for region in REGIONS]
    return [num(lambda_mm, 2), num(rhoT, 2), num(DT_mm2, 0), *levels]


def direct_row(fit: DirectReference, origin: str, headline: bool = False) -> dict[str, Any]:
    """Row of a classical fit, which has a solver and no network."""
    return {
        "name": f"direct fit, origin {origin}",
        "what": "headline" if headline else "finite volumes and a classical optimiser",
        "headline": headline,
        "cells": [
            *growth_cells(fit.lambda_mm, fit.rhoT, fit.DT_mm2, fit.thresholds.model_dump()),
            MISSING,
            MISSING,
            MISSING,
            pair(None, fit.objective, 4),
            pair(None, fit.metrics.WT.dice),
            pair(None, fit.metrics.TC.dice),
            num(fit.seconds, 0),
        ],
        "status": "converged" if fit.converged else "not converged",
        "converged": fit.converged,
        "warnings": fit.warnings,
    }


def title(fit: FitEntry) -> str:
    """A fit in words: method, representation, origin or weight, seed."""
    method = "BiLO" if fit.method == "bilo" else f"PINN, weight {fit.weight:g}"
    parts = [method, f"{fit.lift} lift", f"origin {fit.x0}"]
    if fit.seed:
        parts.append(f"seed {fit.seed}")
    return ", ".join(parts)


def point(coordinates: Sequence[float]) -> str:
    """Coordinates in mm."""
    return ", ".join(num(c, 1) for c in coordinates)


def other_minima(result: PatientResult) -> list[Minimum]:
    """Minima of the direct search, other than the best, that are as good within the margin."""
    first, *others = result.baselines.direct_fdm.minima
    if first.objective is None:
        return []
    best = first.objective + result.settings.objective.scale.margin
    return [m for m in others if m.objective is not None and m.objective <= best]
