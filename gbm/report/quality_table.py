"""The quality numbers with the gates they were judged by."""

from __future__ import annotations

from gbm.report.formatting import MISSING
from gbm.results.patient_result import PatientResult
from gbm.results.verdict import Judgement

PASSED = {"green": "✓ passed", "amber": "✗ failed", "red": "✗ failed, do not rely on this fit"}

NAMES = {
    "brain_dice": "DICE of the brain masks, atlas and patient",
    "correlation": "correlation of the T1 intensities, atlas and patient",
    "wm_gm_contrast": "contrast of white and grey matter, |difference| / pooled sd",
    "brain_volume_ml": "brain volume, ml",
    "wm_fraction": "white matter / (white + grey matter)",
    "csf_fraction": "cerebrospinal fluid / brain",
    "wt_outside_tissue_fraction": "part of the whole tumour outside the tissue, before filling",
    "wt_brain_fraction": "whole tumour / brain",
    "wt_slice_fraction": "whole tumour / brain, on the slice",
    "slice_thickness_mm": "greatest voxel size of the segmentation, mm",
    "wt_area_mm2": "area of the whole tumour on the slice, mm²",
    "tc_area_mm2": "area of the tumour core on the slice, mm²",
    "wt_volume_ml": "volume of the whole tumour, ml",
    "tc_volume_ml": "volume of the tumour core, ml",
    "tc_fraction": "core / whole tumour on the slice",
    "enhancing_fraction": "enhancing volume / whole tumour volume",
    "second_focus": "second focus / the largest, on the slice",
    "second_focus_volume": "second focus / the largest, in the volume",
    "wt_at_border_fraction": "part of the whole tumour at the border of the field of view",
    "network_disagreement": "network against finite volumes, relative L2",
    "objective_rise": "objective of the fit minus that of the characteristic start",
    "objective_gap": "objective of the fit minus that of the direct fit",
    "lambda_mm": "inferred lambda, mm",
    "outside_interval": "of lambda and rho T, how many lie outside their own intervals",
    "density_at_border": "greatest density where the fitted volume ends",
    "outline_rms_mm": "root mean square distance of the model from an outline, mm",
    "rhoT": "inferred rho T",
    "threshold_WT": "inferred threshold of the whole tumour",
    "threshold_TC": "inferred threshold of the core",
    "threshold_gap": "threshold of the core minus that of the whole tumour",
    "radius_WT_mm": "radius of a disc of equal area, whole tumour, mm",
    "radius_TC_mm": "radius of a disc of equal area, core, mm",
    "tissue_area_mm2": "area of the tissue on the slice, mm²",
    "tissue_volume_ml": "volume of the tissue around the tumour, ml",
    "wm_volume_ml": "white matter, ml",
    "gm_volume_ml": "grey matter, ml",
    "csf_volume_ml": "cerebrospinal fluid, ml",
    "registration_seconds": "time of the registration, s",
}

IN_A_VOLUME = {
    "tc_fraction": "core / whole tumour",
    "second_focus_volume": "second focus / the largest",
    "radius_WT_mm": "radius of a ball of equal volume, whole tumour, mm",
    "radius_TC_mm": "radius of a ball of equal volume, core, mm",
}
"""What is called otherwise where the whole tumour is fitted."""


def quality_rows(result: PatientResult) -> list[dict[str, str]]:
    """Rows (name, value, gate, advice) of every quality number, gated ones first, failed ones top.

    Parameters
    ----------
    result : PatientResult
        `desc-growth_params.json`.
    """
    judged = {gate.number: gate for gate in result.verdict.gates}
    sizes = result.domain.model_dump(exclude={"plane", "slice"})
    numbers: dict[str, float | None] = {**sizes, **result.quality.numbers}
    names = NAMES if result.dimensions == 2 else {**NAMES, **IN_A_VOLUME}
    order = list(names)
    rows = []
    for key in sorted(
        numbers,
        key=lambda k: (_weight(judged.get(k)), order.index(k) if k in order else 99, k),
    ):
        gate = judged.get(key)
        rows.append(
            {
                "name": names.get(key, key.replace("_", " ")),
                "value": _shown(numbers[key]),
                "gate": "" if gate is None else f"{gate.limit}: {PASSED[gate.colour]}",
                "advice": "" if gate is None else gate.advice,
            }
        )
    return rows


def _weight(gate: Judgement | None) -> int:
    return 3 if gate is None else {"red": 0, "amber": 1, "green": 2}[gate.colour]


def _shown(number: float | None) -> str:
    if number is None:
        return MISSING
    return f"{number:.0f}" if abs(number) >= 1000 else f"{number:.4g}"
