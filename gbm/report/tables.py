"""Rows of the page's tables, made from the parameters and metrics files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gbm.report.numbers import MISSING, num, pair, percent, spread
from gbm.report.words import MARGIN, Metrics, dice, value

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


def read_metrics(path: Path) -> Metrics:
    """Read `desc-growth_metrics.tsv` as model -> region -> metric -> value."""
    found: dict[str, dict[str, dict[str, float | None]]] = {}
    for line in path.read_text(encoding="utf-8").splitlines()[1:]:
        model, region, metric, text = line.split("\t")
        number = None if text == "n/a" else float(text)
        found.setdefault(model, {}).setdefault(region, {})[metric] = number
    return found


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
    rows.append(
        {
            "name": "origin x0",
            "what": "x, y, z in the patient's space",
            "unit": "mm (RAS)",
            "value": point(params["x0_mm"]),
            "sd": "± " + point(origin_sd) if origin_sd else MISSING,
            "direct": point(direct.get("x0_mm")),
            "start": MISSING,
            "truth": point((truth or {}).get("x0_mm")),
        }
    )
    return rows


def fit_rows(params: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One row a fit, the headline first."""
    fits = sorted(params["fits"], key=lambda fit: fit["name"] != params["headline"])
    return [
        {
            "name": title(fit),
            "what": "headline" if fit["name"] == params["headline"] else fit["name"],
            "headline": fit["name"] == params["headline"],
            "cells": [
                num(fit["lambda_mm"], 2),
                num(fit["rhoT"], 2),
                num(fit["DT_mm2"], 0),
                num(fit["thresholds"]["WT"], 3),
                num(fit["thresholds"]["TC"], 3),
                percent(fit["relative_error_u"]["final"]),
                percent(fit["relative_error_u"]["all_t"]),
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


def title(fit: Mapping[str, Any]) -> str:
    """A fit in words: method, representation, origin or weight, seed."""
    method = "BiLO" if fit["method"] == "bilo" else f"PINN, weight {fit['weight']:g}"
    parts = [method, f"{fit['lift']} lift", f"origin {fit['x0']}"]
    if fit["relifted"]:
        parts.append("re-lifted")
    if fit["seed"]:
        parts.append(f"seed {fit['seed']}")
    return ", ".join(parts)


def point(coordinates: Sequence[float] | None) -> str:
    """Coordinates in mm."""
    if not coordinates:
        return MISSING
    return ", ".join(num(value(c), 1) for c in coordinates)


def flat_range(curve: Mapping[str, Any] | None, margin: float = 2e-3) -> tuple[float, float] | None:
    """Ends of the range of lambda whose objective stays within `margin` of the lowest."""
    if not curve:
        return None
    pairs = [
        (lam, j) for lam, j in zip(curve["lambda_mm"], curve["objective"], strict=True)
        if j is not None
    ]  # fmt: skip
    if not pairs:
        return None
    lowest = min(j for _, j in pairs)
    near = [lam for lam, j in pairs if j <= lowest + margin]
    return min(near), max(near)
