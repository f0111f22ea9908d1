"""Tables, figures and words about unknown functions, from results with known numbers."""

from __future__ import annotations

import csv
import math
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from benchmarks.design import published
from benchmarks.figures import pretrained
from benchmarks.pages import reading, table, truncation
from benchmarks.results import store
from bilo.methods.bilo import BiLO
from tests.benchmarks.made import function_result, write

TINY = BiLO("lm", width=4, layers=2, pretrain_steps=1, finetune_steps=0)


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pretrained, "PRETRAINED", TINY)


@pytest.fixture
def poisson(tmp_path: Path) -> Path:
    write(
        tmp_path,
        [
            function_result("bilo", 0, 0.04),
            function_result("bilo", 1, 0.06, u=None),  # as it is kept
            function_result("adjoint", 0, 0.08, u=None),
            function_result("pinn", 0, 0.1, w_dat=10.0),
        ],
    )
    return tmp_path


def _drawn(folder: Path) -> set[str]:
    files = list((folder / "figures").iterdir())
    assert all(ElementTree.fromstring(p.read_bytes()).tag.endswith("svg") for p in files)
    return {path.stem for path in files}


def test_ours_beside_every_published_row(poisson: Path) -> None:
    text = table.write("poisson", poisson)
    (ours,) = [line for line in text.splitlines() if line.startswith("| bilo | lm")]
    assert "| 0.05 ± 0.014 | 5.86e-2 ± 1.99e-2 |" in ours
    assert "| 0.04 ± 0.011 | 2.01e-2 ± 7.94e-3 |" in ours
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    # 18 published settings, three of them run here
    assert len(rows) == 2 + 3 + 15
    for p in published.read("poisson"):
        assert published.shown(p) in text
    assert "| deeponet | - | - | length0.4 | 1e-05 |" in text
    assert _drawn(poisson / "poisson") == {"functions", "losses", "pretrained", "samples"}
    with (poisson / "poisson" / "table.tsv").open(newline="") as stream:
        (bilo,) = [r for r in csv.DictReader(stream, delimiter="\t") if r["method"] == "bilo"]
    assert float(bilo["max. error"]) == pytest.approx(0.05)
    assert float(bilo["mean square error"]) == pytest.approx((0.04**2 + 0.06**2) / 2)


def test_what_is_said_of_functions(poisson: Path) -> None:
    data, _, *said = reading.read("poisson", store.read("poisson", poisson))
    assert data == "noise 0.01:"
    assert said[0] == (
        "* Smallest relative L2 error of the unknown function: bilo w_reg 0.001 lm (quick) (4 %), "
        "adjoint w_reg 0.001 (6.3 %), pinn w_dat 10 w_reg 0.001 fast (7.9 %); the first two are "
        "within a factor of two."
    )
    assert not any("direct fit" in line for line in said)
    (told,) = [line for line in said if "published" in line]
    assert (
        "bilo w_reg 0.001 lm (quick): max. error 0.05 ± 0.014 (published 5.86e-2 ± 1.99e-2)" in told
    )
    assert "* bilo w_reg 0.001 lm (quick): 2 of 2 runs called converged." in said


def test_figures_and_limits_of_heat(tmp_path: Path) -> None:
    common: dict[str, Any] = {"experiment": "heat", "name": "f", "u": [0.0] * 51**2}
    write(tmp_path, [function_result("bilo", 0, 0.05, noise=0.0, **common)])
    text = table.write("heat", tmp_path)
    assert _drawn(tmp_path / "heat") == {"functions", "losses", "pretrained"}
    for row in truncation.rows():
        assert "| " + " | ".join(row.values()) + " |" in text


def test_the_hat_cut_after_its_modes() -> None:
    """b_k = 8 / (k pi)^2 for odd k: what is cut adds up at the peak, and by Parseval."""
    for row, n in zip(truncation.rows(), truncation.MODES, strict=True):
        rest = [8 / (k * math.pi) ** 2 for k in range(2 * n + 1, 200_001, 2)]
        assert float(row["truth cut, max. error"]) == pytest.approx(sum(rest), rel=0.05)
        energy = sum(b**2 for b in rest) / 2
        assert float(row["truth cut, mean square error"]) == pytest.approx(energy, rel=0.05)
        assert row["float64 inversion, max. error"] == row["truth cut, max. error"]


def test_figures_of_burgers(tmp_path: Path) -> None:
    common: dict[str, Any] = {"experiment": "burgers", "name": "f", "u": [0.0] * 51**2}
    write(
        tmp_path,
        [
            function_result(method, 0, 0.1, noise=0.0, example=example, **common | field)
            for method, field in (("bilo", {}), ("pinn", {"u": None}))  # as it is kept
            for example in (1, 2)
        ],
    )
    text = table.write("burgers", tmp_path)
    assert text.count("| f example 2 |") == 2
    assert _drawn(tmp_path / "burgers") == {"burgers", "losses"}


def test_figures_of_darcy(tmp_path: Path) -> None:
    made = []
    for method, seed in (("bilo", 0), ("bilo", 3), ("adjoint", 3)):
        u = None if seed else [0.0] * 61**2  # as it is kept
        run = function_result(method, seed, 0.1, noise=0.0, experiment="darcy", u=u)
        plane = {"coordinates": ["x", "y"], "nodes": 61, "estimate": [5.0] * 61**2}
        unknown = run["unknowns"].pop("D") | plane | {"truth": [3.0] * 61**2}
        made.append({**run, "recipe": None if method == "adjoint" else "varpro", "accuracy": 0.97})
        made[-1]["unknowns"]["A"] = unknown
    write(tmp_path, made)
    text = table.write("darcy", tmp_path)
    assert "| pino |" in text
    assert "| 0.97 ± 0 | 0.98 |" in text
    said = reading.read("darcy", store.read("darcy", tmp_path))
    (told,) = [line for line in said if "wrong phase" in line]
    assert told.startswith("* Fewest points in the wrong phase: ")
    assert "adjoint w_reg 0.001 (3 %)" in told
    assert _drawn(tmp_path / "darcy") == {"darcy", "losses"}
