"""Rows of the page's tables, made from the parameters and metrics files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gbm.report.findings import MARGIN, dice
from gbm.report.formatting import MISSING, num, pair, percent, spread
from gbm.results.estimate import value
from gbm.results.metrics_table import Metrics

MODELS = {
    "bilo_fdm": ("BiLO, finite volumes", "equation solved at the inferred parameters"),
    "bilo_network": ("BiLO, network", "the local operator itself"),
    "direct_fdm": ("direct fit", "finite volumes and a classical optimiser"),
    "characteristic_fdm": ("characteristic start", "two radii matched, nothing fitted"),
    "disc": ("disc", "same area, at the centre of the core"),
    "pinn_network": ("PINN, network", "weight with the best network DICE"),
    "pinn_fdm": ("PINN, finite volumes", "equation solved at its parameters"),
}
"""Rows of the score table: name and explanation, the verified solution first."""


def score_rows(metrics: Metrics) -> list[dict[str, Any]]:
    """One row a model; references with a higher DICE than BiLO's verified solution are marked."""
    rows = []
    for model, (name, what) in MODELS.items():
        if model not in metrics:
            continue
        cells = []
        for region in ("WT", "TC"):
            ours, theirs = dice(metrics, "bilo_fdm", region), dice(metrics, model, region)
            higher = ours is not None and theirs is not None and theirs > ours + MARGIN
            mark = " ▲" if higher and not model.startswith("bilo") else ""
            cells.append(num(theirs, 3) + mark)
        for metric, digits in (("hd95_mm", 1), ("area_mm2", 0)):
            cells += [
                num(metrics[model].get(region, {}).get(metric), digits) for region in ("WT", "TC")
            ]
        rows.append({"model": model, "name": name, "what": what, "cells": cells})
    return rows


def parameter_rows(
    params: Mapping[str, Any], truth: Mapping[str, Any] | None
) -> list[dict[str, str]]:
    """Parameters with units, local spread, the direct fit and the start beside them."""
    direct = params["baselines"].get("direct_fdm", {})
    start = params["characteristic"]
    prior = params["settings"]["objective"]["thresholds"]
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
            "value": num(params[key], digits),
            "sd": spread(params[key], digits),
            "direct": num(direct.get(key), digits),
            "start": num(start.get(key), digits),
            "truth": num((truth or {}).get(key), digits),
        }
        for name, what, key, unit, digits in lines
    ]
    for region, image in (("WT", "oedema becomes visible"), ("TC", "core becomes visible")):
        entry = params["thresholds"][region]
        rows.append(
            {
                "name": f"u {region}",
                "what": f"density at which the {image}",
                "unit": "1",
                "value": num(entry, 3),
                "sd": spread(entry, 3),
                "direct": num((direct.get("thresholds") or {}).get(region), 3),
                "start": f"{prior[region]:.2f} (prior)",
                "truth": num(((truth or {}).get("thresholds") or {}).get(region), 3),
            }
        )
    origin_sd = params.get("x0_plane_sd_mm")
    # An origin known no better than the size of the tumour is not known.
    wide = origin_sd and max(origin_sd) > params["domain"].get("radius_WT_mm", np.inf)
    rows.append(
        {
            "name": "origin x0",
            "what": "x, y, z in the patient's space",
            "unit": "mm (RAS)",
            "value": point(params["x0_mm"]),
            "sd": ("undetermined" if wide else "± " + point(origin_sd)) if origin_sd else MISSING,
            "direct": point(direct.get("x0_mm")),
            "start": MISSING,
            "truth": point((truth or {}).get("x0_mm")),
        }
    )
    return rows


def fit_rows(params: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One row a fit: the headline, the other networks, and the direct fits."""
    fits = sorted(params["fits"], key=lambda fit: fit["name"] != params["headline"])
    rows = [
        {
            "name": title(fit),
            "what": "headline" if fit["name"] == params["headline"] else fit["name"],
            "headline": fit["name"] == params["headline"],
            "cells": [
                *growth_cells(fit),
                percent(fit["relative_error_u"]["final"]),
                percent(fit["relative_error_u"]["all_t"]),
                percent(fit["relative_error_u"].get("final_with_interface")),
                pair(fit["objective"]["network"], fit["objective"]["fdm"], 4),
                pair(*(fit["dice"][kind].get("WT") for kind in ("network", "fdm"))),
                pair(*(fit["dice"][kind].get("TC") for kind in ("network", "fdm"))),
                num(fit["seconds"], 0),
            ],
            "status": fit["status"],
            "converged": fit["converged"],
            "warnings": fit["warnings"],
        }
        for fit in fits
    ]
    for key, origin in (("direct_fdm", "inferred"), ("direct_fixed_fdm", "fixed")):
        fit = params["baselines"].get(key, {})
        if "lambda_mm" in fit:
            rows.append(direct_row(fit, origin))
    return rows


def growth_cells(fit: Mapping[str, Any]) -> list[str]:
    """Growth parameters and thresholds of one fit."""
    thresholds = [num(fit["thresholds"][region], 3) for region in ("WT", "TC")]
    return [num(fit["lambda_mm"], 2), num(fit["rhoT"], 2), num(fit["DT_mm2"], 0), *thresholds]


def direct_row(fit: Mapping[str, Any], origin: str) -> dict[str, Any]:
    """Row of a classical fit, which has a solver and no network."""
    converged = fit.get("converged", True)
    return {
        "name": f"direct fit, origin {origin}",
        "what": "finite volumes and a classical optimiser",
        "headline": False,
        "cells": [
            *growth_cells(fit),
            MISSING,
            MISSING,
            MISSING,
            pair(None, fit["objective"], 4),
            pair(None, fit["metrics"]["WT"]["dice"]),
            pair(None, fit["metrics"]["TC"]["dice"]),
            num(fit.get("seconds"), 0),
        ],
        "status": "converged" if converged else "not converged",
        "converged": converged,
        "warnings": fit.get("warnings", []),
    }


def title(fit: Mapping[str, Any]) -> str:
    """A fit in words: method, representation, origin or weight, seed."""
    method = "BiLO" if fit["method"] == "bilo" else f"PINN, weight {fit['weight']:g}"
    parts = [method, f"{fit['lift']} lift", f"origin {fit['x0']}"]
    if fit["seed"]:
        parts.append(f"seed {fit['seed']}")
    return ", ".join(parts)


def point(coordinates: Sequence[float] | None) -> str:
    """Coordinates in mm."""
    if not coordinates:
        return MISSING
    return ", ".join(num(value(c), 1) for c in coordinates)


def other_minima(params: Mapping[str, Any], margin: float = 2e-3) -> list[Mapping[str, Any]]:
    """Minima of the direct search, other than the best, that are as good within `margin`."""
    first, *others = params["baselines"].get("direct_fdm", {}).get("minima") or [None]
    if first is None:
        return []
    return [m for m in others if m["objective"] <= first["objective"] + margin]
