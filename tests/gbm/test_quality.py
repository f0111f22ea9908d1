"""Gates: each fails at its own limit, sets the colour, and says why."""

from __future__ import annotations

import numpy as np
import pytest

from gbm.config import LabelMap
from gbm.labels import Regions, regions
from gbm.quality import assess, gather
from gbm.report.quality import GATES
from gbm.settings import Gates
from gbm.volumes import Volume

GOOD: dict[str, float | None] = {
    "brain_dice": 0.97,
    "correlation": 0.6,
    "wm_gm_contrast": 2.0,
    "brain_volume_ml": 1400.0,
    "wt_outside_tissue_fraction": 0.05,
    "wt_area_mm2": 2000.0,
    "tc_area_mm2": 900.0,
    "tc_fraction": 0.45,
    "enhancing_fraction": 0.2,
}
BRATS = LabelMap(WT=(1, 2, 3, 4), TC=(1, 3, 4), ET=(3, 4))


def test_a_good_patient_is_green() -> None:
    found = assess(GOOD, Gates())
    assert (found.verdict, found.reasons) == ("green", ())
    assert found.numbers == GOOD


@pytest.mark.parametrize(
    ("number", "value", "colour", "word"),
    [
        ("brain_dice", 0.91, "amber", "0.910"),
        ("brain_dice", 0.84, "red", "0.840"),
        ("correlation", 0.1, "amber", "correlate"),
        ("wm_gm_contrast", 0.5, "amber", "contrast 0.50"),
        ("brain_volume_ml", 300.0, "amber", "300 ml"),
        ("brain_volume_ml", 5000.0, "amber", "skull"),
        ("wt_outside_tissue_fraction", 0.3, "amber", "30%"),
        ("wt_outside_tissue_fraction", 0.6, "red", "60%"),
        ("wt_area_mm2", 60.0, "amber", "60 mm²"),
        ("tc_area_mm2", 20.0, "amber", "20 mm²"),
        ("tc_fraction", 0.05, "amber", "5%"),
        ("enhancing_fraction", 0.005, "red", "lower-grade"),
    ],
)
def test_each_gate_says_why(number: str, value: float, colour: str, word: str) -> None:
    found = assess({**GOOD, number: value}, Gates())
    assert found.verdict == colour
    assert len(found.reasons) == 1
    assert word in found.reasons[0]


def test_every_gate_of_the_report_exists_and_has_a_limit() -> None:
    assert set(GATES) == set(GOOD)
    assert set(GATES.values()) <= set(Gates.model_fields)


def test_limits_come_from_the_settings() -> None:
    assert assess({**GOOD, "correlation": 0.1}, Gates(correlation_min=0.05)).verdict == "green"
    assert assess(GOOD, Gates(brain_dice_min=0.99)).verdict == "amber"


def test_the_worst_reason_comes_first() -> None:
    found = assess({**GOOD, "wt_area_mm2": 60.0, "brain_dice": 0.5}, Gates())
    assert found.verdict == "red"
    assert "atlas" in found.reasons[0]
    assert len(found.reasons) == 2


def test_a_patient_without_images_is_judged_by_what_there_is() -> None:
    names = ("brain_dice", "correlation", "wm_gm_contrast", "brain_volume_ml", "enhancing_fraction")
    found = assess({**GOOD, **dict.fromkeys(names)}, Gates())
    assert found.verdict == "green"
    assert not set(names) & set(found.numbers)


def _one_slice(*labels: int) -> Regions:
    data = np.array(labels, np.float32).reshape(1, -1, 1)
    return regions(Volume(data, np.eye(4)), BRATS)


def _gathered(found: Regions, whole: float, core: float, convention: LabelMap | None = BRATS):
    domain = {
        "wt_area_mm2": whole, "tc_area_mm2": core, "radius_WT_mm": 1.0, "radius_TC_mm": 1.0,
        "wt_outside_tissue_fraction": 0.0, "tissue_area_mm2": 5000.0,
    }  # fmt: skip
    return gather(domain, found, convention, {"volume_ml": {"wm": 1.0, "gm": 2.0}}, None)


def test_an_empty_core_is_amber_with_one_reason() -> None:
    found = assess(_gathered(_one_slice(2, 2, 0), 800.0, 0.0), Gates())
    assert found.verdict == "amber"
    assert len(found.reasons) == 1
    assert "empty" in found.reasons[0]


def test_enhancement_is_a_part_of_the_volume_where_the_labels_know_it() -> None:
    found = _one_slice(1, 1, 2, 4, 0)
    assert _gathered(found, 800.0, 400.0)["enhancing_fraction"] == 0.25
    unknown = LabelMap(WT=(1, 2, 4), TC=(1, 4))
    assert _gathered(found, 800.0, 400.0, unknown)["enhancing_fraction"] is None
    assert _gathered(found, 800.0, 400.0, None)["enhancing_fraction"] is None


def test_a_small_tumour_on_one_slice_is_judged_on_that_slice() -> None:
    numbers = _gathered(_one_slice(4, 4, 2, 2), 1200.0, 300.0)
    assert numbers["tc_fraction"] == 0.25
    assert assess(numbers, Gates()).verdict == "green"
