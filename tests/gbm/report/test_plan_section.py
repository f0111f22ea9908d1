"""Plans on the pages: of a patient with and without a recurrence, and of a cohort."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest

from gbm.plan.table import RESEARCH
from gbm.report.cohort_page import render_cohort
from gbm.report.cohort_plans import covering, plan_rows, plan_sentences
from gbm.results.cohort import Member, read_member
from gbm.steps import metrics, plan
from gbm.steps import report as report_step
from tests.gbm.report.test_other_pages import read


def _recur(bundle: Any, mask: np.ndarray) -> None:
    """Give a recurrence, and draw and score the plans again."""
    affine = nib.load(bundle.root / "seg.nii.gz").affine
    nib.save(nib.Nifti1Image(mask.astype(np.uint8), affine), bundle.root / "rec.nii.gz")
    file = bundle.root / "p1.yaml"
    file.write_text(file.read_text() + "  recurrence: {mask: rec.nii.gz}\n")
    plan.run(bundle.job)
    metrics.run(bundle.job)


def test_the_page_of_a_whole_tumour_shows_its_plans(reported: Any) -> None:
    bundle = reported("volume")
    text = bundle.files.page.read_text()
    words = read(text)
    assert RESEARCH in words
    assert "No recurrence was given: nothing says which plan is the better one." in words
    assert 'id="plans"' in text
    drawn = {path.stem for path in bundle.files.figures.glob("plans_*.svg")}
    assert drawn == {"plans_axial", "plans_coronal", "plans_sagittal"}
    for layer in ("standard", "model", "modelrobust"):
        assert f'id="volume-{layer}"' in text


def test_the_page_of_a_slice_has_none(reported: Any) -> None:
    assert 'id="plans"' not in reported("slice").files.page.read_text()


def test_a_recurrence_is_on_the_page(volume_bundle: Any) -> None:
    _recur(volume_bundle, volume_bundle.domain.TC)
    report_step.run(volume_bundle.job)
    words = read(volume_bundle.files.page.read_text())
    assert "through the centre of the recurrence that was given" in words
    assert "the plans cover 100 % (standard), 100 % (model), 100 % (modelrobust)" in words


def _member(name: str, standard: float, model: float, ml: float = 2.0) -> Member:
    scores = {
        "standard": {"coverage": standard, "recurrence_ml": ml},
        "model": {"coverage": model, "recurrence_ml": ml},
        "modelrobust": {"coverage": None, "recurrence_ml": None},
    }
    return Member(name, f"{name}.yaml", "done", (), plans=scores)


def test_coverage_of_a_cohort_is_side_by_side_with_its_test() -> None:
    members = [_member(f"p{n}", 0.5, 0.5 + 0.01 * (n + 1)) for n in range(6)]
    members += [_member("empty", 1.0, 1.0, ml=0.0), Member("slice", "s.yaml", "done", ())]
    found = covering(members)
    assert list(found) == [f"p{n}" for n in range(6)]
    assert plan_rows(found)[0]["cells"] == ["0.500", "0.510", "–", "0.010", "–"]
    (sentence,) = plan_sentences(found)
    assert "0.035 at the median of 6 patients, 6 above and 0 below 0" in sentence
    assert "Wilcoxon signed-rank p = 0.031" in sentence
    (few,) = plan_sentences(dict([*found.items()][:3]))
    assert "no test with fewer than 6 patients" in few


def test_the_cohort_page_has_the_section_where_a_recurrence_was_given(volume_bundle: Any) -> None:
    metrics.run(volume_bundle.job)
    member = read_member(volume_bundle.files, Path("p1.yaml"), {"metrics"})
    assert member.plans is not None
    assert 'id="plans"' not in render_cohort([member])
    _recur(volume_bundle, volume_bundle.domain.WT)
    page = render_cohort([read_member(volume_bundle.files, Path("p1.yaml"), {"metrics"})])
    assert 'id="plans"' in page
    assert RESEARCH in page


@pytest.mark.parametrize("plans", [(), ("standard",)])
def test_nothing_to_compare_says_nothing(plans: tuple[str, ...]) -> None:
    assert plan_sentences({"p1": {name: {"coverage": 0.5} for name in plans}}) == []
