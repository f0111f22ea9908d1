"""Gates: each fails at its own limit, sets the colour, and says why and what to do."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from gbm.config.gate_settings import GateSettings
from gbm.config.settings import Settings
from gbm.judging.gates import GATES
from gbm.judging.judge import judge
from gbm.report.quality_table import NAMES

GOOD: dict[str, float | None] = {
    "brain_dice": 0.97,
    "correlation": 0.6,
    "wm_gm_contrast": 2.0,
    "brain_volume_ml": 1400.0,
    "wm_fraction": 0.45,
    "csf_fraction": 0.15,
    "wt_outside_tissue_fraction": 0.05,
    "wt_brain_fraction": 0.1,
    "wt_slice_fraction": 0.41,  # of a real head
    "wt_area_mm2": 2000.0,
    "tc_area_mm2": 900.0,
    "wt_volume_ml": 80.0,
    "tc_volume_ml": 30.0,
    "slice_thickness_mm": 1.0,
    "tc_fraction": 0.45,
    "enhancing_fraction": 0.2,
    "second_focus": 0.02,
    "second_focus_volume": 0.02,
    "wt_at_border_fraction": 0.0,
    "outside_interval": 0.0,
    "network_disagreement": 0.01,
    "objective_rise": -0.1,
    "objective_gap": 0.0004,
    "lambda_mm": 4.0,
    "density_at_border": 0.001,
    "outline_rms_mm": 1.5,
    "rhoT": 7.0,
    "threshold_WT": 0.33,
    "threshold_TC": 0.6,
    "threshold_gap": 0.27,
}
FAILING = [
    ("brain_dice", 0.91, "amber", "0.910"),
    ("brain_dice", 0.84, "red", "0.840"),
    ("correlation", 0.1, "amber", "correlate"),
    ("wm_gm_contrast", 0.5, "amber", "contrast 0.50"),
    ("brain_volume_ml", 300.0, "amber", "300 ml"),
    ("brain_volume_ml", 5000.0, "amber", "skull"),
    ("wm_fraction", 0.1, "amber", "10% of the brain's tissue is white matter"),
    ("wm_fraction", 0.9, "amber", "25% to 65%"),
    ("csf_fraction", 0.5, "amber", "50% of the brain is fluid"),
    ("wt_outside_tissue_fraction", 0.3, "amber", "30%"),
    ("wt_outside_tissue_fraction", 0.6, "red", "60%"),
    ("wt_brain_fraction", 0.45, "red", "45% of the brain is labelled as whole tumour (at most 40%"),
    ("wt_slice_fraction", 0.55, "red", "55% of the brain on the fitted slice is labelled"),
    ("wt_area_mm2", 60.0, "amber", "60 mm²"),
    ("tc_area_mm2", 20.0, "amber", "20 mm²"),
    ("tc_area_mm2", 0.0, "amber", "empty"),
    ("wt_volume_ml", 2.0, "amber", "2.0 ml"),
    ("tc_volume_ml", 0.5, "amber", "0.5 ml"),
    ("tc_volume_ml", 0.0, "amber", "core is empty"),
    ("slice_thickness_mm", 5.0, "amber", "slices of 5.0 mm"),
    ("tc_fraction", 0.05, "amber", "5%"),
    ("enhancing_fraction", 0.005, "red", "probably no glioblastoma"),
    ("second_focus", 0.36, "amber", "several foci on the fitted slice"),
    ("second_focus_volume", 0.16, "amber", "several foci in the volume"),
    ("wt_at_border_fraction", 0.001, "amber", "0.1% of the tumour touches the border"),
    ("outside_interval", 1.0, "amber", "(1 of lambda and rho T, at most 0 accepted)"),
    ("network_disagreement", 0.06, "red", "6.0%"),
    ("network_disagreement", float("nan"), "red", "an unknown amount"),
    ("objective_rise", 0.01, "red", "worse than the characteristic start"),
    ("lambda_mm", 0.502, "amber", "lambda = 0.502 mm sits on a bound"),
    ("lambda_mm", 15.0, "amber", "`bounds`"),
    ("density_at_border", 0.02, "amber", "reaches the end of the fitted volume (0.02 there"),
    ("outline_rms_mm", 5.1, "amber", "misses an outline by 5.1 mm (at most 5.0 accepted)"),
    ("objective_gap", 0.0021, "amber", "Not converged: the classical fit is clearly better"),
    ("rhoT", 1.0, "amber", "rho T = 1 sits on a bound"),
    ("rhoT", 39.9, "amber", "rho T = 39.9"),
    ("threshold_WT", 0.055, "amber", "threshold of WT, 0.055"),
    ("threshold_TC", 0.945, "amber", "threshold of TC, 0.945"),
    ("threshold_gap", 0.001, "amber", "0.001"),
]


def test_a_good_patient_is_green() -> None:
    found = judge(GOOD, Settings())
    assert (found.colour, found.reasons) == ("green", ())
    assert {gate.number: gate.value for gate in found.gates} == GOOD
    assert {gate.group for gate in found.gates} == {"registration", "tissue", "tumour", "fit"}


@pytest.mark.parametrize(("number", "value", "colour", "word"), FAILING)
def test_each_gate_says_why_and_what_to_do(
    number: str, value: float, colour: str, word: str
) -> None:
    found = judge({**GOOD, number: value}, Settings())
    assert found.colour == colour
    (failed,) = (gate for gate in found.gates if gate.colour != "green")
    assert failed.number == number
    assert failed.limit
    assert failed.advice
    assert found.reasons == (f"{failed.meaning} {failed.advice}",)
    assert word in found.reasons[0]


def test_every_gate_is_tested_and_named_on_the_page() -> None:
    numbers = [gate.number for gate in GATES]
    assert len(set(numbers)) == len(numbers)
    assert set(numbers) == set(GOOD) == {case[0] for case in FAILING}
    assert set(numbers) <= set(NAMES)


def test_every_limit_is_used_and_stands_in_the_configuration(repository: Path) -> None:
    """A limit that is moved far changes what some gate accepts or tolerates."""
    written = yaml.safe_load((repository / "config.yaml").read_text())["gates"]
    assert GateSettings.model_validate(written) == GateSettings()
    assert set(written) == set(GateSettings.model_fields)

    def ranges(settings: Settings) -> list[object]:
        return [
            (gate.accepted(settings), gate.tolerated and gate.tolerated(settings)) for gate in GATES
        ]

    plain = ranges(Settings())
    for name, value in written.items():
        # a value between the limits' order constraints
        value = 0.1 if value is None else value
        moved = [v * 1.01 for v in value] if isinstance(value, list) else value * 1.01 + 1e-6
        assert ranges(Settings(gates=GateSettings(**{name: moved}))) != plain, name


def test_limits_come_from_the_settings() -> None:
    kind = Settings(gates=GateSettings(correlation_min=0.05))
    assert judge({**GOOD, "correlation": 0.1}, kind).colour == "green"
    strict = Settings(gates=GateSettings(brain_dice_min=0.99))
    assert judge(GOOD, strict).colour == "amber"
    narrow = Settings.model_validate({"bounds": {"lambda_mm": [1.0, 4.01]}})
    assert judge(GOOD, narrow).colour == "amber"


def test_hard_gates_come_first() -> None:
    found = judge({**GOOD, "brain_dice": 0.91, "enhancing_fraction": 0.0}, Settings())
    assert found.colour == "red"
    assert "glioblastoma" in found.reasons[0]
    assert len(found.reasons) == 2


def test_a_patient_is_judged_by_what_there_is() -> None:
    names = ("brain_dice", "correlation", "wm_gm_contrast", "brain_volume_ml", "enhancing_fraction")
    found = judge({**GOOD, **dict.fromkeys(names)}, Settings())
    assert found.colour == "green"
    assert not {gate.number for gate in found.gates} & set(names)


@pytest.mark.parametrize(
    ("status", "failing", "colour"),
    [
        ("converged", {}, "green"),
        ("diverged", {}, "amber"),
        # gates of their own say these, where they fail
        ("on a bound", {"lambda_mm": 15.0}, "green"),
        ("on a bound", {}, "amber"),
        ("disagreement", {"network_disagreement": 0.07}, "green"),
        ("disagreement", {"lambda_mm": 15.0}, "amber"),
    ],
)
def test_a_fit_that_has_not_converged_is_amber(
    status: str, failing: dict[str, float], colour: str
) -> None:
    """`colour` is what the status adds to the gates that fail."""
    found = judge(GOOD | failing, Settings(), status=status, warnings=["the loss stayed infinite"])
    assert (found.colour == "green") is (colour == "green" and not failing)
    assert any("the loss stayed infinite" in text for text in found.reasons) == (colour != "green")


def test_contradictory_limits_are_refused() -> None:
    for limits in (
        {"brain_dice_red": 0.95},
        {"wt_outside_tissue_red": 0.1},
        {"wm_fraction": (0.5, 0.5)},
    ):
        with pytest.raises(ValueError, match="must"):
            GateSettings(**limits)


def test_a_direct_fit_that_did_not_settle_is_amber_whatever_the_network_says() -> None:
    found = judge(GOOD, Settings(), unsettled="lambda sits on a bound")
    assert found.colour == "amber"
    (reason,) = found.reasons
    assert "The direct fit, the reference of every fit, did not settle: lambda sits on a" in reason


def test_a_fit_above_the_direct_fit_is_explained_once() -> None:
    found = judge(
        GOOD | {"objective_gap": 0.045}, Settings(), status="not converged", warnings=("0.045",)
    )
    assert found.colour == "amber"
    assert len(found.reasons) == 1


@pytest.mark.parametrize("status", ["converged", "on a bound", "disagreement", "not converged"])
def test_what_has_not_converged_is_never_green(status: str) -> None:
    """Whatever the margin of a gate, and whatever a step calls it."""
    found = judge(GOOD, Settings(), status=status, converged=False)
    assert found.colour == "amber"
    assert f"status: {status}" in found.reasons[0]


@pytest.mark.parametrize(("dimensions", "said"), [(2, True), (3, False)])
def test_only_a_slice_may_be_exchanged_for_another(dimensions: int, said: bool) -> None:
    settings = Settings.model_validate({"dimensions": dimensions})
    found = judge(GOOD, settings, unsettled="lambda sits on a bound")
    assert any("another slice" in reason for reason in found.reasons) == said


def test_a_fit_outside_its_interval_is_said_first() -> None:
    """Before other ambers, behind a red."""
    amber = {**GOOD, "brain_dice": 0.9, "outside_interval": 1.0}
    assert "outside the 90 % interval" in judge(amber, Settings()).reasons[0]
    red = judge({**amber, "brain_dice": 0.5}, Settings())
    assert red.colour == "red"
    assert "outside the 90 % interval" in red.reasons[1]
