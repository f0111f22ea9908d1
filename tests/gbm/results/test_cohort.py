"""Every patient of the command appears, with its numbers or with the reason why it has none."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gbm.config.plan import planned_steps
from gbm.config.settings import Settings
from gbm.io.cohort_layout import CohortLayout
from gbm.io.ending import Ending
from gbm.io.files import read_json, write_json, write_sealed, write_text
from gbm.io.layout import Layout
from gbm.report.cohort_page import distributions, patient_row, render_cohort
from gbm.results import cohort
from gbm.results.cohort import Member, by_dimension
from gbm.results.estimate import Estimate
from gbm.results.fit_entry import DensityError
from gbm.results.metrics_table import read_metrics
from gbm.results.patient_result import PatientResult, read_result
from gbm.results.verdict import Colour, Verdict
from gbm.steps.cohort import run as step_cohort
from gbm.steps.metrics import run as step_metrics
from tests.browser import chromium

GROWTH = ("lambda_mm", "rhoT", "DT_mm2")
ENDS = ("lambda_mm_low", "lambda_mm_high", "rhoT_low", "rhoT_high")
PLAN = planned_steps(Settings(), registered=False)


@pytest.fixture
def results(bundle: Any) -> Path:
    """One patient done, one failed at its check, one failed later, one not begun."""
    step_metrics(bundle.job)
    logs = bundle.root / "logs"
    write_text(logs / "sub-p1" / "check.log", "all well\n")
    write_text(
        logs / "sub-bad" / "check.log",
        "reading\nerror: /data/bad.yaml: patient.tissue.wm: file <b>not</b> found\n",
    )
    write_text(logs / "sub-late" / "tissue.log", "Traceback ...\nerror: RuntimeError: diverged\n")
    names = ("p1", "bad", "late", "idle")
    step_cohort(
        CohortLayout(bundle.root),
        {n: Path(f"cohort/{n}.yaml") for n in names},
        dict.fromkeys(names, PLAN),
    )
    return bundle.root


def rows_of(path: Path) -> list[dict[str, str]]:
    lines = [line.split("\t") for line in path.read_text().splitlines()]
    assert len({len(line) for line in lines}) == 1
    return [dict(zip(lines[0], line, strict=True)) for line in lines[1:]]


def test_participants_have_one_row_each(results: Path) -> None:
    rows = {row["participant_id"]: row for row in rows_of(results / "participants.tsv")}
    assert list(rows) == ["sub-p1", "sub-bad", "sub-late", "sub-idle"]
    assert rows["sub-p1"]["status"] == "done"
    assert rows["sub-p1"]["verdict"] == "green"
    done = {name: rows["sub-p1"][name] for name in rows["sub-p1"]}
    assert float(done["lambda_mm"]) == 5.0
    # the 5 and 95 % of the samples, 1.845, stretched by the scatter of the slices
    wide = 1.845 * np.sqrt(0.2**2 + 0.2**2 / 1.4), 1.845 * np.sqrt(0.1**2 + 0.1**2 / 1.4)
    assert float(done["lambda_mm_low"]) == pytest.approx(4.8 * np.exp(-wide[0]), rel=1e-4)
    assert float(done["lambda_mm_high"]) == pytest.approx(4.8 * np.exp(wide[0]), rel=1e-4)
    assert float(done["rhoT_low"]) == pytest.approx(6.2 * np.exp(-wide[1]), rel=1e-4)
    assert float(done["rhoT_high"]) == pytest.approx(6.2 * np.exp(wide[1]), rel=1e-4)
    assert rows["sub-bad"]["status"] == "failed"
    assert "patient.tissue.wm" in rows["sub-bad"]["reason"]
    assert {rows["sub-bad"][name] for name in (*GROWTH, *ENDS)} == {"n/a"}
    assert "diverged" in rows["sub-late"]["reason"]
    assert rows["sub-idle"]["status"] == "unfinished"
    described = json.loads((results / "participants.json").read_text())
    assert list(described) == list(rows["sub-p1"])
    assert all(column["Description"] for column in described.values())


def test_metrics_have_one_row_each(results: Path) -> None:
    rows = {row["participant_id"]: row for row in rows_of(results / "cohort_metrics.tsv")}
    assert list(rows) == ["sub-p1", "sub-bad", "sub-late", "sub-idle"]
    assert len(rows["sub-p1"]) == 3 + 5 * 2 * 4 + 5 * 6
    found = read_metrics(results / "sub-p1" / "anat" / "sub-p1_desc-growth_metrics.tsv")
    for model, regions in found.items():
        for region, metrics in regions.items():
            for metric, number in metrics.items():
                assert float(rows["sub-p1"][f"{model}_{metric}_{region}"]) == number
    assert rows["sub-bad"]["bilo_fdm_dice_WT"] == "n/a"


def test_page_names_the_reasons_escaped_and_loads_nothing(results: Path) -> None:
    text = (results / "cohort.html").read_text()
    assert "patient.tissue.wm: file &lt;b&gt;not&lt;/b&gt; found" in text
    assert "RuntimeError: diverged" in text
    assert 'href="sub-p1.html"' in text
    assert "bad.yaml" in text
    assert "cohort/bad.yaml" not in text  # folders may name a person
    assert "default-src 'none'" in text
    assert not re.search(r"(src|href)=[\"']?(https?:)?//", text)
    assert "Distributions" not in text  # one patient has none


def test_a_failure_counts_more_than_earlier_results(bundle: Any, results: Path) -> None:
    write_text(bundle.root / "logs" / "sub-p1" / "check.log", "error: seg.nii.gz: truncated\n")
    member = cohort.read_member(bundle.files, Path("p1.yaml"), PLAN)
    assert member.status == "failed"
    assert member.result is None


def test_a_failure_lives_as_long_as_its_cause(bundle: Any, results: Path) -> None:
    """Steps that are not planned any more, and failures that the results came after."""
    logs = bundle.files.logs
    for step in ("register", "fit_bilo_char_inferred_seed7"):
        write_text(logs / f"{step}.log", "error: RuntimeError: of a plan that was given up\n")
    write_text(logs / "tissue.log", "error: OSError: no space left\n")
    os.utime(logs / "tissue.log", (1.0, 1.0))
    assert cohort.read_member(bundle.files, Path("p1.yaml"), PLAN).status == "done"
    planned = PLAN | {"register"}
    member = cohort.read_member(bundle.files, Path("p1.yaml"), planned)
    assert member.reasons == ("register: RuntimeError: of a plan that was given up",)


def test_an_edited_result_is_named(bundle: Any, results: Path) -> None:
    path = bundle.files.params
    write_json(path, read_json(path) | {"seconds": 1.0})
    member = cohort.read_member(bundle.files, Path("p1.yaml"), PLAN)
    assert member.status == "unfinished"
    assert member.reasons[0].startswith(f"{path.name}: was edited by hand since it was made")


def test_a_comparison_that_failed_takes_nothing_from_the_main_job(
    bundle: Any, results: Path
) -> None:
    logs = bundle.files.logs
    write_text(logs / "fit_pinn_char_w1e-3_seed0.log", "error: RuntimeError: diverged\n")
    killed = (logs / "fit_bilo_heat_inferred_seed0.log",)
    ending = Ending(failed=(killed,), left={logs / "comparison.log"})
    member = cohort.read_member(bundle.files, Path("p1.yaml"), PLAN, ending)
    assert member.status == "done"
    ending = Ending(failed=((logs / "fit_bilo_char_inferred_seed0.log",),))
    assert cohort.read_member(bundle.files, Path("p1.yaml"), PLAN, ending).status == "failed"


def test_a_result_of_another_version_is_named_and_spoils_no_page(
    bundle: Any, results: Path
) -> None:
    path = bundle.files.params
    write_sealed(path, read_json(path) | {"lambda_mm": 5.0})
    member = cohort.read_member(Layout(results, "p1"), Path("p1.yaml"), PLAN)
    assert (member.status, member.result) == ("unfinished", None)
    assert path.name in member.reasons[0]


def test_work_that_a_stopped_command_left_counts_more_than_results(results: Path) -> None:
    """They may be those of an earlier command, and the page of the patient may be missing."""
    logs = results / "logs"
    ending = Ending(stopped=True, left={logs / "sub-p1" / "report.log"})
    member = cohort.read_member(Layout(results, "p1"), Path("p1.yaml"), PLAN, ending)
    assert (member.status, member.result) == ("unfinished", None)
    other = Ending(stopped=True, left={logs / "sub-late" / "report.log"})
    assert cohort.read_member(Layout(results, "p1"), Path("p1.yaml"), PLAN, other).status == "done"


def test_description_is_bids(results: Path) -> None:
    described = json.loads((results / "dataset_description.json").read_text())
    assert {"Name", "BIDSVersion", "DatasetType", "GeneratedBy"} <= set(described)
    assert described["DatasetType"] == "derivative"
    ignored = (results / ".bidsignore").read_text().split()
    assert "work" in ignored


def test_a_cohort_without_results_still_has_its_page(tmp_path: Path) -> None:
    step_cohort(CohortLayout(tmp_path), {"x": Path("x.yaml")}, {"x": PLAN})
    assert "No patient has results yet" in (tmp_path / "cohort.html").read_text()
    (row,) = rows_of(tmp_path / "cohort_metrics.tsv")
    assert set(row.values()) == {"sub-x", "unfinished", "n/a"}


def sure(value: float) -> Estimate:
    """A number whose median is 0.1 above what the fit found."""
    return Estimate(
        value=value, median=value + 0.1, sd=0.5, sd_posterior=0.3, sd_slices=0.4,
        interval90=(value - 0.7, value + 1.0),
    )  # fmt: skip


def member(
    result: PatientResult, name: str, lambda_mm: float, whole: float, colour: Colour
) -> Member:
    """A patient that is done."""
    why = () if colour == "green" else (f"what is wrong with {name}",)
    found = {
        "verdict": Verdict(colour=colour, reasons=why, gates=()),
        "lambda_mm": sure(lambda_mm), "rhoT": Estimate.of(7.0),
        "DT_mm2": Estimate.of(100.0), "seconds": 40.0,
        "relative_error_u": DensityError(
            final=ERRORS.get(name), all_t=ERRORS.get(name), final_with_interface=None
        ),
    }  # fmt: skip
    models = ("bilo_fdm", "characteristic_fdm", "direct_fdm", "disc")
    metrics = {
        model: {"WT": {"dice": whole - 0.01 * n}, "TC": {"dice": None}}
        for n, model in enumerate(models)
    }
    return Member(name, f"{name}.yaml", "done", why, result.model_copy(update=found), metrics)


ERRORS = {"b": 0.01, "a": None, "c": 0.03}


@pytest.fixture
def three(result: PatientResult) -> list[Member]:
    return [
        member(result, "b", 5.0, 0.91, "green"),
        member(result, "a", 11.0, 0.85, "red"),
        member(result, "c", 2.0, 0.88, "amber"),
    ]


def test_references_stand_beside_bilo(three: list[Member]) -> None:
    texts = [cell.text for cell in patient_row(three[0])["cells"]]
    assert texts == [
        "5.10 [4.30 to 6.00]", "7.00", "1\xa0%", "0.91", "0.90", "0.89", "0.88", *"––––", "40"
    ]  # fmt: skip


def test_distributions_show_every_patient(three: list[Member]) -> None:
    drawn = distributions(three)
    assert set(drawn) == {"overlaps", "parameters"}
    text = render_cohort(three)
    assert text.count("data:image/svg+xml;base64,") == 2


def test_verdicts_that_are_not_green_have_their_reason_below_the_table(three: list[Member]) -> None:
    text = render_cohort(three)
    table, below = text.split("</table>", 1)
    assert "what is wrong" not in table
    assert [name for name in "abc" if f"what is wrong with {name}" in below] == ["a", "c"]
    assert "not green" not in render_cohort(three[:1])


@pytest.fixture
def mixed(bundle: Any, volume_bundle: Any) -> list[Member]:
    """Two patients of whom a slice was fitted, and two whole tumours."""
    found = []
    for made, name, lambda_mm, whole in (
        (bundle, "b", 5.0, 0.91),
        (volume_bundle, "c", 2.0, 0.80),
        (bundle, "a", 7.0, 0.85),
        (volume_bundle, "d", 3.0, 0.70),
    ):
        step_metrics(made.job)
        own = read_result(made.files.params)
        found.append(member(own, name, lambda_mm, whole, "green"))
    return found


def test_numbers_of_slices_and_of_whole_tumours_are_never_mixed(mixed: list[Member]) -> None:
    groups = by_dimension(mixed)
    assert {d: [m.patient for m in own] for d, own in groups.items()} == {
        2: ["b", "a"],
        3: ["c", "d"],
    }
    assert cohort.medians(groups[2])["bilo_fdm"]["WT"] == pytest.approx(0.88)
    assert cohort.medians(groups[3])["bilo_fdm"]["WT"] == pytest.approx(0.75)
    text = render_cohort(mixed)
    # a table, two plots and medians of each, under their names
    assert text.count("<h3>One slice of the tumour") == text.count("<h3>The whole tumour") == 3
    assert text.count("data:image/svg+xml;base64,") == 4
    tables = text.split("<table")[1:]
    assert [re.findall(r">sub-(\w)</a>", table)[:2] for table in tables[:2]] == [
        ["b", "a"],
        ["c", "d"],
    ]
    first, second = tables[2:]
    assert ">0.880<" in first
    assert ">0.750<" in second
    assert ">0.825<" not in text  # of all four
    assert ">ball<" in second
    assert ">disc<" in first
    assert "A plain ball of the same volume scores higher" in text
    # one dimension alone needs no name, unless it is the whole tumour
    assert "<h3>" not in render_cohort(groups[2])
    assert "<h3>The whole tumour" in render_cohort(groups[3])


def test_tables_of_a_mixed_cohort(bundle: Any, volume_bundle: Any, tmp_path: Path) -> None:
    members = []
    for made in (bundle, volume_bundle):
        step_metrics(made.job)
        members.append(cohort.read_member(made.files, Path("p1.yaml"), PLAN))
    rows = [dict(zip(cohort.COLUMNS, row, strict=True)) for row in cohort.participant_rows(members)]
    assert [row["dimensions"] for row in rows] == ["2", "3"]
    columns = cohort.cohort_metric_columns()
    plane, volume = (
        dict(zip(columns, row, strict=True)) for row in cohort.cohort_metric_rows(members)
    )
    assert (plane["bilo_fdm_area_mm2_WT"], volume["bilo_fdm_area_mm2_WT"]) == ("380", "n/a")
    assert (plane["bilo_fdm_volume_ml_WT"], volume["bilo_fdm_volume_ml_WT"]) == ("n/a", "2.144")
    for model, share in (
        ("bilo_fdm", 1.0), ("direct_fdm", 1.0), ("posterior", 1.05),
        ("posterior_low", 0.85), ("posterior_high", 1.25),
    ):  # fmt: skip
        assert float(plane[f"{model}_extent_0.1_mm2_WT"]) == pytest.approx(63.4 * share)
        assert float(volume[f"{model}_extent_0.01_ml_WT"]) == pytest.approx(217.6 * share)
        assert plane[f"{model}_extent_0.1_ml_WT"] == volume[f"{model}_extent_0.1_mm2_WT"] == "n/a"
        for row in (plane, volume):
            assert float(row[f"{model}_margin_0.1_mm_WT"]) == pytest.approx(4.24 * share)
    assert not [name for name in columns if "posterior" in name and "dice" in name]
    assert not [name for name in columns if "extent" in name and ("disc" in name or "_TC" in name)]


def test_a_click_sorts_the_patients(three: list[Member], tmp_path: Path) -> None:
    page = tmp_path / "cohort.html"
    page.write_text(render_cohort(three), encoding="utf-8")
    rows = (
        "[...document.querySelectorAll('#patients tbody tr')]"
        ".map((row) => row.cells[0].dataset.value).join('')"
    )
    with chromium(tmp_path / "profile") as browser:
        browser.open(page)
        assert browser.evaluate(rows) == "bac"  # as the command names them
        for name, up, down in (
            ("patient", "abc", "cba"), ("verdict", "bca", "acb"), ("λ, mm", "cba", "abc"),
            ("error of u", "bca", "cba"),  # unknown comes last either way
            ("BiLO", "acb", "bca"),
        ):  # fmt: skip
            for order in (up, down):
                browser.evaluate(
                    "[...document.querySelectorAll('th button')]"
                    f".find((b) => b.textContent === '{name}').click()"
                )
                assert browser.evaluate(rows) == order, name
        assert browser.complaints == []
        assert {address.split(":")[0] for address in browser.requests} <= {"file", "data"}
