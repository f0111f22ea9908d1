"""Quality of images, tissue and segmentation: numbers, gates and the verdict they set.

The gates never suppress an output: they say first what a reader must know.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from gbm.config import LabelMap
from gbm.labels import Regions
from gbm.settings import Gates
from gbm.verdict import worst

Numbers = Mapping[str, float | None]


@dataclass(frozen=True)
class Quality:
    """Numbers and what the gates say about them.

    Attributes
    ----------
    verdict : str
        ``green``, ``amber`` or ``red``.
    reasons : tuple of str
        One sentence for each failed gate, the worst first.
    numbers : dict
        Every quality number that exists for this patient.
    """

    verdict: str
    reasons: tuple[str, ...]
    numbers: dict[str, float]


@dataclass(frozen=True)
class _Gate:
    """A gate: `fails(number, gates)` is a colour or None; `says(number, gates)` the reason."""

    number: str
    fails: Callable[[float, Gates], str | None]
    says: Callable[[float, Gates], str]


def _amber(failed: bool) -> str | None:
    return "amber" if failed else None


WORST_OUTSIDE = 0.5

GATES = (
    _Gate(
        "brain_dice",
        lambda v, g: "red" if v < g.brain_dice_red else _amber(v < g.brain_dice_min),
        lambda v, g: f"The registered atlas does not fit the brain (DICE of the masks {v:.3f}, "
        f"asked {g.brain_dice_min:g}): the tissue maps may be wrong.",
    ),
    _Gate(
        "correlation",
        lambda v, g: _amber(v < g.correlation_min),
        lambda v, g: f"The registered atlas and the image correlate weakly ({v:.2f}, asked "
        f"{g.correlation_min:g}): the tissue maps may be wrong.",
    ),
    _Gate(
        "wm_gm_contrast",
        lambda v, g: _amber(v < g.wm_gm_contrast_min),
        lambda v, g: f"White and grey matter hardly differ in the image (contrast {v:.2f}, asked "
        f"{g.wm_gm_contrast_min:g}): the map of diffusivity follows the atlas alone.",
    ),
    _Gate(
        "brain_volume_ml",
        lambda v, g: _amber(not g.brain_volume_ml[0] <= v <= g.brain_volume_ml[1]),
        lambda v, g: f"The brain volume is {v:.0f} ml (expected {g.brain_volume_ml[0]:.0f} to "
        f"{g.brain_volume_ml[1]:.0f}): is the image skull-stripped and whole?",
    ),
    _Gate(
        "wt_outside_tissue_fraction",
        lambda v, g: (
            "red" if v > max(WORST_OUTSIDE, g.wt_outside_tissue_max)
            else _amber(v > g.wt_outside_tissue_max)
        ),
        lambda v, g: f"{v:.0%} of the segmented tumour lies outside the tissue before filling "
        f"(at most {g.wt_outside_tissue_max:.0%}): tissue and segmentation disagree.",
    ),
    _Gate(
        "wt_area_mm2",
        lambda v, g: _amber(v < g.wt_area_mm2_min),
        lambda v, g: f"The tumour is small on the fitted slice ({v:.0f} mm², asked "
        f"{g.wt_area_mm2_min:.0f}): it hardly determines two parameters.",
    ),
    _Gate(
        "tc_area_mm2",
        lambda v, g: _amber(v < g.tc_area_mm2_min),
        lambda v, g: "The tumour core is empty on the fitted slice: the fit uses the whole tumour "
        "alone, which does not determine both parameters."
        if v == 0
        else f"The tumour core is small on the fitted slice ({v:.0f} mm², asked "
        f"{g.tc_area_mm2_min:.0f}): it hardly determines the second parameter.",
    ),
    _Gate(
        "tc_fraction",
        lambda v, g: _amber(0 < v < g.tc_fraction_min),
        lambda v, g: f"The core is only {v:.0%} of the tumour on the fitted slice (asked "
        f"{g.tc_fraction_min:.0%}): the model's core is a denser part of one front.",
    ),
    _Gate(
        "enhancing_fraction",
        lambda v, g: "red" if v < g.enhancing_fraction_min else None,
        lambda v, g: f"Only {v:.1%} of the tumour enhances (asked {g.enhancing_fraction_min:.0%}): "
        "this looks like a lower-grade glioma, for which the model is not meant.",
    ),
)  # fmt: skip


def assess(numbers: Numbers, gates: Gates) -> Quality:
    """Judge quality numbers.

    Parameters
    ----------
    numbers : mapping
        Name to value; None, or absent, where a number does not exist (no image, no atlas, a
        segmentation whose enhancing label is unknown).
    gates : Gates
        Limits.
    """
    known = {name: float(value) for name, value in numbers.items() if value is not None}
    failed: list[tuple[str, str]] = []
    for gate in GATES:
        value = known.get(gate.number)
        colour = None if value is None else gate.fails(value, gates)
        if value is not None and colour is not None:
            failed.append((colour, gate.says(value, gates)))
    failed.sort(key=lambda entry: entry[0] != "red")
    return Quality(worst(c for c, _ in failed), tuple(text for _, text in failed), known)


def gather(
    domain: Mapping[str, float],
    regions: Regions,
    convention: LabelMap | None,
    tissue: Mapping[str, Any],
    registration: Mapping[str, Any] | None,
) -> dict[str, float | None]:
    """Collect the quality numbers of one patient.

    Parameters
    ----------
    domain : mapping
        `Domain.numbers`; sizes are those of the fitted slice.
    regions, convention
        For the enhancing part of the tumour, where the convention knows one.
    tissue : mapping
        `Tissue.qc`.
    registration : mapping or None
        `registration.json`; None where the patient brings tissue maps.
    """
    found: dict[str, float | None] = dict(domain)
    found["tc_fraction"] = domain["tc_area_mm2"] / domain["wt_area_mm2"]
    found["enhancing_fraction"] = enhancing_fraction(regions, convention)
    found["wm_gm_contrast"] = tissue.get("wm_gm_contrast")
    found["brain_volume_ml"] = tissue.get("brain_volume_ml")
    for name, volume in tissue["volume_ml"].items():
        found[f"{name}_volume_ml"] = volume
    if registration is not None:
        found["brain_dice"] = registration["brain_dice"]
        found["correlation"] = registration["correlation"]
        found["registration_seconds"] = registration["seconds"]
    return found


def enhancing_fraction(regions: Regions, convention: LabelMap | None) -> float | None:
    """Return the enhancing part of the tumour's volume.

    None where the convention does not know it, or there is no core at all: that has a reason of
    its own.
    """
    if convention is None or not convention.ET or not regions.TC.data.any():
        return None
    enhancing = sum(regions.labels.get(label, 0) for label in convention.ET)
    return enhancing / float(regions.WT.data.sum())
