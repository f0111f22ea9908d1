"""Tables and figures from results with known numbers."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from benchmarks import table
from benchmarks.__main__ import main
from benchmarks.figures import operator, trajectories
from benchmarks.summary import Spread
from bilo.settings import Settings


def _result(method: str, seed: int, noise: float, error: float, **more: Any) -> dict[str, Any]:
    def unknown(truth: float) -> dict[str, float]:
        return {
            "truth": truth,
            "estimate": truth * (1 + error),
            "rel_error": error,
            "rel_error_vs_reference_fit": error / 2,
        }

    trained = method != "direct_fit"
    steps = [20.0, 40.0, 60.0]
    return {
        "experiment": "fisher_kpp",
        "method": method,
        "seed": seed,
        "noise": noise,
        "w_dat": 10.0 if method == "pinn" else None,
        "samples": None,
        "boundary": None,
        "w_reg": None,
        "recipe": "fast" if trained else None,
        "profile": "quick",
        "unknowns": {"D": unknown(2.0), "rho": unknown(2.0)},
        "agrees_with_fit": error < 0.04,
        "u_rel_l2_vs_fdm": 1e-4 if trained else 0.0,
        "status": "converged" if error < 0.1 else "not converged",
        "data_loss": 1e-9,
        "data_loss_rel_error": None if noise == 0 else 0.1,
        "seconds": 5.0,
        "seconds_per_step": 0.01,
        "device": "cpu",
        "threads": 1,
        "machine": {"processor": "abacus", "cores": 2, "load": 1.5, "system": "Linux"},
        "versions": {"torch": "2.0"},
        "reference_fit": {"unknowns": {"D": 2.0, "rho": 2.0}},
        "history": {
            "step": steps,
            "D": [None, 1.5, 2.0],
            "rho": [1.2, 1.8, 2.0],
            "residual": [1.0, 0.1, 0.01],
            "objective": [None, 1e-3, 1e-6],
        }
        if trained
        else {},
        **more,
    }


def _write(root: Path, results: list[dict[str, Any]]) -> None:
    for k, result in enumerate(results):
        path = root / result["experiment"] / result["method"] / f"{k}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(result))


def _tsv(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream, delimiter="\t"))


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures that compute something compute little."""
    monkeypatch.setattr(
        operator, "PRETRAINED", Settings(width=8, pretrain_steps=2, finetune_steps=0)
    )
    monkeypatch.setattr(trajectories, "UPPER_STEPS", 3)


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    _write(
        tmp_path,
        [
            _result("bilo", 0, 0.0, 0.01),
            _result("bilo", 1, 0.0, 0.03),
            _result("bilo", 0, 0.01, 0.2),
            _result("pinn", 0, 0.0, 0.5),
            _result("direct_fit", 0, 0.0, 1e-8),
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


def test_cost_beside_the_published_numbers(tmp_path: Path) -> None:
    keys = ("", "nested_", "nested_economical_", "pinn_")
    engine = {f"{k}seconds_per_step": 0.06 for k in keys}
    engine |= {f"{k}peak_memory_mb": 80.0 for k in keys}
    result = {
        "experiment": "cost",
        "method": "all",
        "profile": "quick",
        "engine": {"fisher_kpp": engine | {"ratio": 3.2, "ratio_economical": 1.3}},
        "time_to_target": {
            "fast": {"median_s": 6.0, "successes": 5, "seeds": 5, "extrapolated": False},
            "paper": {
                "median_s": None,
                "successes": 0,
                "seeds": 1,
                "extrapolated": True,
                "steps_run": 100,
                "steps_published": 60000,
                "seconds_of_published_steps": 3600.0,
            },
        },
        "direct_fit": {"seconds": 0.05, "max_rel_error": 1e-8, "multi_start_seconds": 1.0},
    }
    _write(tmp_path, [result])
    text = table.write("cost", tmp_path)
    assert "| BiLO, engine | seconds_per_step | 0.06 s | 0.074 s |" in text
    assert "| PINN, engine | peak_memory_mb | 80 MB | 65 MB |" in text
    assert "6 s (5 of 5 seeds)" in text
    assert "0 of 1 in 100 steps; all 60000 would take 3.6e3 s (extrapolated)" in text
    assert (tmp_path / "cost" / "figures" / "cost.svg").is_file()


def test_a_file_that_is_no_result(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (runs / "fisher_kpp" / "bilo" / "9.json").write_text("{")
    assert main(["table", "fisher_kpp", "--results", str(runs)]) == 1
    assert "9.json: not a result of fisher_kpp" in capsys.readouterr().err


def test_published_numbers() -> None:
    rows = {
        (r["problem"], r["quantity"], r["method"]): float(r["value"])
        for r in table.published("cost")
    }
    assert rows["fisher_kpp", "seconds_per_step", "bilo"] == 0.074
    assert rows["heat", "peak_memory_mb", "pinn"] == 109
    assert len(rows) == 12
    assert {r["method"] for r in table.published("bpn")} == {"bilo", "bpn"}


def test_spreads() -> None:
    assert str(Spread.of([])) == "-"
    assert str(Spread.of([0.5, None])) == "0.5"
    assert str(Spread.of([1e-4, 3e-4])) == "2.0e-4 ± 1.4e-4"
