"""The numbers that are judged, against masks whose answer is counted by hand."""

from __future__ import annotations

import numpy as np
import pytest

from gbm.config.patient import LabelMap
from gbm.config.settings import Settings
from gbm.imaging.labels import TumourRegions, regions
from gbm.imaging.tumour_shape import at_border, second_focus
from gbm.io.volumes import Volume
from gbm.judging.judge import judge
from gbm.judging.quality import gather, of_growth, of_network
from gbm.report.quality_table import NAMES
from gbm.results.fit_entry import HeadlineObjectives
from tests.gbm.conftest import disc_domain

BRATS = LabelMap(WT=(1, 2, 3, 4), TC=(1, 3, 4), ET=(3, 4))
TISSUE = {"brain_volume_ml": 1400.0, "volume_ml": {"wm": 500.0, "gm": 700.0, "csf": 200.0}}


def _one_slice(*labels: int) -> TumourRegions:
    data = np.array(labels, np.float32).reshape(1, -1, 1)
    return regions(Volume(data, np.eye(4)), BRATS)


def _gathered(found: TumourRegions, whole: float, core: float, convention: LabelMap | None = BRATS):
    domain = {
        "wt_area_mm2": whole, "tc_area_mm2": core, "radius_WT_mm": 1.0, "radius_TC_mm": 1.0,
        "wt_outside_tissue_fraction": 0.0, "tissue_area_mm2": 5000.0, "second_focus": 0.0,
    }  # fmt: skip
    return gather(domain, found, convention, {"volume_ml": {"wm": 1.0, "gm": 2.0}}, None)


def _failed(numbers: dict[str, float | None]) -> list[tuple[str, str]]:
    gates = judge(numbers, Settings()).gates
    return [(gate.number, gate.colour) for gate in gates if gate.colour != "green"]


def test_an_empty_core_is_amber_with_one_reason() -> None:
    numbers = _gathered(_one_slice(0, 2, 2, 0), 800.0, 0.0)
    assert _failed(numbers) == [("tc_area_mm2", "amber")]
    assert "empty" in judge(numbers, Settings()).reasons[0]


def test_enhancement_is_a_part_of_the_volume_where_the_labels_know_it() -> None:
    found = _one_slice(1, 1, 2, 4, 0)
    assert _gathered(found, 800.0, 400.0)["enhancing_fraction"] == 0.25
    unknown = LabelMap(WT=(1, 2, 4), TC=(1, 4))
    assert _gathered(found, 800.0, 400.0, unknown)["enhancing_fraction"] is None
    assert _gathered(found, 800.0, 400.0, None)["enhancing_fraction"] is None


def test_a_small_tumour_on_one_slice_is_judged_on_that_slice() -> None:
    numbers = _gathered(_one_slice(0, 4, 4, 2, 2, 0), 1200.0, 300.0)
    assert numbers["tc_fraction"] == 0.25
    assert _failed(numbers) == []


def test_shares_of_tissue_are_those_of_a_whole_brain() -> None:
    domain = {"wt_area_mm2": 900.0, "tc_area_mm2": 300.0}
    found = gather(domain, _one_slice(0, 4, 0), BRATS, TISSUE, None)
    assert found["wm_fraction"] == pytest.approx(5 / 12)
    assert found["csf_fraction"] == pytest.approx(1 / 7)
    slab = gather(domain, _one_slice(0, 4, 0), BRATS, TISSUE | {"brain_volume_ml": None}, None)
    assert "wm_fraction" not in slab


def test_foci_are_connected_parts() -> None:
    mask = np.zeros((9, 9), bool)
    assert second_focus(mask) == 0.0
    mask[1:5, 1:5] = True
    assert second_focus(mask) == 0.0
    mask[5, 5] = True  # touches a corner: the same part
    assert second_focus(mask) == 0.0
    mask[7:9, 7:9] = True
    assert second_focus(mask) == 4 / 17
    assert second_focus(np.repeat(mask[..., None], 2, axis=2)) == 4 / 17


def test_two_foci_of_the_core_inside_one_oedema_are_found() -> None:
    numbers = _gathered(_one_slice(0, 4, 4, 2, 4, 0), 900.0, 600.0)
    assert numbers["second_focus_volume"] == 0.5
    assert _failed(numbers) == [("second_focus_volume", "amber")]


@pytest.mark.parametrize(
    ("place", "expected"), [((2, 2, 2), 0.0), ((0, 2, 2), 1.0), ((2, 4, 2), 1.0), ((2, 2, 4), 1.0)]
)
def test_the_border_is_every_face(place: tuple[int, int, int], expected: float) -> None:
    mask = np.zeros((5, 5, 5), bool)
    mask[place] = True
    assert at_border(mask) == expected


def test_a_single_slice_has_no_border_across() -> None:
    mask = np.zeros((5, 5, 1), bool)
    mask[1:4, 2] = True
    assert at_border(mask) == 0.0
    mask[0, 2] = True
    assert at_border(mask) == 0.25


GROWTH = {"lambda_mm": 5.0, "rhoT": 6.0}
THRESHOLDS = {"WT": 0.3, "TC": 0.6}
OBJECTIVE = HeadlineObjectives(network=0.26, fdm=0.25, characteristic=0.4, direct_fit=0.249)


def test_numbers_of_a_fit() -> None:
    found = of_network(0.01, OBJECTIVE) | of_growth(GROWTH, THRESHOLDS, core=True)
    assert found["objective_rise"] == pytest.approx(-0.15)
    assert found["objective_gap"] == pytest.approx(0.001)
    assert found["threshold_gap"] == pytest.approx(0.3)
    assert _failed(found) == []


def test_every_number_has_its_words_on_the_page() -> None:
    registration = {"brain_dice": 0.97, "correlation": 0.5, "seconds": 30.0}
    domain = {**disc_domain().numbers}
    found = gather(domain, _one_slice(0, 4, 0), BRATS, TISSUE, registration)
    of_fit = of_network(0.01, OBJECTIVE) | of_growth(GROWTH, THRESHOLDS, core=True)
    assert {*found, *of_fit} <= set(NAMES)


def test_the_threshold_of_an_empty_core_is_not_judged() -> None:
    found = of_growth(GROWTH, {"WT": 0.3, "TC": 0.3}, core=False)
    assert found["threshold_TC"] is found["threshold_gap"] is None
    assert _failed(found) == []


def test_an_unknown_disagreement_is_no_agreement() -> None:
    found = of_network(None, OBJECTIVE)
    assert _failed(found) == [("network_disagreement", "red")]
    assert "an unknown amount" in judge(found, Settings()).reasons[0]
