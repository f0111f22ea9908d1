"""The comparison holds the networks that the main job does not need, and leaves that alone."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from gbm.config.errors import InputError
from gbm.io.files import read_json, sha256, write_sealed
from gbm.report.comparison_findings import Compared, findings
from gbm.results.comparison import read_comparison
from gbm.steps.comparison import run as step_comparison
from gbm.steps.comparison_page import read
from gbm.steps.metrics import run as step_metrics
from tests.gbm.conftest import FITS, assemble, ball_domain

SCHEMA = files("gbm").joinpath("schemas/comparison_params.schema.json")
HEAT = "bilo_heat_inferred_seed0"


def test_every_other_network_is_there(compared: Compared, bundle: Any) -> None:
    comparison = compared.comparison
    assert [fit.name for fit in comparison.fits] == [
        "bilo_char_fixed_seed0", HEAT, "pinn_char_w1e-3_seed0", "pinn_char_w1e-5_seed0"
    ]  # fmt: skip
    assert comparison.pinn == "pinn_char_w1e-3_seed0"  # by its network, whatever the solver says
    assert comparison.direct_fixed_fdm.objective == 0.2605
    written = read_json(bundle.files.comparison)
    jsonschema.validate(written, read_json(SCHEMA))
    assert read_comparison(bundle.files.comparison).model_dump(mode="json") == written


def test_the_table_has_the_promised_rows(compared: Compared) -> None:
    assert set(compared.others) == {
        "pinn_network", "pinn_fdm", "bilo_heat_network", "bilo_heat_fdm", "bilo_fixed_network",
        "bilo_fixed_fdm",
    }  # fmt: skip
    assert compared.others["pinn_network"]["WT"]["dice"] == 0.95
    assert compared.others["pinn_fdm"]["WT"]["dice"] == 0.80
    assert compared.others["bilo_fixed_fdm"]["WT"]["dice"] == 0.88


def test_the_main_job_is_left_alone(bundle: Any) -> None:
    step_metrics(bundle.job)
    own = (bundle.files.params, bundle.files.metrics)
    before = [sha256(path) for path in own]
    step_comparison(bundle.job)
    assert [sha256(path) for path in own] == before
    bundle.settings["fit"] |= {"comparison": True, "pinn_weights": [1e-5], "lifts": ["char"]}
    step_metrics(bundle.job)
    assert sha256(bundle.files.metrics) == before[1]
    settings = read_json(bundle.files.params)["settings"]["fit"]
    assert (settings["comparison"], settings["lifts"]) == (False, ["char", "heat"])


def test_each_network_is_judged_by_the_direct_fit_with_its_origin(bundle: Any) -> None:
    """The fixed origin has an objective of 0.2605 to reach, the inferred one 0.2505."""
    for name in ("bilo_char_fixed_seed0", HEAT):
        path = bundle.files.verified(name)
        worse = {"network": 0.26, "fdm": 0.26}
        both = {"objective": worse, "objective_network_grid": worse}
        write_sealed(path, read_json(path) | both)
    step_comparison(bundle.job)
    status = {fit.name: fit.status for fit in read_comparison(bundle.files.comparison).fits}
    assert status["bilo_char_fixed_seed0"] == "converged"
    assert status[HEAT] == "not converged"


def test_the_comparison_of_a_whole_tumour_says_so(tmp_path: Path) -> None:
    volume = assemble(tmp_path / "volume", ball_domain(), FITS)
    step_comparison(volume.job)
    written = read_json(volume.files.comparison)
    assert written["dimensions"] == written["settings"]["dimensions"] == 3
    jsonschema.validate(written, read_json(SCHEMA))


def test_a_fit_without_a_verification_is_refused(bundle: Any) -> None:
    bundle.files.verified(HEAT).unlink()
    with pytest.raises(InputError, match=HEAT):
        step_comparison(bundle.job)


def test_a_comparison_of_another_version_is_refused(compared: Compared, bundle: Any) -> None:
    path = bundle.files.comparison
    write_sealed(path, read_json(path) | {"winner": "pinn"})
    with pytest.raises(InputError, match="not a comparison of this version"):
        read_comparison(path)


def test_without_weights_there_is_no_pinn(bundle: Any) -> None:
    bundle.settings["fit"] |= {"pinn_weights": [], "lifts": ["char"]}
    step_metrics(bundle.job)
    step_comparison(bundle.job)
    found = read_comparison(bundle.files.comparison)
    assert (found.pinn, [*found.models()]) == (None, ["bilo_fixed"])


def texts(compared: Compared, kind: str) -> str:
    return " ".join(f.text for f in findings(compared) if f.kind == kind)


def test_who_wins_is_said(compared: Compared) -> None:
    """The PINN's network is the best of all, its equation the worst."""
    assert "The PINN (weight 0.001) is behind the headline" in texts(compared, "good")
    assert "The PINN over-fits" in texts(compared, "note")
    better = {"WT": {"dice": 0.93}, "TC": {"dice": 0.80}}
    won = Compared(
        compared.result, compared.metrics, compared.comparison,
        {**compared.others, "pinn_fdm": better},
    )  # fmt: skip
    scores = "whole tumour 0.930 against 0.900; tumour core 0.800 against 0.850"
    said = f"beats the headline in part (DICE by finite volumes: {scores})"
    assert f"The PINN (weight 0.001) {said}" in texts(won, "bad")
    disc = {"disc": {"WT": {"dice": 0.95}, "TC": {"dice": 0.7}}}
    plain = Compared(
        compared.result, {**compared.metrics, **disc}, compared.comparison, compared.others
    )
    assert "A simple baseline beats BiLO" in texts(plain, "bad")


@pytest.mark.parametrize(("error", "kind"), [(0.029, "note"), (0.031, "bad")])
def test_a_heat_lift_that_is_off_is_said_to_be(bundle: Any, error: float, kind: str) -> None:
    path = bundle.files.verified(HEAT)
    measured = dict.fromkeys(("final", "all_t", "final_with_interface"), error)
    write_sealed(path, read_json(path) | {"relative_error_u": measured})
    write_sealed(
        bundle.files.fit(HEAT),
        read_json(bundle.files.fit(HEAT)) | {"assessment": {"behind_walls": 0.071}},
    )
    step_metrics(bundle.job)
    step_comparison(bundle.job)
    found = read(bundle.files)
    assert "heat lift" in texts(found, kind)
    owed = "owed to the solver" in texts(found, "bad")
    behind = "7.1\xa0% (relative L2) lies behind narrow gaps" in texts(found, "bad")
    assert owed == behind == (kind == "bad")
    assert found.comparison.models()["bilo_heat"].behind_walls == 0.071
