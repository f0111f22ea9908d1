"""The headline is the promised fit, the table the promised rows, and nothing is invented."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from gbm.config.errors import InputError
from gbm.config.fit_names import compared, planned
from gbm.io.files import read_json, write_sealed
from gbm.io.provenance import cost
from gbm.report.at_a_glance import opening
from gbm.results.metrics_table import MODELS
from gbm.results.patient_result import PatientResult, read_result
from gbm.steps.metrics import gather_fits
from gbm.steps.metrics import run as step_metrics

ERRORS = ("final", "all_t", "final_with_interface")


def test_headline_and_fields(bundle: Any) -> None:
    step_metrics(bundle.job)
    params = read_json(bundle.files.params)
    promised = {
        "patient", "method", "DT_mm2", "rhoT", "lambda_mm", "thresholds", "x0_mm", "rD", "rRHO",
        "characteristic", "relative_error_u", "objective", "converged", "status", "warnings",
        "steps", "seconds", "device", "seed", "versions", "fits",
    }  # fmt: skip
    assert promised <= set(params)
    assert params["headline"] == "bilo_char_inferred_seed0"
    unknown = dict.fromkeys(("median", "sd", "sd_posterior", "sd_slices", "interval90"))
    assert (params["lambda_mm"]["value"], params["thresholds"]["TC"]["value"]) == (5.0, 0.6)
    assert params["dimensions"] == 2
    assert params["relative_error_u"] == pytest.approx(
        {"final": 0.01, "all_t": 0.012, "final_with_interface": 0.015}
    )
    assert params["objective"] == {
        "network": 0.25, "fdm": 0.251, "direct_fit": 0.2505, "characteristic": 0.4,
    }  # fmt: skip
    assert params["x0_mm"] == pytest.approx([15.0, 25.0, 40.0])
    assert (params["verdict"]["colour"], params["verdict"]["reasons"]) == ("green", [])
    judged = {gate["number"]: gate["value"] for gate in params["verdict"]["gates"]}
    assert judged["brain_dice"] == 0.97
    assert judged["network_disagreement"] == 0.01
    assert judged["objective_rise"] == pytest.approx(0.251 - 0.4)
    assert judged["lambda_mm"] == 5.0
    assert judged["outline_rms_mm"] == 1.8
    assert len(params["inputs"][0]["sha256"]) == 64
    each = {
        "method", "lift", "x0", "weight", "seed", "relative_error_u", "objective",
        "dice", "status", "seconds",
    }  # fmt: skip
    assert [fit["name"] for fit in params["fits"]] == [
        "bilo_char_inferred_seed0", "bilo_char_inferred_seed1"
    ]  # fmt: skip
    assert all(each <= set(fit) for fit in params["fits"])
    assert all(fit["rhoT"] == {"value": 6.0, **unknown} for fit in params["fits"])
    assert all(fit["x0_interval90_mm"] is None for fit in params["fits"])


def test_the_output_is_the_model_and_reads_back(bundle: Any) -> None:
    """Every key is known, none is missing, and nothing is changed by reading."""
    step_metrics(bundle.job)
    result = read_result(bundle.files.params)
    assert result.model_dump(mode="json") == read_json(bundle.files.params)
    assert result.fit(result.headline).lambda_mm.value == result.lambda_mm.value
    assert set(read_json(bundle.files.params)) == set(PatientResult.model_fields)


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"lambda_mm": 5.0}, "lambda_mm"),
        ({"rhoT": {"value": 6.0, "sd": 0.6}}, "rhoT.median"),
        ({"relifted": False}, "relifted"),
        ({"dimensions": None}, "dimensions"),
    ],
)
def test_a_file_of_another_version_is_refused_by_name(
    bundle: Any, change: dict[str, Any], key: str
) -> None:
    step_metrics(bundle.job)
    path = bundle.files.params
    write_sealed(path, read_json(path) | change)
    with pytest.raises(InputError, match="not a result of this version") as refused:
        read_result(path)
    assert (refused.value.file, refused.value.key) == (path, key)


def test_the_headline_is_that_of_the_first_seed_in_the_settings(bundle: Any) -> None:
    fits = planned(bundle.job.settings)
    bundle.settings["fit"]["seeds"] = [1, 0]
    gather_fits(bundle.job, fits)
    assert read_json(bundle.files.params)["headline"] == "bilo_char_inferred_seed1"


def test_a_start_without_a_core_has_no_error_of_its_radius(bundle: Any) -> None:
    path = bundle.work / "characteristic.json"
    write_sealed(path, read_json(path) | {"radius_error": {"WT": 0.001}})
    step_metrics(bundle.job)
    start = read_json(bundle.files.params)["characteristic"]
    assert start["radius_error"] == {"WT": 0.001, "TC": None}


def test_table_has_every_model_and_no_other_network(bundle: Any) -> None:
    step_metrics(bundle.job)
    lines = bundle.files.metrics.read_text().splitlines()
    assert lines[0].split("\t") == ["model", "region", "metric", "value"]
    rows = {tuple(line.split("\t")[:3]): line.split("\t")[3] for line in lines[1:]}
    assert set(rows) == {
        (model, region, metric)
        for model in MODELS for region in ("WT", "TC")
        for metric in ("dice", "hd95_mm", "area_mm2")
    } | {
        (model, "WT", metric)
        for model in ("bilo_fdm", "direct_fdm", "posterior", "posterior_low", "posterior_high")
        for metric in ("extent_0.1_mm2", "extent_0.01_mm2", "margin_0.1_mm", "margin_0.01_mm")
    }  # fmt: skip
    assert float(rows["bilo_fdm", "WT", "dice"]) == 0.90


def test_missing_values_are_named_so(bundle: Any) -> None:
    path = bundle.work / "verify" / "bilo_char_inferred_seed0.json"
    record = read_json(path)
    record["metrics"]["network"]["TC"] = {"dice": None, "hd95_mm": None, "area_mm2": 0.0}
    write_sealed(path, record)
    step_metrics(bundle.job)
    assert "bilo_network\tTC\thd95_mm\tn/a" in bundle.files.metrics.read_text()


def test_refused_without_headline_or_verification(bundle: Any) -> None:
    with pytest.raises(InputError, match="char lift"):
        gather_fits(bundle.job, compared(bundle.job.settings)[:1])
    bundle.files.verified("bilo_char_inferred_seed1").unlink()
    with pytest.raises(InputError, match="bilo_char_inferred_seed1"):
        step_metrics(bundle.job)


def test_origins_of_the_references_are_in_the_patients_space(bundle: Any) -> None:
    step_metrics(bundle.job)
    direct = read_json(bundle.files.params)["baselines"]["direct_fdm"]
    assert direct["x0_mm"] == pytest.approx([15.5, 25.0, 40.0])


@pytest.mark.parametrize(
    ("change", "colour", "word"),
    [
        ({"relative_error_u": dict.fromkeys(ERRORS, 0.07)}, "red", "differ by 7.0%"),
        ({"relative_error_u": dict.fromkeys(ERRORS)}, "red", "an unknown amount"),
        ({"objective": {"network": 0.5, "fdm": 0.5}}, "red", "worse than the characteristic start"),
        ({"status": "undecided", "warnings": ["a reason"]}, "amber", "undecided): a reason"),
    ],
)
def test_what_a_fit_fails_sets_the_verdict(
    bundle: Any, change: dict[str, Any], colour: str, word: str
) -> None:
    path = bundle.work / "verify" / "bilo_char_inferred_seed0.json"
    write_sealed(path, read_json(path) | change)
    step_metrics(bundle.job)
    verdict = read_json(bundle.files.params)["verdict"]
    assert verdict["colour"] == colour
    assert [text for text in verdict["reasons"] if word in text]


def test_a_fit_clearly_above_the_direct_fit_has_not_converged(bundle: Any) -> None:
    """The limit holds to the digit."""
    path = bundle.work / "verify" / "bilo_char_inferred_seed0.json"
    for gap, status, colour in ((0.0019, "converged", "green"), (0.0021, "not converged", "amber")):
        record = read_json(path)
        record["objective"]["fdm"] = 0.2505 + gap
        write_sealed(path, record)
        step_metrics(bundle.job)
        params = read_json(bundle.files.params)
        assert (params["status"], params["verdict"]["colour"]) == (status, colour)
        assert params["converged"] is (status == "converged")
        fits = {fit["name"]: fit for fit in params["fits"]}
        assert fits["bilo_char_inferred_seed0"]["status"] == status
        assert fits["bilo_char_inferred_seed1"]["status"] == "converged"
    said = opening(read_result(bundle.files.params))
    assert said.startswith("Not converged: the classical fit is clearly")
    assert "the direct fit's objective is 0.0021 lower" in params["warnings"]


@pytest.mark.parametrize("missing", ["fdm", "direct"])
def test_an_objective_that_is_no_number_is_never_green(bundle: Any, missing: str) -> None:
    path = bundle.work / "verify" / "bilo_char_inferred_seed0.json"
    if missing == "direct":
        path = bundle.work / "baselines.json"
    record = read_json(path)
    if missing == "fdm":
        record["objective"]["fdm"] = None
    else:
        record["direct_fdm"]["objective"] = None
    write_sealed(path, record)
    step_metrics(bundle.job)
    params = read_json(bundle.files.params)
    assert params["verdict"]["colour"] != "green"
    assert params["converged"] is False


def test_a_bounded_or_unfinished_direct_fit_is_never_green(bundle: Any) -> None:
    path = bundle.work / "baselines.json"
    record = read_json(path)
    said = ["lambda sits on a bound"], ["the last descent was cut short"], []
    for warnings in said:
        record["direct_fdm"] |= {"warnings": warnings, "converged": False}
        write_sealed(path, record)
        step_metrics(bundle.job)
        result = read_result(bundle.files.params)
        assert result.verdict.colour == "amber"
        assert (warnings or ["it has not converged"])[0] in result.verdict.reasons[0]
        assert opening(result).startswith("The classical fit")


def test_a_direct_fit_that_misses_a_region_has_not_converged(bundle: Any) -> None:
    """Of a tumour of one voxel the best that the model can draw is nothing."""
    path = bundle.work / "baselines.json"
    record = read_json(path)
    record["direct_fdm"]["metrics"]["WT"]["dice"] = 0.0
    write_sealed(path, record)
    bundle.settings["fit"]["method"] = "direct"
    step_metrics(bundle.job)
    result = read_result(bundle.files.params)
    assert (result.status, result.converged) == ("not converged", False)
    assert any("WT that it predicts" in reason for reason in result.verdict.reasons)


def test_a_hard_gate_of_the_images_comes_before_a_doubt_about_the_fit(bundle: Any) -> None:
    numbers = read_json(bundle.work / "quality.json")["numbers"] | {"enhancing_fraction": 0.001}
    write_sealed(bundle.work / "quality.json", {"numbers": numbers})
    path = bundle.work / "fits" / "bilo_char_inferred_seed0.json"
    write_sealed(path, read_json(path) | {"lambda_mm": 15.0})
    step_metrics(bundle.job)
    verdict = read_json(bundle.files.params)["verdict"]
    assert verdict["colour"] == "red"
    assert "probably no glioblastoma" in verdict["reasons"][0]
    assert "outside the 90 % interval" in verdict["reasons"][1]
    assert "sits on a bound" in verdict["reasons"][2]


def test_cost_of_the_steps_that_belong_to_the_result(tmp_path: Path) -> None:
    header = "s\th:m:s\tmax_rss\tcpu_time\n"
    rows = {"check": ("0.4", "NA"), "fit_a": ("60.5", "512.25"), "fit_old": ("99.0", "9999.0"),
            "direct_fixed": ("5.0", "100.0"), "comparison": ("1.0", "100.0")}  # fmt: skip
    for n, (name, (seconds, memory)) in enumerate(rows.items()):
        file = tmp_path / f"{name}.tsv"
        file.write_text(f"{header}{seconds}\t0:00:00\t{memory}\t1.0\n")
        os.utime(file, (n, n))
    assert cost(tmp_path, ["a"]).model_dump(mode="json") == {
        "steps": [
            {"step": "check", "seconds": 0.4, "peak_memory_mb": None},
            {"step": "fit_a", "seconds": 60.5, "peak_memory_mb": 512.25},
        ],
        "seconds": 60.9,
        "peak_memory_mb": 512.25,
    }
