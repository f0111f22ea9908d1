"""The quality numbers with the gates they were judged by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gbm.report.numbers import MISSING

NAMES = {
    "brain_dice": "DICE of the brain masks, atlas and patient",
    "correlation": "correlation of the T1 intensities, atlas and patient",
    "wm_gm_contrast": "contrast of white and grey matter, |difference| / pooled sd",
    "brain_volume_ml": "brain volume, ml",
    "wt_outside_tissue_fraction": "part of the whole tumour outside the tissue, before filling",
    "wt_area_mm2": "area of the whole tumour on the slice, mm²",
    "tc_area_mm2": "area of the tumour core on the slice, mm²",
    "tc_fraction": "core / whole tumour on the slice",
    "enhancing_fraction": "enhancing volume / whole tumour volume",
    "radius_WT_mm": "radius of a disc of equal area, whole tumour, mm",
    "radius_TC_mm": "radius of a disc of equal area, core, mm",
    "tissue_area_mm2": "area of the tissue on the slice, mm²",
    "wm_volume_ml": "white matter, ml",
    "gm_volume_ml": "grey matter, ml",
    "csf_volume_ml": "cerebrospinal fluid, ml",
    "registration_seconds": "time of the registration, s",
}
GATES = {
    "brain_dice": "brain_dice_min",
    "correlation": "correlation_min",
    "wm_gm_contrast": "wm_gm_contrast_min",
    "brain_volume_ml": "brain_volume_ml",
    "wt_outside_tissue_fraction": "wt_outside_tissue_max",
    "wt_area_mm2": "wt_area_mm2_min",
    "tc_area_mm2": "tc_area_mm2_min",
    "tc_fraction": "tc_fraction_min",
    "enhancing_fraction": "enhancing_fraction_min",
}


def quality_rows(params: Mapping[str, Any]) -> list[dict[str, str]]:
    """Rows (name, value, gate) of every quality number, gated ones first."""
    numbers = {**params["domain"], **params["quality"].get("numbers", {})}
    numbers = {k: v for k, v in numbers.items() if not isinstance(v, str) and k != "slice"}
    gates = params["settings"]["gates"]
    rows = []
    for key in sorted(
        numbers, key=lambda k: (k not in GATES, list(NAMES).index(k) if k in NAMES else 99, k)
    ):
        limit = gates.get(GATES.get(key, ""))
        rows.append(
            {
                "name": NAMES.get(key, key.replace("_", " ")),
                "value": _shown(numbers[key]),
                "gate": _gate(GATES.get(key, ""), limit, numbers[key]),
            }
        )
    return rows


def _shown(number: Any) -> str:
    if number is None:
        return MISSING
    if isinstance(number, bool):
        return "yes" if number else "no"
    if not isinstance(number, (int, float)):
        return str(number)
    return f"{number:.0f}" if abs(number) >= 1000 else f"{number:.4g}"


def _gate(name: str, limit: Any, number: Any) -> str:
    """The gate in words, with whether it passed."""
    if limit is None or not isinstance(number, (int, float)):
        return ""
    if isinstance(limit, (list, tuple)):
        text, passed = f"{limit[0]:g} to {limit[1]:g}", limit[0] <= number <= limit[1]
    elif name.endswith("_max"):
        text, passed = f"at most {limit:g}", number <= limit
    else:
        text, passed = f"at least {limit:g}", number >= limit
    return f"{text}: {'✓ passed' if passed else '✗ failed'}"
