"""Tables and figures from results with known numbers."""

from __future__ import annotations

import csv
from pathlib import Path
from xml.etree import ElementTree

import pytest

from benchmarks.__main__ import main
from benchmarks.design import published
from benchmarks.figures import operator, trajectories
from benchmarks.pages import table
from benchmarks.results.summary import Spread
from bilo.methods.bilo import BiLO
from tests.benchmarks.made import cost_result, result, write


def _tsv(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream, delimiter="\t"))


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures that compute something compute little."""
    monkeypatch.setattr(operator, "PRETRAINED", BiLO(width=8, pretrain_steps=2, finetune_steps=0))
    monkeypatch.setattr(trajectories, "UPPER_STEPS", 3)
    monkeypatch.setattr(trajectories, "MISFIT_POINTS", 4)


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    write(
        tmp_path,
        [
            result("bilo", 0, 0.0, 0.01),
            result("bilo", 1, 0.0, 0.03),
            result("bilo", 0, 0.01, 0.2),
            result("pinn", 0, 0.0, 0.5),
            result("direct_fit", 0, 0.0, 1e-8),
        ],
    )
    return tmp_path


def test_means_over_the_seeds(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["table", "fisher_kpp", "--results", str(runs)]) == 0
    shown = capsys.readouterr().out
    assert shown == (runs / "fisher_kpp" / "table.md").read_text()
    rows = _tsv(runs / "fisher_kpp" / "table.tsv")
    assert [(r["method"], r["noise"], r["runs"], r["converged"]) for r in rows] == [
        ("bilo", "0", "2", "2"),
        ("direct_fit", "0", "1", "1"),
        ("pinn", "0", "1", "0"),
        ("bilo", "0.01", "1", "0"),
    ]
    assert float(rows[0]["D rel. error"]) == pytest.approx(0.02)
    assert float(rows[0]["D rel. error sd"]) == pytest.approx(0.02 / 2**0.5)
    assert rows[3]["D rel. error sd"] == ""
    assert "| 0.02 ± 0.014 |" in shown
    assert "second minima" in shown.lower()
    assert "no number to put beside ours" in shown


def test_a_table_of_another_name(runs: Path) -> None:
    table.write("fisher_kpp", runs, suffix="_full")
    assert (runs / "fisher_kpp" / "table_full.md").is_file()
    assert not (runs / "fisher_kpp" / "table.md").exists()


def test_figures_are_valid_and_reproducible(runs: Path) -> None:
    def drawn() -> dict[str, bytes]:
        table.write("fisher_kpp", runs)
        return {p.name: p.read_bytes() for p in (runs / "fisher_kpp" / "figures").iterdir()}

    first = drawn()
    assert set(first) == {
        "errors.svg",
        "histories.svg",
        "losses.svg",
        "trajectories.svg",
        "operator.svg",
    }
    for content in first.values():
        assert ElementTree.fromstring(content).tag.endswith("svg")
    assert drawn() == first


def test_bpn_beside_the_published_numbers(tmp_path: Path) -> None:
    common = {"experiment": "bpn", "truth": {"t0": 0.0, "t1": 1.0}, "recipe": "paper"}
    reached = {"iterations_to_target": 20, "seconds_to_target": 0.4}
    made = [
        result(method, 0, 0.0, 0.001, boundary=boundary, **common, **reached)
        for method, boundary in (("bilo", "hard"), ("bilo", "soft"), ("bpn", "soft"))
    ]
    write(tmp_path, made)
    text = table.write("bpn", tmp_path)
    assert "| bilo | paper (quick) | hard |" in text
    assert text.count("| 20 | < 80 | 0.4 | 6.4 |") == 2
    assert "| 20 | 1728 | 0.4 | 231 |" in text
    assert (tmp_path / "bpn" / "figures" / "bpn.svg").is_file()


def test_figures_of_particles(tmp_path: Path) -> None:
    common = {"experiment": "particles", "truth": {"lambda": 500.0, "mu": 10.0}}
    pinns = [result("pinn", 0, 0.0, w, w_dat=w, u_rel_l2_vs_fdm=w, **common) for w in (0.001, 0.01)]
    write(tmp_path, [result("bilo", 0, 0.0, 0.01, **common), *pinns])
    table.write("particles", tmp_path)
    drawn = {path.name for path in (tmp_path / "particles" / "figures").iterdir()}
    assert drawn == {"particles.svg", "histories.svg", "losses.svg"}


def test_cost_beside_the_published_numbers(tmp_path: Path) -> None:
    write(tmp_path, [cost_result()])
    text = table.write("cost", tmp_path)
    assert "| BiLO, engine | seconds_per_step | 0.06 s | 0.074 s |" in text
    assert "| PINN, engine | peak_memory_mb | 80 MB | 65 MB |" in text
    assert "6 s (5 of 5 seeds)" in text
    assert "0 of 1 in 100 steps; all 60000 would take 3.6e3 s (extrapolated)" in text
    assert (tmp_path / "cost" / "figures" / "cost.svg").is_file()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "9.json: broken, no JSON (Expecting property name"),
        ("[]", "9.json: no result of a run; move it away"),
        ('{"experiment": "bpn"}', "9.json: no result of fisher_kpp by bilo; move it away"),
        ('{"experiment": "fisher_kpp", "method": "bilo"}', "9.json: incomplete, without data_loss"),
    ],
)
def test_a_file_that_is_no_result(
    text: str, said: str, runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (runs / "fisher_kpp" / "bilo" / "9.json").write_text(text)
    assert main(["table", "fisher_kpp", "--results", str(runs)]) == 1
    assert said in capsys.readouterr().err


def test_published_numbers() -> None:
    rows = {
        (r["problem"], r["quantity"], r["method"]): float(r["value"])
        for r in published.read("cost")
    }
    assert rows["fisher_kpp", "seconds_per_step", "bilo"] == 0.074
    assert rows["heat", "peak_memory_mb", "pinn"] == 109
    assert len(rows) == 12
    assert {r["method"] for r in published.read("bpn")} == {"bilo", "bpn"}


def test_spreads() -> None:
    assert str(Spread.of([])) == "-"
    assert str(Spread.of([0.5, None])) == "0.5"
    assert str(Spread.of([1e-4, 3e-4])) == "2.0e-4 ± 1.4e-4"
