"""The gates: which number is judged by which limit, what a failure means, and what to do then.

One entry a gate. A hard gate sets red: the numbers of that patient must not be relied on. Gates set
the verdict and never suppress an output. Their limits live in the section `gates` of config.yaml,
but for those of the unknowns (`bounds`), of the verification (`verify.max_disagreement`) and of the
difference to the direct fit, which nobody may widen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gbm.growth.extent import AT_BORDER, LEVELS
from gbm.judging.gate import ANY, Gate, Range

if TYPE_CHECKING:
    from gbm.config.settings import Settings


def _inside(limits: Range, margin: float, *, relative: bool) -> Range:
    """A range without its edges."""
    low, high = limits
    return (low * (1 + margin), high / (1 + margin)) if relative else (low + margin, high - margin)


def _rise(settings: Settings) -> float:
    """What a fit may be worse than its own start."""
    given = settings.gates.objective_rise_max
    return settings.objective.scale.margin if given is None else given


def _gap(settings: Settings) -> float:
    """What a fit may be worse than the direct fit."""
    scale = settings.objective.scale
    return scale.margin if settings.dimensions == 2 else scale.on_voxels


_LOOK = "Look at the contours of the tissue on the image"
_NO_TUMOUR = "Check the labels and their convention: the whole brain may be labelled."
_BOUND = "Widen the range in `bounds` if the value is plausible; otherwise do not use it."

GATES = (
    Gate(
        "brain_dice", "registration",
        lambda s: (s.gates.brain_dice_min, ANY),
        "The registered atlas does not fit the brain (DICE of the masks {value}, {limit} asked): "
        "the tissue maps may be wrong.",
        f"{_LOOK}; check that the image is skull-stripped and correctly oriented, or give tissue "
        "maps of your own.",
        "{:.3f}", hard=True, tolerated=lambda s: (s.gates.brain_dice_red, ANY),
    ),
    Gate(
        "correlation", "registration",
        lambda s: (s.gates.correlation_min, ANY),
        "The registered atlas and the image correlate weakly ({value}, {limit} asked): the tissue "
        "maps may be wrong.",
        f"{_LOOK}; a T1 without contrast agent registers best.",
        "{:.2f}",
    ),
    Gate(
        "wm_gm_contrast", "tissue",
        lambda s: (s.gates.wm_gm_contrast_min, ANY),
        "White and grey matter hardly differ in the image (contrast {value}, {limit} asked): the "
        "map of diffusivity follows the atlas alone.",
        "Give a T1 with better contrast, or tissue maps of your own.",
        "{:.2f}",
    ),
    Gate(
        "brain_volume_ml", "tissue",
        lambda s: s.gates.brain_volume_ml,
        "The brain volume is {value} ml ({limit} expected).",
        "Check that the image is skull-stripped and whole.",
        "{:.0f}",
    ),
    Gate(
        "wm_fraction", "tissue",
        lambda s: s.gates.wm_fraction,
        "{value} of the brain's tissue is white matter ({limit} expected): the tissue maps may be "
        "wrong.",
        f"{_LOOK}.",
        "{:.0%}",
    ),
    Gate(
        "csf_fraction", "tissue",
        lambda s: (-ANY, s.gates.csf_fraction_max),
        "{value} of the brain is fluid ({limit} expected): the tissue maps may be wrong.",
        f"{_LOOK}; strong atrophy is another cause.",
        "{:.0%}",
    ),
    Gate(
        "wt_outside_tissue_fraction", "tissue",
        lambda s: (-ANY, s.gates.wt_outside_tissue_max),
        "{value} of the segmented tumour lies outside the tissue before filling ({limit}): tissue "
        "and segmentation disagree.",
        "Check that segmentation and image belong together; look at the contours on the image.",
        "{:.0%}", hard=True, tolerated=lambda s: (-ANY, s.gates.wt_outside_tissue_red),
    ),
    Gate(
        "wt_brain_fraction", "tumour",
        lambda s: (-ANY, s.gates.wt_brain_max),
        "{value} of the brain is labelled as whole tumour ({limit} accepted): the segmentation is "
        "none of a tumour.",
        _NO_TUMOUR,
        "{:.0%}", hard=True,
    ),
    Gate(
        "wt_slice_fraction", "tumour",
        lambda s: (-ANY, s.gates.wt_slice_max),
        "{value} of the brain on the fitted slice is labelled as whole tumour ({limit} accepted): "
        "the segmentation is none of a tumour, or leaves it no tissue to grow into.",
        _NO_TUMOUR,
        "{:.0%}", hard=True,
    ),
    Gate(
        "wt_area_mm2", "tumour",
        lambda s: (s.gates.wt_area_mm2_min, ANY),
        "The tumour is small on the fitted slice ({value} mm², {limit} asked): it hardly "
        "determines two parameters.",
        "Choose another slice (`slice`), or read the ranges and not the values.",
        "{:.0f}",
    ),
    Gate(
        "tc_area_mm2", "tumour",
        lambda s: (s.gates.tc_area_mm2_min, ANY),
        "The tumour core is small on the fitted slice ({value} mm², {limit} asked): it hardly "
        "determines the second parameter.",
        "Choose a slice that shows the core (`slice`), or read the ranges and not the values.",
        "{:.0f}",
        zero="The tumour core is empty on the fitted slice: the fit uses the whole tumour alone, "
        "which does not determine both parameters.",
    ),
    Gate(
        "wt_volume_ml", "tumour",
        lambda s: (s.gates.wt_volume_ml_min, ANY),
        "The tumour is small ({value} ml, {limit} asked): it hardly fixes two parameters.",
        "Read the ranges and not the values.",
        "{:.1f}",
    ),
    Gate(
        "tc_volume_ml", "tumour",
        lambda s: (s.gates.tc_volume_ml_min, ANY),
        "The core is small ({value} ml, {limit} asked): it hardly fixes the second parameter.",
        "Read the ranges and not the values.",
        "{:.1f}",
        zero="The core is empty: the whole tumour alone does not determine both parameters.",
    ),
    Gate(
        "slice_thickness_mm", "tumour",
        lambda s: (-ANY, s.gates.slice_thickness_mm_max),
        "The segmentation has slices of {value} mm ({limit} accepted): its outline is a staircase.",
        "Segment an isotropic image, or read the ranges and not the values.",
        "{:.1f}",
    ),
    Gate(
        "tc_fraction", "tumour",
        lambda s: (s.gates.tc_fraction_min, ANY),
        "The core is only {value} of the fitted tumour ({limit} asked): the model's core is a "
        "denser part of one front.",
        "Check the convention of the labels.",
        "{:.0%}",
    ),
    Gate(
        "enhancing_fraction", "tumour",
        lambda s: (s.gates.enhancing_fraction_min, ANY),
        "Only {value} of the tumour enhances ({limit} asked): this is probably no glioblastoma but "
        "a lower-grade glioma, for which the model is not meant.",
        "Check the diagnosis and the convention of the labels.",
        "{:.1%}", hard=True,
    ),
    Gate(
        "second_focus", "tumour",
        lambda s: (-ANY, s.gates.second_focus_max),
        "The tumour has several foci on the fitted slice: the second is {value} of the largest "
        "({limit} accepted), and the model grows all from one origin.",
        "Mask the other foci, or fit them one by one.",
        "{:.0%}",
    ),
    Gate(
        "second_focus_volume", "tumour",
        lambda s: (-ANY, s.gates.second_focus_max),
        "The tumour has several foci in the volume: the second is {value} of the largest ({limit} "
        "accepted), and the model grows all from one origin.",
        "Mask the other foci, or fit them one by one.",
        "{:.0%}",
    ),
    Gate(
        "wt_at_border_fraction", "tumour",
        lambda s: (-ANY, s.gates.wt_at_border_max),
        "{value} of the tumour touches the border of the segmentation's field of view ({limit} "
        "accepted): a part of it is not seen.",
        "Use an image that covers the whole tumour.",
        "{:.1%}",
    ),
    Gate(
        "outside_interval", "fit",
        lambda s: (-ANY, 0.0),
        "The fit lies outside the 90 % interval of the posterior ({value} of lambda and rho T, "
        "{limit} accepted): what it descends and the drawn outlines ask for different tumours.",
        "Read median and interval; density and masks are those of the fit.",
        "{:.0f}",
    ),
    Gate(
        "network_disagreement", "fit",
        lambda s: (-ANY, s.verify.max_disagreement),
        "The network and the finite-volume solution at its parameters differ by {value} ({limit} "
        "accepted): the network has not solved the equation.",
        "Use the finite-volume rows only, or train longer (`fit`).",
        "{:.1%}", hard=True,
    ),
    Gate(
        "objective_rise", "fit",
        lambda s: (-ANY, _rise(s)),
        "The fit is worse than the characteristic start it began from: its objective is {value} "
        "higher ({limit} accepted).",
        "Do not use the parameters; try other seeds (`fit.seeds`), or use the direct fit.",
        "{:.3g}", hard=True,
    ),
    Gate(
        "objective_gap", "fit",
        lambda s: (-ANY, _gap(s)),
        "Not converged: the classical fit is clearly better, its objective is {value} lower "
        "({limit} accepted). The parameters below are not the best explanation of the outlines.",
        "Read the direct fit's parameters; try other seeds (`fit.seeds`).",
        "{:.3g}",
    ),
    Gate(
        AT_BORDER, "fit",
        lambda s: (-ANY, min(LEVELS)),
        "The density reaches the end of the fitted volume ({value} there, {limit} accepted): "
        "extents, margins and maps are cut off.",
        "Read extents and margins as the least they can be.",
    ),
    Gate(
        "outline_rms_mm", "fit",
        lambda s: (-ANY, s.gates.outline_rms_mm_max),
        "The model misses an outline by {value} mm ({limit} accepted): it does not describe this "
        "tumour, and its intervals hold only if it did.",
        f"{_LOOK}; a tumour of several foci or with mass effect is none of the model's.",
        "{:.1f}",
    ),
    Gate(
        "lambda_mm", "fit",
        lambda s: _inside(s.bounds.lambda_mm, s.gates.bound_margin, relative=True),
        "lambda = {value} mm sits on a bound of its range ({limit} is inside).",
        _BOUND,
    ),
    Gate(
        "rhoT", "fit",
        lambda s: _inside(s.bounds.rhoT, s.gates.bound_margin, relative=True),
        "rho T = {value} sits on a bound of its range ({limit} is inside).",
        _BOUND,
    ),
    Gate(
        "threshold_WT", "fit",
        lambda s: _inside(s.bounds.WT, s.gates.bound_margin, relative=False),
        "The threshold of WT, {value}, sits on a bound of its range ({limit} is inside).",
        _BOUND,
    ),
    Gate(
        "threshold_TC", "fit",
        lambda s: _inside(s.bounds.TC, s.gates.bound_margin, relative=False),
        "The threshold of TC, {value}, sits on a bound of its range ({limit} is inside).",
        _BOUND,
    ),
    Gate(
        "threshold_gap", "fit",
        lambda s: (s.gates.bound_margin, ANY),
        "The thresholds of WT and TC differ by only {value} ({limit} asked): one front explains "
        "both regions.",
        "Check that TC is not nearly all of WT.",
    ),
)  # fmt: skip
"""In the order of the pipeline."""
