"""Names of fits and the plan of a patient."""

from __future__ import annotations

import re

import pytest

from gbm.config.fit_names import PATTERN, FitSpec, compared, of_main_job, planned
from gbm.config.settings import Settings


def test_the_default_plan() -> None:
    assert [fit.name for fit in planned(Settings())] == ["bilo_char_inferred_seed0"]
    assert [fit.name for fit in compared(Settings())] == [
        "bilo_heat_inferred_seed0",
        "bilo_char_fixed_seed0",
        "pinn_char_w1e-5_seed0",
        "pinn_char_w1e-4_seed0",
        "pinn_char_w1e-3_seed0",
    ]


def test_further_seeds_repeat_the_headline() -> None:
    settings = Settings.model_validate(
        {"fit": {"seeds": [3, 4], "lifts": ["heat"], "pinn_weights": []}}
    )
    assert [fit.name for fit in planned(settings)] == [
        "bilo_char_inferred_seed3",
        "bilo_char_inferred_seed4",
    ]
    assert [fit.name for fit in compared(settings)] == [
        "bilo_heat_inferred_seed3",
        "bilo_char_fixed_seed3",
    ]


def test_a_direct_fit_needs_no_network() -> None:
    settings = Settings.model_validate({"fit": {"method": "direct", "seeds": [0, 1]}})
    assert planned(settings) == ()


def test_the_main_job_knows_nothing_of_the_comparison() -> None:
    asked = {"comparison": True, "lifts": ["char"], "pinn_weights": [1.0]}
    settings = Settings.model_validate({"fit": {"seeds": [1], **asked}})
    assert of_main_job(settings) == Settings.model_validate({"fit": {"seeds": [1]}})
    assert not {*planned(settings)} & {*compared(settings)}


def test_names_read_back() -> None:
    settings = Settings.model_validate({"fit": {"pinn_weights": [1e-5, 0.25, 1, 30]}})
    for fit in (*planned(settings), *compared(settings)):
        assert re.fullmatch(PATTERN, fit.name)
        assert FitSpec.parse(fit.name) == fit


@pytest.mark.parametrize("name", ["bilo_char_w1e-3_seed0", "pinn_char_fixed_seed0", "bilo", ""])
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"is no name of a fit|weight"):
        FitSpec.parse(name)
