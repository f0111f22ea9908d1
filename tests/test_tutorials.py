"""The tutorials do what they say: what their code prints and draws is what their pages show."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tutorials import FOLDER, QUICK, agree, figures, run


@pytest.mark.parametrize("page", QUICK, ids=lambda page: page.stem)
def test_a_tutorial_prints_and_draws_what_its_page_shows(page: Path, tmp_path: Path) -> None:
    for printed, expected in run(page, tmp_path):
        assert agree(printed, expected), f"printed:\n{printed}\nexpected:\n{expected}"
    assert {file.name for file in tmp_path.glob("*.svg")} == figures(page)
    for figure in figures(page):
        drawn, shown = ((f / figure).stat().st_size for f in (tmp_path, FOLDER / "figures"))
        assert drawn == pytest.approx(shown, rel=0.2), f"{figure}: python -m tests.tutorials"


@pytest.mark.slow
def test_the_tutorial_of_a_patient(tmp_path: Path) -> None:
    for printed, expected in run(FOLDER / "patient.md", tmp_path):
        assert not expected or agree(printed, expected), printed
    assert (tmp_path / "results/gbm/sub-p07.html").stat().st_size > 1e6


def test_numbers_agree_within_a_tolerance_and_words_to_the_letter() -> None:
    assert agree("D = 0.81, 3 steps in 5 s", "D  = 0.80, 3 steps in ...")
    assert agree("off by 2e-07", "off by 3.1e-05")
    assert not agree("D = 0.70", "D = 0.80")
    assert not agree("not converged, D = 0.80", "converged, D = 0.80")
