"""The numbers that gates judge: quality of registration, tissue, segmentation and fit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from gbm.config.conventions import REGIONS
from gbm.config.patient import LabelMap
from gbm.imaging.labels import TumourRegions
from gbm.imaging.overlap import SIZE_NAMES
from gbm.imaging.tumour_shape import at_border, enhancing_fraction, second_focus
from gbm.results.fit_entry import HeadlineObjectives

Numbers = dict[str, float | None]
"""None where a number does not exist for a patient."""


def gather(
    domain: Mapping[str, float],
    regions: TumourRegions,
    convention: LabelMap | None,
    tissue: Mapping[str, Any],
    registration: Mapping[str, Any] | None,
) -> Numbers:
    """Collect the numbers of a patient's images, tissue and segmentation.

    Parameters
    ----------
    domain : mapping
        `Domain.numbers`; sizes are those of the fitted slice, or of the whole tumour.
    regions, convention
        The enhancing part of the tumour, where the convention knows one, and its foci.
    tissue : mapping
        `Tissue.qc`.
    registration : mapping or None
        `registration.json`; None where the patient brings tissue maps.
    """
    found: Numbers = dict(domain)
    name = next(name for name in SIZE_NAMES.values() if f"wt_{name}" in domain)
    core, whole = domain[f"tc_{name}"], domain[f"wt_{name}"]
    found["tc_fraction"] = core / whole if core > 0 else None
    found["enhancing_fraction"] = enhancing_fraction(regions, convention)
    found["second_focus_volume"] = max(second_focus(regions.WT.data), second_focus(regions.TC.data))
    found["wt_at_border_fraction"] = at_border(regions.WT.data)
    found["wm_gm_contrast"] = tissue.get("wm_gm_contrast")
    found["brain_volume_ml"] = tissue.get("brain_volume_ml")
    volumes: Mapping[str, float] = tissue["volume_ml"]
    for name, volume in volumes.items():
        found[f"{name}_volume_ml"] = volume
    # Of a slab or of maps that the patient brings nobody knows which part of the brain they show.
    if found["brain_volume_ml"] is not None:
        solid = volumes["wm"] + volumes["gm"]
        found["wm_fraction"] = volumes["wm"] / solid
        found["csf_fraction"] = volumes["csf"] / (solid + volumes["csf"])
    if registration is not None:
        found["brain_dice"] = registration["brain_dice"]
        found["correlation"] = registration["correlation"]
        found["registration_seconds"] = registration["seconds"]
    return found


def of_growth(
    growth: Mapping[str, float],
    thresholds: Mapping[str, float | None],
    core: bool,
) -> Numbers:
    """Collect the parameters that the headline found.

    Parameters
    ----------
    growth : mapping
        `lambda_mm` and `rhoT`.
    thresholds : mapping
        Of WT and TC.
    core : bool
        Whether there is a core: the threshold of an empty one means nothing.
    """
    whole_at, core_at = (thresholds.get(region) for region in REGIONS)
    return {
        "lambda_mm": growth["lambda_mm"],
        "rhoT": growth["rhoT"],
        "threshold_WT": whole_at,
        "threshold_TC": core_at if core else None,
        "threshold_gap": difference(core_at, whole_at) if core else None,
    }


def of_network(error: float | None, objective: HeadlineObjectives) -> Numbers:
    """Collect what judges a network beside the solver, the start and the direct fit.

    Parameters
    ----------
    error : float or None
        Its relative L2 distance from the solver.
    objective : HeadlineObjectives
        Its own and its references'.
    """
    return {
        # JSON has no word for a disagreement that could not be measured
        "network_disagreement": np.inf if error is None else error,
        "objective_rise": difference(objective.fdm, objective.characteristic),
        "objective_gap": difference(objective.fdm, objective.direct_fit),
    }


def difference(a: float | None, b: float | None) -> float:
    """a - b; infinite, which no gate lets pass, where one of them is no number."""
    return np.inf if a is None or b is None else a - b
