"""The command's contract: words, exit codes, fields, files."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from dataclasses import fields, replace
from pathlib import Path

import pytest
import torch

from benchmarks import experiments
from benchmarks.__main__ import main
from benchmarks.design.experiment import Training
from benchmarks.design.setting import Setting
from benchmarks.runs import code, run
from bilo.methods._fit import METHODS, Method, of_name
from bilo.methods._network_method import NetworkMethod
from bilo.methods.bilo import BiLO
from bilo.methods.pinn import PINN

FIELDS = {
    "experiment",
    "method",
    "seed",
    "noise",
    "unknowns",
    "u_rel_l2_vs_fdm",
    "reference_fit",
    "status",
    "data_loss",
    "data_loss_rel_error",
    "steps",
    "seconds",
    "seconds_per_step",
    "peak_memory_mb",
    "device",
    "threads",
}
DIRECT = ["run", "fisher_kpp", "--method", "direct_fit"]


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def _error(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    """Exit status and the one line on stderr."""
    try:
        status = main(words)
    except SystemExit as ending:
        status = int(ending.code or 0)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert err.startswith("error: ")
    return status, err


def test_list_names_every_problem_and_cost(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(experiments.names())
    assert {"fisher_kpp", "cost"} <= set(experiments.names())


def test_run_writes_where_the_workflow_looks(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*DIRECT, "--truth", "D=1.7,rho=2.3"]) == 0
    out, err = capsys.readouterr()
    path = Path("results/benchmarks/fisher_kpp/direct_fit/noise0_seed0_D1.7_rho2.3.json")
    assert out == ""
    assert str(path) in err
    result = json.loads(path.read_text())
    assert set(result) >= FIELDS
    assert result["unknowns"]["D"]["truth"] == 1.7
    assert result["unknowns"]["rho"]["truth"] == 2.3
    assert max(k["rel_error"] for k in result["unknowns"].values()) < 1e-5
    assert result["reference_fit"]["data_loss"] == result["data_loss"]
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_json_alone_on_stdout(repository: Path) -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "benchmarks",
            *DIRECT,
            "--noise",
            "0.01",
            "--seed",
            "3",
            "--out",
            "-",
        ],
        cwd=repository,
        capture_output=True,
        text=True,
        check=True,
    )
    result = json.loads(done.stdout)
    assert (result["seed"], result["noise"]) == (3, 0.01)
    expected = (result["data_loss"] * 11 / 9 - 1e-4) / 1e-4
    assert result["data_loss_rel_error"] == pytest.approx(expected, rel=1e-9)


def test_same_seed_same_numbers_other_seed_others() -> None:
    def estimate(seed: int) -> float:
        assert main([*DIRECT, "--noise", "1e-3", "--seed", str(seed), "--out", "out.json"]) == 0
        return float(json.loads(Path("out.json").read_text())["unknowns"]["D"]["estimate"])

    assert estimate(1) == estimate(1) != estimate(2)


@pytest.mark.parametrize("method", ["bilo", "pinn"])
def test_a_trained_method_is_judged_by_solver_and_direct_fit(
    method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A budget far too small must be called so, with every number there."""
    usual = run.method_of

    def tiny(setting: Setting) -> Method:
        if setting.method != method:
            return usual(setting)
        kind = {"bilo": BiLO, "pinn": PINN}[method]
        return kind(width=8, layers=2, pretrain_steps=3, finetune_steps=4, points=16)

    monkeypatch.setattr(run, "method_of", tiny)
    assert main(["run", "fisher_kpp", "--method", method, "--out", "out.json"]) == 0
    result = json.loads(Path("out.json").read_text())
    assert set(result) >= FIELDS
    assert result["status"] != "converged"
    assert result["warnings"]
    assert result["steps"] == 7
    assert result["u_rel_l2_vs_fdm"] > 1e-3
    assert result["reference_fit"]["unknowns"]["D"] == pytest.approx(2.0, rel=1e-6)
    for row in result["unknowns"].values():
        assert row["rel_error"] == pytest.approx(abs(row["estimate"] / row["truth"] - 1))
        assert row["rel_error_vs_reference_fit"] == pytest.approx(row["rel_error"], rel=1e-4)
    assert all(math.isfinite(result[k]) for k in ("seconds", "data_loss", "peak_memory_mb"))
    assert len(result["history"]["step"]) == len(result["history"]["D"]) > 0


def test_a_gpu_that_is_not_there(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    status, line = _error(capsys, "run", "fisher_kpp", "--device", "cuda")
    assert (status, line) == (1, "error: --device: cuda: no GPU that torch can use is here\n")


def test_iterations_to_the_target(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few upper steps, so large ones: both unknowns get within 0.01, and stay counted at once."""
    told = experiments.get("bpn")
    assert (told.recipe, told.training.width, told.training.layers) == ("paper", 50, 4)
    usual = run.method_of
    whole = usual(Setting("bpn", "bilo", boundary="hard", recipe="paper"))
    assert isinstance(whole, BiLO)
    assert (whole.upper_rate, whole.budget.pretrain_steps) == (0.05, 1000)
    tiny = replace(whole, width=16, layers=3, rate=5e-3, pretrain_steps=300, finetune_steps=90)
    monkeypatch.setattr(run, "method_of", lambda s: tiny if s.method == "bilo" else usual(s))
    assert main(["run", "bpn", "--out", "out.json"]) == 0
    result = json.loads(Path("out.json").read_text())
    assert (result["boundary"], result["recipe"]) == ("hard", "paper")
    k = result["iterations_to_target"]
    assert 40 < k < 90
    at = result["history"]["step"].index(300 + k)
    errors = [
        max(abs(result["history"]["t0"][i]), abs(result["history"]["t1"][i] - 1))
        for i in range(300, at + 1)
    ]
    assert errors[-1] < 0.01 <= min(errors[:-1])
    assert 0 < result["seconds_to_target"] < result["seconds"]


def test_a_weight_that_the_method_chooses(monkeypatch: pytest.MonkeyPatch) -> None:
    """The JSON has the number, which the classical fit beside it takes too."""
    usual, asked = run.method_of, []

    def tiny(setting: Setting) -> Method:
        asked.append((setting.method, setting.w_reg))
        made = usual(setting)
        if isinstance(made, BiLO):
            return replace(made, width=20, finetune_steps=4, points=100)
        return made

    monkeypatch.setattr(run, "method_of", tiny)
    words = ["run", "heat", "--noise", "0.03", "--recipe", "varpro", "--w-reg", "auto"]
    assert main(words) == 0
    (file,) = Path("results/benchmarks/heat/bilo").iterdir()
    assert "wregauto" in file.name
    weight = json.loads(file.read_text())["w_reg"]
    assert 0 < weight < 1
    assert asked == [("bilo", "auto"), ("tikhonov", weight)]


def test_a_result_tells_what_made_it() -> None:
    assert main([*DIRECT, "--out", "out.json"]) == 0
    result = json.loads(Path("out.json").read_text())
    assert code.is_present(result)
    assert not code.is_present({**result, "code": "of before"})
    assert result["commit"]
    assert result["date"].startswith("20")


def test_budgets_follow_recipe_and_profile() -> None:
    fast = run.method_of(Setting("fisher_kpp", "bilo"))
    assert isinstance(fast, BiLO)
    assert (fast.recipe, fast.architecture.width) == ("fast", 128)
    assert run.session_of(Setting("fisher_kpp", "bilo")).threads == 1
    paper = run.method_of(Setting("fisher_kpp", "pinn", w_dat=7.0, recipe="paper", profile="full"))
    assert isinstance(paper, PINN)
    assert (paper.pretrain_steps, paper.finetune_steps, paper.points) == (10_000, 50_000, "all")
    assert paper.w_data == 7.0


@pytest.mark.parametrize("name", experiments.names())
def test_every_planned_fit_has_a_method(name: str) -> None:
    """Nothing an experiment says of training is unknown to every method."""
    if experiments.get(name).module == "benchmarks.runs.run":
        known = {f.name for name in METHODS for f in fields(of_name(name))}
        for setting in experiments.get(name).plan("full"):
            assert set(experiments.get(name).options(setting)) <= known
            method = run.method_of(setting)
            assert type(method) is of_name(setting.method)
            assert run.session_of(setting).seed == setting.seed
            assert getattr(method, "w_reg", 0.0) == (setting.w_reg or 0.0)
            if isinstance(method, NetworkMethod):
                assert method.recipe == setting.recipe
                assert method.budget.total > 0


def test_a_method_with_a_recipe_has_training_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    own = {("bilo", "fast"): Training(width=7, rate=0.1)}
    burgers = replace(experiments.get("burgers"), training=Training(width=5, layers=2), own=own)
    monkeypatch.setattr(experiments, "get", lambda name: burgers)
    bilo = run.method_of(Setting("burgers", "bilo"))
    pinn = run.method_of(Setting("burgers", "pinn"))
    assert isinstance(bilo, BiLO)
    assert isinstance(pinn, PINN)
    assert (bilo.width, bilo.layers, bilo.rate) == (7, 2, 0.1)
    assert (pinn.width, pinn.layers, pinn.rate) == (5, 2, None)


@pytest.mark.parametrize(
    ("words", "status", "text"),
    [
        (["run", "nothing"], 2, "'nothing'"),
        (["run", "fisher_kpp", "--seed", "-1"], 2, "--seed"),
        (["run", "fisher_kpp", "--seed", "1.5"], 2, "--seed"),
        (["run", "fisher_kpp", "--noise", "-0.1"], 2, "--noise"),
        (["run", "fisher_kpp", "--seed", "²"], 2, "--seed"),
        (["run", "fisher_kpp", "--seed", str(10**23)], 2, "--seed"),
        (["run", "fisher_kpp", "--noise", "nan"], 2, "--noise"),
        (["run", "fisher_kpp", "--noise", "1e200"], 2, "--noise"),
        (["run", "fisher_kpp", "--truth", "D=1,D=2"], 2, "--truth: D is given twice"),
        (["run", "fisher_kpp", "--truth", "D"], 2, "--truth"),
        (["run", "fisher_kpp", "--profile", "huge"], 2, "--profile"),
        (["run", "fisher_kpp", "--unknown"], 2, "--unknown"),
        ([], 2, "command"),
        (["run", "fisher_kpp", "--method", "magic"], 1, "bilo, pinn, deeponet, direct_fit"),
        (["run", "fisher_kpp", "--truth", "E=1"], 1, "no unknown 'E'; there are D, rho"),
        (["run", "fisher_kpp", "--truth", "D=11"], 1, "D = 11 is outside [0.1, 10]"),
        (["run", "fisher_kpp", "--w-reg", "1"], 1, "--w-reg"),
        (["run", "fisher_kpp", "--w-dat", "1"], 1, "--w-dat"),
        (["run", "heat", "--w-reg", "-1"], 2, "--w-reg"),
        (["run", "heat", "--w-reg", "auto"], 1, "--w-reg auto: bilo with recipe varpro alone"),
        (["run", "heat", "--method", "pinn", "--w-reg", "auto"], 1, "not pinn with fast"),
        (["run", "fisher_kpp", "--w-reg", "auto"], 1, "no unknown function to regularise"),
        (["run", "burgers", "--truth", "f=3"], 1, "the number of an example, from 1 to 2, not 3"),
        (["run", "heat", "--truth", "f=5"], 1, "f is an unknown function; asked for is the number"),
        (["run", "heat", "--truth", "f=5"], 1, "of an example, 1, its only one, not 5"),
        (["run", "poisson", "--method", "pinn", "--recipe", "lm"], 1, "--recipe: a PINN"),
        (["run", "fisher_kpp", "--samples", "coarse"], 1, "--samples: it says nothing to bilo"),
        (["run", "fisher_kpp", "--boundary", "soft"], 1, "--boundary"),
        (["run", "bpn", "--boundary", "wet"], 1, "there is hard, soft"),
        (["run", "bpn", "--truth", "t0=3"], 1, "t0 = 3 is outside [-2, 2]"),
        (["run", "particles", "--noise", "0.1"], 1, "--noise: particles: "),
        (["run", "fisher_kpp", "--device", "abacus"], 2, "--device"),
        (["run", "cost", "--noise", "0.1"], 1, "--noise, --truth: cost"),
        (["run", "cost", "--device", "cuda"], 1, "--device: cost"),
        (["run", "theory", "--device", "cuda"], 1, "--device: theory"),
        (["run", "bpn", "--method", "bpn", "--recipe", "lm"], 1, "--recipe: BPN"),
        (
            ["run", "heat", "--method", "tikhonov", "--recipe", "lm"],
            1,
            "--recipe: it says nothing to tikhonov in heat",
        ),
        (["run", "cost", "--recipe", "lm"], 1, "--recipe: it says nothing to cost"),
        (
            ["run", "heat", "--method", "tikhonov", "--device", "cuda"],
            1,
            "--device: tikhonov computes on the CPU",
        ),
        (["run", "particles", "--method", "pinn", "--recipe", "lm"], 1, "--recipe: a PINN"),
        (["run", "fisher_kpp", "--out", "."], 1, "is a folder"),
        (["table", "fisher_kpp"], 1, "python -m benchmarks run fisher_kpp"),
    ],
)
def test_faults_are_told_in_one_line(
    capsys: pytest.CaptureFixture[str], words: list[str], status: int, text: str
) -> None:
    found, line = _error(capsys, *words)
    assert found == status
    assert text in line
    assert not list(Path().iterdir())


def test_a_folder_that_cannot_be_made(capsys: pytest.CaptureFixture[str]) -> None:
    Path("file").write_text("")
    status, line = _error(capsys, *DIRECT, "--out", "file/out.json")
    assert status == 1
    assert line.startswith("error: file: ")


def test_an_unforeseen_failure_is_one_line_and_leaves_the_old_file(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(setting: Setting) -> None:
        raise FloatingPointError("no\nluck")

    Path("out.json").write_text("old")
    monkeypatch.setattr(run, "run", fail)
    status, line = _error(capsys, *DIRECT, "--out", "out.json")
    assert (status, line) == (1, "error: FloatingPointError: no luck\n")
    assert Path("out.json").read_text() == "old"
