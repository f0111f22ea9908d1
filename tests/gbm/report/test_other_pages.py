"""The page of a direct fit speaks of no network; that of the comparison shows them all."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gbm.io.cohort_layout import CohortLayout
from gbm.io.files import write_text
from gbm.io.layout import arrays
from gbm.report.cohort_page import TITLES, render_cohort
from gbm.report.comparison_findings import Compared, summary
from gbm.report.comparison_page import median_rows, patient_rows, render_comparison
from gbm.results.cohort import IGNORED, Member
from gbm.results.export import predicted_density
from gbm.results.metrics_table import read_metrics
from gbm.results.patient_result import read_result
from gbm.steps.comparison_page import run as step_page
from gbm.steps.export import run as step_export
from gbm.steps.metrics import run as step_metrics
from tests.gbm.report.test_patient_page import Structure


@pytest.fixture
def page(reported: Any) -> str:
    return reported("slice without network").files.page.read_text()


def read(text: str) -> str:
    """What a reader sees: no style, no scripts, no settings, no pictures."""
    for block in ("style", "script", "details"):
        text = re.sub(rf"<{block}.*?</{block}>", "", text, flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", text))


def test_the_page_of_a_direct_fit_is_sound(page: str, reported: Any) -> None:
    structure = Structure()
    structure.feed(page)
    assert structure.open == []
    assert structure.anchors <= structure.ids
    figures = reported("slice without network").files.figures
    drawn = {path.stem for path in figures.glob("*.svg")}
    assert drawn >= {"density_fdm", "profile", "surface", "scores", "views"}
    assert not drawn & {"density_network", "error", "losses", "unknowns", "time"}


def test_it_says_that_there_is_no_network_and_nothing_of_bilo(page: str) -> None:
    text = read(page)
    assert "No network was trained (fit.method: direct)" in text
    assert "without any network" in text
    assert "A disc" in text or "a plain disc" in text
    assert not re.search(r"BiLO|PINN|BiLO network|None", text.replace("bilo-gbm", ""))
    # 4.8 exp(1.845 sqrt(.2^2 + .2^2 / 1.4)): samples of variance 1.4 and slices of sd .2
    assert "the width λ = 4.8 mm (90 % 3.0 to 7.8)" in text
    assert "The fit itself found λ = 5.0 mm, ρT = 6.0, D·T = 151 mm²" in text


def test_the_density_of_a_direct_fit_is_exported(direct_bundle: Any) -> None:
    step_metrics(direct_bundle.job)
    files, result = direct_bundle.files, read_result(direct_bundle.files.params)
    with np.load(arrays(files.baselines)) as stored:
        assert np.array_equal(predicted_density(result, files), stored["u_direct"])
    files.density.unlink()
    step_export(direct_bundle.job)
    assert files.density.exists()


def member(bundle: Any) -> Member:
    step_metrics(bundle.job)
    result = read_result(bundle.files.params)
    return Member("p1", "p1.yaml", "done", (), result, read_metrics(bundle.files.metrics))


def test_a_cohort_of_direct_fits_has_no_column_of_a_network(direct_bundle: Any) -> None:
    own = [member(direct_bundle)]
    text = read(render_cohort(own))
    assert "BiLO" not in text
    assert "error of u" not in text
    assert "1 of 1 patients was fitted by the finite-volume solver itself" in text
    assert "A plain disc of the same area scores higher than the fitted growth model on 0 of 1" in (
        text
    )


def test_a_mixed_cohort_shows_what_each_patient_has(bundle: Any) -> None:
    network = member(bundle)
    bundle.settings["fit"]["method"] = "direct"
    both = [network, member(bundle)]
    page = render_cohort(both)
    rows = re.findall(r"<tr><td data-value=.*?</tr>", page, re.DOTALL)
    cells = [re.findall(r"<td[^>]*>", row) for row in rows]
    assert len({len(row) for row in cells}) == 1
    assert "1 of 2 patients was fitted" in page
    assert "on 0 of 2 patients" in page


def test_the_comparison_shows_every_fit(compared: Compared) -> None:
    names = [row["name"] for row in patient_rows(compared)]
    assert names == [
        "BiLO, char lift, origin inferred",
        "BiLO, char lift, origin inferred, seed 1",
        "direct fit, origin inferred",
        "BiLO, char lift, origin fixed",
        "BiLO, heat lift, origin inferred",
        "PINN, weight 0.001, char lift, origin inferred",
        "PINN, weight 1e-05, char lift, origin inferred",
        "direct fit, origin fixed",
        "characteristic start",
        "disc",
    ]
    assert len({len(row["cells"]) for row in patient_rows(compared)}) == 1


def test_medians_are_over_the_patients_that_have_the_fit(compared: Compared) -> None:
    result = compared.result
    shifted = result.baselines.direct_fdm.model_copy(update={"objective": 0.3505})
    other = Compared(
        result.model_copy(
            update={"baselines": result.baselines.model_copy(update={"direct_fdm": shifted})}
        ),
        compared.metrics,
        compared.comparison.model_copy(update={"fits": compared.comparison.fits[:1]}),
        {},
    )
    rows = {row["name"]: row["cells"] for row in median_rows([compared, other])}
    assert rows["direct fit, origin inferred"][0] == "2"
    assert rows["direct fit, origin inferred"][6] == "0.3005"
    assert rows["BiLO, heat lift, origin inferred"][0] == "1"
    assert rows["disc"][:5] == ["2", "–", "0.840", "–", "0.800"]


def test_the_summary_counts_who_wins(compared: Compared) -> None:
    lines = summary([compared])
    assert (
        "The PINN, by finite volumes, outlines better than the headline: the whole tumour on 0 of "
        "1 patients (worse on 1), the tumour core on 0 of 1 patients (worse on 1)." in lines
    )
    disc = {"disc": {"WT": {"dice": 0.95}, "TC": {"dice": None}}}
    better = Compared(
        compared.result, {**compared.metrics, **disc}, compared.comparison, compared.others
    )
    assert summary([compared, better])[0] == (
        "A plain disc of the same area outlines better than the headline: the whole tumour on 1 of "
        "2 patients (worse on 1), the tumour core on 0 of 1 patients (worse on 1)."
    )


def test_medians_of_the_comparison_never_mix_dimensions(compared: Compared) -> None:
    volume = Compared(
        compared.result.model_copy(update={"dimensions": 3}),
        compared.metrics,
        compared.comparison,
        compared.others,
    )
    text = render_comparison([compared, volume, volume], {})
    _, *groups = text.split("<h3>")
    assert [group.split("<")[0] for group in groups] == [*TITLES.values()]
    counts = [re.findall(r"<tr><td>disc</td><td>(\d)</td>", group) for group in groups]
    assert counts == [["1"], []]
    assert re.findall(r"<tr><td>ball</td><td>(\d)</td>", groups[1]) == ["2"]
    assert "<h3>" not in render_comparison([compared], {})


def test_the_page_is_offline_and_names_who_is_missing(
    compared: Compared, bundle: Any, tmp_path: Path
) -> None:
    files = CohortLayout(bundle.root)
    write_text(bundle.root / "logs/sub-lost/check.log", "error: seg.nii.gz: <b>truncated</b>\n")
    step_page(files, ["p1", "lost"])
    text = files.comparison.read_text()
    structure = Structure()
    structure.feed(text)
    assert structure.open == []
    assert not re.search(r"(src|href)=[\"']?(https?:)?//", text)
    assert "default-src 'none'" in text
    assert "1 of 2 patients compared" in text
    why = "check: seg.nii.gz: &lt;b&gt;truncated&lt;/b&gt;"
    assert f"sub-lost_desc-growth_params.json has not been made: {why}" in text
    assert "None" not in read(text)


def test_the_ignored_files_are_named() -> None:
    assert {
        "sub-*/anat/*_celldensity.*", "sub-*/anat/*_desc-comparison_*", "sub-*/dicom",
        "sub-*/anat/*_desc-plan_metrics.tsv",
    } <= {*IGNORED}  # fmt: skip
