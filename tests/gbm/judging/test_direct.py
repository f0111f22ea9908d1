"""The direct fit as the headline: its numbers, no network's, and a verdict of its own."""

from __future__ import annotations

from dataclasses import replace
from importlib.resources import files
from typing import Any

import jsonschema
import pytest

from gbm.domain.domain import save_domain
from gbm.io.files import read_json, write_sealed
from gbm.report.at_a_glance import opening
from gbm.results.estimate import Estimate
from gbm.results.patient_result import PatientResult, read_result
from gbm.steps.metrics import run as step_metrics

SCHEMA = files("gbm").joinpath("schemas/growth_params.schema.json")


def found(bundle: Any) -> PatientResult:
    step_metrics(bundle.job)
    return read_result(bundle.files.params)


def test_the_headline_is_the_direct_fit(direct_bundle: Any) -> None:
    result = found(direct_bundle)
    written = read_json(direct_bundle.files.params)
    jsonschema.validate(written, read_json(SCHEMA))
    assert result.model_dump(mode="json") == written
    assert (written["method"], written["headline"]) == ("direct", "direct_fdm")
    assert written["fits"] == []
    absent = ("relative_error_u", "lift", "seed", "steps", "start", "first_start")
    assert [written[key] for key in absent] == [None] * len(absent)
    assert written["objective"] == {
        "network": None, "fdm": 0.2505, "direct_fit": 0.2505, "characteristic": 0.4
    }  # fmt: skip
    # the value is the fit's, the rest the posterior's, which knows of no fit
    assert written["lambda_mm"]["value"] == 5.02
    assert written["lambda_mm"]["median"] == pytest.approx(4.8)
    assert written["thresholds"]["TC"]["value"] == 0.6
    assert written["rD"]["value"] == pytest.approx(151.0 / 160.0)
    assert written["x0_mm"] == pytest.approx([15.5, 25.0, 40.0])
    assert (written["status"], written["converged"], written["seconds"]) == ("converged", True, 1.5)


def test_no_gate_and_no_row_of_a_network(direct_bundle: Any) -> None:
    result = found(direct_bundle)
    judged = {gate.number for gate in result.verdict.gates}
    assert not judged & {"network_disagreement", "objective_rise", "objective_gap"}
    assert judged >= {"brain_dice", "lambda_mm", "rhoT", "outline_rms_mm", "threshold_gap"}
    assert result.verdict.colour == "green"
    models = {row.split("\t")[0] for row in direct_bundle.files.metrics.read_text().splitlines()}
    posterior = {"posterior", "posterior_low", "posterior_high"}
    assert models == {"model", "characteristic_fdm", "direct_fdm", "disc"} | posterior


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"converged": False}, "it has not converged"),
        ({"converged": False, "warnings": ["lambda sits on a bound"]}, "lambda sits on a bound"),
        ({"objective": None}, "its objective is no number"),
    ],
)
def test_one_that_did_not_settle_is_never_green(
    direct_bundle: Any, change: dict[str, Any], why: str
) -> None:
    path = direct_bundle.files.baselines
    record = read_json(path)
    record["direct_fdm"] |= change
    write_sealed(path, record)
    result = found(direct_bundle)
    assert result.verdict.colour == "amber"
    assert (result.status, result.converged, result.warnings) == ("not converged", False, (why,))
    assert f"The direct fit did not settle: {why}." in result.verdict.reasons[0]
    assert opening(result).startswith("Not converged: the direct fit did not settle.")


def test_the_threshold_of_an_empty_core_is_none(direct_bundle: Any) -> None:
    domain = direct_bundle.domain
    empty = replace(domain, TC=domain.TC & False, numbers=domain.numbers | {"tc_area_mm2": 0.0})
    save_domain(direct_bundle.files.domain, empty)
    result = found(direct_bundle)
    assert result.thresholds.TC == Estimate.of(None)  # whatever the samples of another run say
    assert result.thresholds.WT.value == 0.33


def test_the_way_back_is_the_network(bundle: Any) -> None:
    bundle.settings["fit"]["method"] = "direct"
    assert found(bundle).headline == "direct_fdm"
    bundle.settings["fit"]["method"] = "bilo"
    assert found(bundle).headline == "bilo_char_inferred_seed0"
