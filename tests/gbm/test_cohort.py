"""Every patient of the command appears, with its numbers or with the reason why it has none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gbm import assemble, cohort
from gbm.files import write_text


@pytest.fixture
def results(bundle: Any) -> Path:
    """One patient done, one failed at its check, one failed later, one not begun."""
    assemble.run(**bundle.inputs())
    logs = bundle.root / "logs"
    write_text(logs / "sub-p1" / "check.log", "all well\n")
    write_text(
        logs / "sub-bad" / "check.log",
        "reading\nerror: /data/bad.yaml: patient.tissue.wm: file <b>not</b> found\n",
    )
    write_text(logs / "sub-late" / "register.log", "Traceback ...\nerror: RuntimeError: diverged\n")
    cohort.run(
        results=bundle.root,
        patients={name: Path(f"cohort/{name}.yaml") for name in ("p1", "bad", "late", "idle")},
        logs=logs,
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
    assert float(rows["sub-p1"]["lambda_mm"]) == 5.0
    assert rows["sub-bad"]["status"] == "failed"
    assert "patient.tissue.wm" in rows["sub-bad"]["reason"]
    assert rows["sub-bad"]["lambda_mm"] == "n/a"
    assert "diverged" in rows["sub-late"]["reason"]
    assert rows["sub-idle"]["status"] == "unfinished"


def test_metrics_of_the_patients_that_are_done(results: Path) -> None:
    rows = rows_of(results / "cohort_metrics.tsv")
    assert {row["participant_id"] for row in rows} == {"sub-p1"}
    assert len(rows) == 7 * 2 * 3


def test_page_names_the_reasons_escaped_and_loads_nothing(results: Path) -> None:
    text = (results / "cohort.html").read_text()
    assert "patient.tissue.wm: file &lt;b&gt;not&lt;/b&gt; found" in text
    assert "RuntimeError: diverged" in text
    assert 'href="sub-p1.html"' in text
    assert "cohort/bad.yaml" in text
    assert "<script" not in text
    assert "http" not in text


def test_a_failure_counts_more_than_earlier_results(bundle: Any, results: Path) -> None:
    write_text(bundle.root / "logs" / "sub-p1" / "check.log", "error: seg.nii.gz: truncated\n")
    member = cohort.read_member(bundle.root, "p1", Path("p1.yaml"), bundle.root / "logs")
    assert member.status == "failed"
    assert member.params is None


def test_description_is_bids(results: Path) -> None:
    described = json.loads((results / "dataset_description.json").read_text())
    assert {"Name", "BIDSVersion", "DatasetType", "GeneratedBy"} <= set(described)
    assert described["DatasetType"] == "derivative"
    ignored = (results / ".bidsignore").read_text().split()
    assert "work" in ignored


def test_a_cohort_without_results_still_has_its_page(tmp_path: Path) -> None:
    cohort.run(results=tmp_path, patients={"x": Path("x.yaml")}, logs=tmp_path / "logs")
    assert "No patient has results yet" in (tmp_path / "cohort.html").read_text()
    assert rows_of(tmp_path / "cohort_metrics.tsv") == []
