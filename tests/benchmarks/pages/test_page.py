"""The page of results says what the numbers say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from benchmarks import experiments
from benchmarks.__main__ import main
from benchmarks.pages import page, reading, table
from benchmarks.results import store
from tests.benchmarks.made import cost_result, result, write


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """Two seeds of BiLO, a PINN that is wrong and sure of itself, the direct fit, the cost."""
    root = tmp_path / "results"
    write(
        root,
        [
            result("bilo", 0, 0.0, 0.01),
            result("bilo", 1, 0.0, 0.03),
            result("pinn", 0, 0.0, 0.5, status="converged", u_rel_l2_vs_fdm=1e-2, seconds=4.0),
            result("direct_fit", 0, 0.0, 1e-8, seconds=0.05),
            cost_result(),
        ],
    )
    return root


def test_where_bilo_wins_and_where_it_does_not(runs: Path) -> None:
    data, _, *said = reading.read("fisher_kpp", store.read("fisher_kpp", runs))
    assert data == "D 2, rho 2, no noise:"
    assert said == [
        "* Nearest to the direct fit's unknowns: bilo (1 %), pinn w_dat 10 (25 %).",
        "* Nearest to the numerical solution at its own unknowns: "
        "bilo (0.01 %), pinn w_dat 10 (1 %).",
        "* Fastest: direct_fit (0.05 s), pinn w_dat 10 (4 s), bilo (5 s).",
        "* bilo: 2 of 2 runs called converged; 2 agree with the direct fit.",
        "* pinn w_dat 10: 1 of 1 runs called converged, **1 wrongly**; 0 agree with the direct "
        "fit.",
    ]
    (row,) = reading.winners("fisher_kpp", store.read("fisher_kpp", runs))
    assert row["unknowns"] == "bilo (1 %)"
    assert row["iterations"] == "-"
    assert row["seconds"] == "direct_fit (0.05 s)"


def test_the_cost_in_words(runs: Path) -> None:
    step, fast, paper = reading.read("cost", store.read("cost", runs))
    assert "takes 60 ms with the engine and 60 ms by textbook nested autograd, 3.2 times" in step
    assert "for 5 of 5 seeds, in a median of 6 s" in fast
    assert "0.05 s, 120 times less" in fast
    assert "100 of its 60000 steps were run; all would take 3.6e3 s here" in paper


def test_the_page(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(runs.parent)
    figure = runs / "fisher_kpp" / "figures" / "errors.svg"
    figure.parent.mkdir()
    figure.write_text("<svg/>")
    assert main(["page", "--results", "results", "--out", "docs/results.md"]) == 0
    text = Path("docs/results.md").read_text()
    assert "snakemake --cores all bench_fisher_kpp\n" in text
    assert "python -m benchmarks page --results results --out docs/results.md\n" in text
    assert "abacus, 2 cores, Linux" in text
    assert "torch 2.0" in text
    assert re.findall(r"^## (.*)", text, re.MULTILINE) == ["Who wins", "fisher_kpp", "cost"]
    missing = [name for name in experiments.names() if name not in ("fisher_kpp", "cost")]
    assert f"Without results here: {', '.join(missing)}." in text
    for line in table.lines("fisher_kpp", store.read("fisher_kpp", runs)):
        assert line in text
    assert "(results/fisher_kpp-errors.svg)" in text
    assert Path("docs/results/fisher_kpp-errors.svg").read_text() == "<svg/>"


def test_the_page_among_the_results_links_their_figures(runs: Path) -> None:
    figure = runs / "fisher_kpp" / "figures" / "errors.svg"
    figure.parent.mkdir()
    figure.write_text("<svg/>")
    page.write(runs, runs / "RESULTS.md")
    assert "(fisher_kpp/figures/errors.svg)" in (runs / "RESULTS.md").read_text()
    assert not (runs / "RESULTS").exists()


def test_no_results(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["page", "--results", str(tmp_path)]) == 1
    assert "no results in" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
