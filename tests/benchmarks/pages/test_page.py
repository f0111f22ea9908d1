"""The page of results says what the numbers say, and what there is no number for."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from benchmarks import experiments
from benchmarks.__main__ import main
from benchmarks.design.errors import CommandError
from benchmarks.design.headline import Headline
from benchmarks.design.setting import Setting
from benchmarks.pages import experiment_page, opening, reading
from benchmarks.pages.line import Entry
from benchmarks.results import store, summary
from benchmarks.runs import archive, code, parts
from tests.benchmarks.made import MADE, cost_result, function_result, result

FISHER = [
    result("bilo", 0, 0.0, 0.01),
    result("bilo", 1, 0.0, 0.03),
    result("bilo", 2, 0.0, 0.9, code="of before"),
    result("pinn", 0, 0.0, 0.5, status="converged", u_rel_l2_vs_fdm=1e-2, seconds=4.0),
    result("direct_fit", 0, 0.0, 1e-8, seconds=0.05),
]


@pytest.fixture(autouse=True)
def _of_now(monkeypatch: pytest.MonkeyPatch) -> None:
    """Made results know no code; figures that compute something are not drawn."""
    monkeypatch.setattr(code, "is_present", lambda run: run.get("code") == MADE["code"])
    monkeypatch.setattr(experiment_page.figures, "write", lambda *anything: [])


def _keep(root: Path, results: list[dict[str, Any]]) -> None:
    """One file a result, where a run would put it."""
    for run in results:
        options = {name: run.get(name) for name in ("w_dat", "samples", "boundary", "w_reg")}
        setting = Setting(
            run["experiment"],
            run["method"],
            run.get("seed", 0),
            run.get("noise", 0.0),
            recipe=run.get("recipe") or "fast",
            profile=run["profile"],
            **options,
        )
        store.write_text(store.path_of(setting, root), store.as_json(run))


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """Two seeds of BiLO and one of other code, a PINN that is wrong and sure of itself, the direct
    fit, the cost."""
    _keep(tmp_path / "runs", [*FISHER, {**cost_result(), "profile": "full"}])
    return tmp_path / "runs"


def _row(name: str, found: list[dict[str, Any]], k: int = 0) -> dict[str, str]:
    lines = [line for line in opening.lines({name: found}) if line.experiment == name]
    return lines[k].cells("results")


def test_a_row_of_the_opening_table() -> None:
    now = [run for run in FISHER if run["code"] == MADE["code"]]
    row = _row("fisher_kpp", now)
    assert row["experiment"] == "[fisher_kpp](results/fisher_kpp.md)"
    assert row["published"] == "figures only"
    assert row["BiLO"] == "2 % (2 of 5 seeds)"
    assert row["classical"] == "1.0e-6 % (1 of 5 seeds)"
    assert row["PINN"] == "50 % (1 of 5 seeds)"
    assert row["BiLO, the paper's recipe"] == row["DeepONet"] == "not run with this version"
    assert row["seconds"] == "5 (classical 0.05)"
    assert row["who wins"] == "classical; then BiLO, far behind; of the one seed that all have"
    noisy = _row("fisher_kpp", now, 1)
    assert noisy["BiLO"] == noisy["classical"] == "not run with this version"
    assert noisy["who wins"] == "nothing to compare with yet"


def test_the_others_show_their_best_setting_and_bilo_its_own() -> None:
    """Beside the published number; a seed that did not converge is marked."""
    found = [
        function_result("bilo", 0, 0.05, status="not converged"),
        function_result("bilo", 0, 0.01, w_reg=1e-4),
        function_result("adjoint", 0, 0.02),
        function_result("adjoint", 0, 0.1, w_reg=1e-2),
        function_result("pinn", 0, 0.021),
    ]
    row = _row("poisson", found)
    assert row["published"] == "2 %"
    assert row["BiLO"] == "4 %\\* (1 of 5 seeds)"
    assert row["classical"].startswith("1.6 %")
    assert row["who wins"] == "classical and PINN alike; BiLO\\* is number 3, 2.5 times as far off"


def test_all_that_are_as_good_as_the_best_are_named_alike() -> None:
    """A third that is as near is no number 3, and is not once as far off."""
    found = [
        function_result("adjoint", 0, 0.02),
        function_result("pinn", 0, 0.0202),
        function_result("bilo", 0, 0.0205),
    ]
    assert _row("poisson", found)["who wins"] == "classical, PINN and BiLO alike"


def test_who_wins_is_told_of_the_seeds_that_all_have() -> None:
    """Each seed draws its own noise: a lucky seed of one way is no mean of others over more.

    The paper's recipe has one seed by plan, and no place.
    """
    found = [
        function_result("bilo", 0, 0.02),
        function_result("bilo", 1, 0.09),
        function_result("bilo", 0, 0.001) | {"recipe": "paper", "profile": "full"},
        function_result("pinn", 0, 0.03),
        function_result("pinn", 1, 0.02, w_reg=1e-2),
        function_result("pinn", 0, 0.05, w_reg=1e-2),
    ]
    row = _row("poisson", found)
    assert row["PINN"] == "2.8 % (2 of 5 seeds)"
    assert row["who wins"] == "PINN and BiLO alike"
    row = _row("poisson", found[:4])
    assert row["who wins"] == "BiLO; then PINN, 1.5 times as far off; of the one seed that all have"
    apart = [function_result("bilo", 1, 0.02), function_result("pinn", 0, 0.03)]
    assert _row("poisson", apart)["who wins"] == "no seed that all have yet"


def test_a_winner_keeps_its_asterisk_and_who_never_got_there_is_named() -> None:
    """A target that was not reached is a number none has: steps until both are within 1 %."""
    truth = {"t0": 0.5, "t1": 0.5}
    runs = [
        result("bilo", 0, 0.0, 0.2, truth, experiment="bpn", iterations_to_target=64.0),
        result("bpn", 0, 0.0, 0.2, truth, experiment="bpn", iterations_to_target=None),
        result("direct_fit", 0, 0.0, 0.0, truth, experiment="bpn", iterations_to_target=None),
    ]
    for run in runs:
        run |= {"recipe": "paper", "profile": "full"}
    row = _row("bpn", runs)
    assert (row["BiLO"], row["PINN"]) == ("64\\* (1 of 5 seeds)", "never")
    assert row["classical"] == "no such number"
    assert row["who wins"] == "BiLO\\*; PINN never got there"
    unsure = function_result("adjoint", 0, 0.02, status="not converged")
    row = _row("poisson", [unsure, function_result("bilo", 0, 0.05)])
    assert row["who wins"] == "classical\\*; then BiLO, 2.5 times as far off"


def test_a_mean_says_how_many_runs_are_not_in_it() -> None:
    """A run that diverged has no error, and must not leave the mean without a word."""
    lost = result("bilo", 1, 0.0, 0.0, status="diverged")
    for unknown in lost["unknowns"].values():
        unknown["rel_error"] = None
    row = _row("fisher_kpp", [result("bilo", 0, 0.0, 0.01), lost])
    assert row["BiLO"] == "1 %\\* (1 of 5 seeds, 1 more without this number)"


def test_a_run_that_is_planned_no_more_is_no_result(runs: Path) -> None:
    """Whatever it says, and were it no result at all."""
    out = runs.parent / "docs/results.md"
    assert main(["page", "--results", str(runs), "--out", str(out)]) == 0
    before = out.read_text()
    _keep(runs, [result("bilo", 77, 0.0, 0.5)])
    (runs / "fisher_kpp/bilo/copy.json").write_text("{")
    assert main(["page", "--results", str(runs), "--out", str(out)]) == 0
    assert out.read_text() == before


def test_what_is_no_part_of_the_comparison_is_told_apart() -> None:
    row = _row("lotka_volterra", [])
    assert row["BiLO"] == row["classical"] == "not run with this version"
    assert row["PINN"] == row["DeepONet"] == row["BiLO, the paper's recipe"] == "not compared"


def test_parts_that_are_right_are_told_by_the_rest() -> None:
    headline = Headline("wrong", ("accuracy",), part_wrong=True)
    entry = Entry((0.03,), (result("bilo", 0, 0.0, 0.0),), 1)
    assert opening._number(headline, {"accuracy": 0.97, "unknowns": {}}) == pytest.approx(0.03)
    assert entry.told(headline) == "3 %"
    assert _row("darcy", [])["published"] == "2 %"
    assert _row("bpn", [])["published"] == "< 80"


def test_where_bilo_wins_and_where_it_does_not(runs: Path) -> None:
    data, _, *said = reading.read("fisher_kpp", [FISHER[k] for k in (0, 1, 3, 4)])
    assert data == "D 2, rho 2, no noise:"
    assert said == [
        "* Nearest to the direct fit's unknowns: bilo (1 %), pinn w_dat 10 (25 %).",
        "* Nearest to the numerical solution at its own unknowns: "
        "bilo (0.01 %), pinn w_dat 10 (1 %).",
        "* Fastest: direct_fit (0.05 s), pinn w_dat 10 (4 s), bilo (5 s).",
        "* bilo: 2 of 2 runs called converged; 2 agree with the direct fit.",
        "* pinn w_dat 10: 1 of 1 runs called converged, **1 of them more than 2 % "
        "and 0.1 standard deviations from the direct fit**; 0 agree with the direct "
        "fit.",
    ]


def test_the_cost_in_words() -> None:
    step, fast, paper = reading.read("cost", [cost_result()])
    assert "takes 60 ms with the engine and 60 ms by textbook nested autograd, 3.2 times" in step
    assert "for 5 of 5 seeds, in a median of 6 s" in fast
    assert "0.05 s, 120 times less" in fast
    assert "100 of its 60000 steps were run; all would take 3.6e3 s here" in paper


def test_the_pages(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(runs.parent)
    assert main(["page", "--results", "runs", "--out", "docs/results.md"]) == 0
    text = Path("docs/results.md").read_text()
    assert "| [fisher_kpp](results/fisher_kpp.md) | error of D and rho, no noise |" in text
    assert "5 runs, 2026-12-01 to 2026-12-01, of commit c0ffee0:" in text
    assert "abacus, 2 cores, Linux" in text
    assert "torch 2.0" in text
    assert "* [cost](results/cost.md): A step of BiLO on fisher_kpp takes 60 ms" in text
    assert "* [theory](results/theory.md): not run with this version" in text
    assert (Path("docs") / "results/overview.svg").read_text().startswith("<?xml")
    for name in experiments.names():
        assert f"](results/{name}.md)" in text
        assert (Path("docs/results") / f"{name}.md").is_file()
    page = Path("docs/results/fisher_kpp.md").read_text()
    planned = len(parts.runs("fisher_kpp", "bilo"))
    assert f": 3 of {planned} runs; the others: not run with this version" in page
    (row,) = [line for line in page.splitlines() if line.startswith("| bilo ")]
    assert row.startswith("| bilo | fast | - | D 2, rho 2, no noise | 2 of 2 | 0.02 ± 0.014 |")


def test_a_table_has_twelve_columns_at_most() -> None:
    """Of every experiment, with all that it may ask for."""
    for name in set(experiments.names()) - {"cost", "theory"}:
        (line, *_) = (line for line in opening.lines({}) if line.experiment == name)
        assert len(line.cells("results")) <= experiment_page.MOST
    found = [function_result("pinn", 0, 0.05), function_result("adjoint", 0, 0.02)]
    head, *_ = experiment_page.lines("poisson", found)
    columns = re.findall(r"[^|]+", head.strip("|"))
    assert 6 < len(columns) <= experiment_page.MOST
    first = "| adjoint | - | weight 0.001 | noise 0.01 | 1 of 1 | 0.02 [7.89e-2 ± 2.27e-2] |"
    assert any(line.startswith(first) for line in experiment_page.lines("poisson", found))


def test_runs_of_other_code_are_no_results(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _keep(tmp_path / "runs", [result("bilo", 0, 0.0, 0.01, code="of before")])
    assert main(["page", "--results", str(tmp_path / "runs"), "--out", str(tmp_path / "p.md")]) == 1
    assert "no results of this version in" in capsys.readouterr().err
    assert not (tmp_path / "p.md").exists()


def test_a_theory_of_before_is_read(tmp_path: Path) -> None:
    """It had no unknown functions."""
    stage = {"lower_loss": 1.0, "cosine": 0.5, "norm_ratio": 0.5, "sensitivity_rel_error": 0.1}
    stage |= {"cosine_solver": 0.5, "norm_ratio_solver": 0.5}
    old = {"experiment": "theory", "method": "all", "profile": "full"}
    old |= {"poisson_scalar": [stage], "fisher_kpp": [stage]}
    assert len(reading.read("theory", [old])) == 2
    assert len([line for line in experiment_page.lines("theory", [old]) if "|" in line]) == 4


def test_kept_runs_are_short_and_present(tmp_path: Path) -> None:
    long = [float(k) + 1 / 3 for k in range(1000)]
    new = result("bilo", 0, 0.0, 0.0123456, history={"step": long, "D": [None, *long[1:]]})
    old = result("bilo", 1, 0.0, 0.01, code="of before")
    _keep(tmp_path / "runs/abc", [new, old])
    (file,) = archive.keep(tmp_path / "runs", tmp_path / "kept")
    assert file == tmp_path / "kept/fisher_kpp/bilo/noise0_seed0.json"
    (kept,) = store.read("fisher_kpp", tmp_path / "kept")
    assert len(kept["history"]["step"]) == len(kept["history"]["D"]) == archive.RECORDS
    assert kept["history"]["D"][0] is None
    assert (kept["history"]["step"][0], kept["history"]["step"][-1]) == (0.333, 999.0)
    assert kept["unknowns"]["D"]["rel_error"] == 0.0123456
    assert archive.has(Setting("fisher_kpp", "bilo"), tmp_path / "kept")
    assert not archive.has(Setting("fisher_kpp", "bilo", 1), tmp_path / "kept")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"experiment": "fisher_kpp", "meth', "broken, no JSON (Unterminated string"),
        ('{"experiment": "heat", "method": "bilo"}', "no result of fisher_kpp by bilo"),
        ('{"experiment": "fisher_kpp", "method": "bilo"}', "incomplete, without data_loss, noise"),
    ],
)
def test_a_broken_file_is_named_with_what_to_do(
    text: str, said: str, runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """By the page, by the workflow that asks what is missing, and before anything is kept."""
    broken = store.path_of(Setting("fisher_kpp", "bilo"), runs)
    broken.write_text(text)
    assert main(["page", "--results", str(runs), "--out", str(tmp_path / "p.md")]) == 1
    line = capsys.readouterr().err
    assert line.startswith(f"error: {broken}: {said}")
    assert line.endswith("; move it away and make the run again\n")
    assert not (tmp_path / "p.md").exists()
    with pytest.raises(CommandError, match=re.escape(f"{broken}: {said}")):
        archive.has(Setting("fisher_kpp", "bilo"), runs)
    (tmp_path / "new").mkdir()
    runs.rename(tmp_path / "new/abc")
    assert main(["keep", "--new", str(tmp_path / "new"), "--results", str(tmp_path / "kept")]) == 1
    assert f"new/abc/fisher_kpp/bilo/{broken.name}: {said}" in capsys.readouterr().err
    assert not (tmp_path / "kept").exists()


def test_nothing_to_keep_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The workflow asks for it when all runs are there."""
    assert main(["keep", "--new", str(tmp_path / "none"), "--results", str(tmp_path)]) == 0
    assert capsys.readouterr().err.startswith("nothing to take over: no run of the code of now in ")


def test_two_functions_have_an_error_each_beside_the_best_penalty() -> None:
    both = function_result("bilo", 0, 2e-3)
    (row,) = both["unknowns"].values()
    both |= {
        "experiment": "two_functions",
        "unknowns": {"a": row | {"rel_error": 0.02}, "b": row | {"rel_error": 0.4}},
        "best_penalty.a": 0.03,
        "best_penalty.b": 0.3,
    }
    names, _, values = experiment_page.lines("two_functions", [both])[:3]
    told = dict(zip(names.split(" | "), values.split(" | "), strict=True))
    assert (told["a rel. error"], told["a of best penalty"]) == ("0.02", "0.03")
    assert (told["b rel. error"], told["b of best penalty"]) == ("0.4", "0.3")


@pytest.mark.parametrize("name", sorted(set(experiments.names()) - {"cost", "theory"}))
def test_every_column_that_an_experiment_chose_is_known(name: str) -> None:
    chosen = set(experiments.get(name).columns)
    assert chosen <= {*summary.FIELDS, *experiment_page.OF_EACH}
