"""Unknown functions are judged by what is known of made answers; a run says all of it."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from benchmarks.__main__ import main
from benchmarks.design.setting import Setting
from benchmarks.runs import function_errors, judgement, measures, run
from bilo.inverse import function
from bilo.inverse.box import Box
from bilo.inverse.points import Points
from bilo.inverse.problem import Problem
from bilo.methods import adjoint
from bilo.methods._fit import Method
from bilo.methods._network_method import NetworkMethod
from bilo.methods.bilo import BiLO
from bilo.problems import get
from bilo.training.session import Progress
from bilo.training.solution import Solution


def _answer(problem: Problem, f: Callable[[Points], Tensor]) -> Solution:
    """A classical method that found f."""
    (k,) = problem.functions
    return Solution("made", {k.name: f}, torch.zeros(0), 0.0, converged=True, status="converged")


def test_errors_of_a_shifted_function() -> None:
    problem = get("poisson")
    (D,) = problem.functions
    found = function_errors.errors(D, lambda p: D.truth(p) + 0.3, D.truth)
    x = np.linspace(0, 1, 1001)
    size = np.sqrt((np.minimum(1 + x, 2 - x) ** 2).mean())
    assert found["l2"] == pytest.approx(0.3 / size, rel=1e-12)
    assert found["linf"] == pytest.approx(0.3, rel=1e-12)
    assert found["mean_square"] == pytest.approx(0.09, rel=1e-12)


def test_the_field_is_the_networks_or_the_solvers() -> None:
    """u of Poisson at D = 1 is sin pi x; twice the D halves it, which is off by its own size."""
    problem = get("poisson")
    one = _answer(problem, lambda p: torch.ones_like(p.coordinates["x"]))
    u = function_errors.represented(problem, one)
    assert u is not None
    x = problem.collocation(None, torch.Generator()).coordinates["x"].double()
    assert (u - (math.pi * x).sin()).abs().max() < 1e-5
    two = {"D": lambda p: 2 * torch.ones_like(p.coordinates["x"])}
    assert function_errors.against_truth(problem, two, u) == pytest.approx(1.0, abs=1e-6)


def test_the_error_that_an_accuracy_implies() -> None:
    """Seven nodes of the low phase a hair above the cut: the least error for this accuracy."""
    problem = get("darcy")
    truth = problem.truth(2)
    nodes = Box.unit(("x", "y")).grid(function_errors.JUDGED[1])
    exact = truth["A"](nodes)
    wrong = torch.nonzero(exact == 3.0)[:7, 0]

    def found(points: Points) -> Tensor:
        A = truth["A"](points).clone()
        A[wrong] = 7.5
        return A

    answer = _answer(problem, found)
    numbers = measures.phases(problem, problem.observe(truth, 0.0, 2), truth, answer)
    assert numbers["accuracy"] == pytest.approx(1 - 7 / 61**2)
    (A,) = problem.functions
    assert numbers["least_l2_of_accuracy"] == pytest.approx(
        function_errors.errors(A, found, truth["A"])["l2"]
    )


def test_a_moved_shock() -> None:
    """The second truth moved by 0.05: its shock moves as far; u(x, 1) differs where it was."""
    problem = get("burgers")
    (f,) = problem.functions
    truth = {"f": f.truths[1]}

    def moved(points: Points) -> Tensor:
        x = points.coordinates["x"].double()
        return ((x >= 0.35) & (x <= 0.65)).double()

    data = problem.observe(truth, 0.0, 0)
    same = measures.final_time(problem, data, truth, _answer(problem, truth["f"]))
    assert same == dict.fromkeys(same, 0.0)
    numbers = measures.final_time(problem, data, truth, _answer(problem, moved))
    assert numbers["shock_error"] == numbers["shock_error_fdm"] == pytest.approx(0.05, abs=1e-3)
    # a rarefaction u = (x - x0) / a of height 1 before the shock, as long as the hat is wide + a/2
    assert numbers["u_final_rel_l1"] == pytest.approx(0.1 * 0.95 / 0.3, rel=0.1)


def test_two_shocks_of_the_first_truth() -> None:
    problem = get("burgers")
    (f,) = problem.functions
    cells = Points({"x": torch.from_numpy(measures.burgers.centres())})
    u = measures.burgers.final(f.truths[0](cells).numpy())
    assert measures._shocks(u) == pytest.approx([0.25, 0.75], abs=1e-3)
    smooth = _answer(problem, lambda p: 0.0 * p.coordinates["x"].double())
    data = problem.observe({"f": f.truths[0]}, 0.0, 0)
    numbers = measures.final_time(problem, data, {"f": f.truths[0]}, smooth)
    assert numbers["shock_error"] is None
    assert numbers["u_final_rel_l1"] == 1.0


def test_the_classical_fit_of_the_same_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It judges others and is judged itself: the same numbers, whoever asks for it."""
    monkeypatch.chdir(tmp_path)
    words = ["run", "heat", "--noise", "0.03", "--seed", "4", "--w-reg", "3e-3"]
    assert main([*words, "--method", "tikhonov", "--out", "out.json"]) == 0
    own = json.loads(Path("out.json").read_text())
    assert own["unknowns"]["f"]["rel_error_vs_reference_fit"] == 0
    assert own["u_rel_l2_vs_fdm"] == 0
    assert own["reference_fit"]["field_error"] == own["field_error"]
    assert own["reference_fit"]["data_loss"] == own["data_loss"]
    assert own["data_loss_rel_error"] == pytest.approx(own["data_loss"] / 0.03**2 - 1)
    usual, tiny = run.method_of, BiLO("lm", width=4, pretrain_steps=1, finetune_steps=1, w_reg=3e-3)
    monkeypatch.setattr(run, "method_of", lambda s: tiny if s.method == "bilo" else usual(s))
    monkeypatch.setattr(function, "FIT_STEPS", 5)
    assert main([*words, "--out", "bilo.json"]) == 0
    bilo = json.loads(Path("bilo.json").read_text())
    assert bilo["reference_fit"]["unknowns"]["f"] == own["unknowns"]["f"]["estimate"]


@pytest.mark.parametrize(
    ("words", "fields"),
    [
        (["poisson", "--noise", "0.01"], {"data_loss_rel_error"}),
        (["heat", "--w-reg", "1e-3"], set()),
        (
            ["burgers", "--truth", "f=2"],
            {"u_final_rel_l1", "u_final_rel_l1_fdm", "shock_error", "shock_error_fdm"},
        ),
        (["darcy", "--method", "pinn", "--seed", "6"], {"accuracy", "least_l2_of_accuracy"}),
    ],
)
def test_a_run_with_an_unknown_function(
    words: list[str], fields: set[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A budget far too small, with every number there and consistent."""
    usual = run.method_of

    def tiny(setting: Setting) -> Method:
        method = usual(setting)
        if not isinstance(method, NetworkMethod):
            return method
        return replace(
            method,
            width=8,
            layers=2,
            fourier=2 if setting.experiment == "darcy" else 0,
            pretrain_steps=2,
            finetune_steps=2,
            points=64,
        )

    monkeypatch.setattr(run, "method_of", tiny)
    monkeypatch.setattr(function, "FIT_STEPS", 5)
    monkeypatch.setattr(adjoint, "STEPS", 2)
    monkeypatch.chdir(tmp_path)
    assert main(["run", *words, "--out", "out.json"]) == 0
    result = json.loads(Path("out.json").read_text())
    problem = get(words[0])
    (k,) = problem.functions
    row = result["unknowns"][k.name]
    assert set(result["field_error"]) == {"l2", "linf", "mean_square"}
    assert all(result[name] is not None for name in fields)
    assert row["rel_error"] == result["field_error"]["l2"]
    assert result["agrees_with_fit"] is None
    assert result["u_rel_l2_vs_truth"] > 0
    fit = result["reference_fit"]
    assert fit["method"] == ("tikhonov" if words[0] == "heat" else "adjoint")
    assert set(fit) >= {"field_error", "data_loss", "status", "seconds"} | (
        fields - {"data_loss_rel_error"}
    )
    assert row["rel_error_vs_reference_fit"] > 0
    assert len(result["u"]) == len(problem.collocation(None, torch.Generator()))
    truth, estimate = np.array(row["truth"]), np.array(row["estimate"])
    assert len(truth) == len(estimate) == len(row["start"]) == row["nodes"] ** len(k.coordinates)
    coarse = np.linalg.norm(estimate - truth) / np.linalg.norm(truth)
    assert coarse == pytest.approx(row["rel_error"], rel=0.05)
    assert row["example"] == (2 if words[0] == "burgers" else None)
    exact = (
        function_errors.sampled(k, problem.truth(6)["A"]) if words[0] == "darcy" else row["truth"]
    )
    assert row["truth"] == exact


def _at(unknowns: dict[str, Any]) -> Progress:
    return Progress(20, 40, pretraining=False, unknowns=unknowns, record={})


def test_the_history_knows_when_the_published_accuracy_was_reached() -> None:
    problem, setting = get("heat"), Setting("heat", "bilo", w_reg=0.0)
    seen = judgement.watch(problem, setting, problem.truth())
    assert seen is not None
    assert seen(_at(problem.truth())) == {"field_error.linf": 0.0, "field_error.mean_square": 0.0}
    begun = seen(_at(problem.start()))
    assert begun is not None
    assert begun["field_error.linf"] > 0.1
    history = {
        "step": [10.0, 20.0, 30.0],
        "field_error.linf": [0.01, 0.055, 0.05],
        "field_error.mean_square": [1e-5, 1e-5, 1e-4],
    }
    made = replace(_answer(problem, problem.truth()["f"]), history=history, seconds_per_step=0.1)
    reached = judgement.until_published(setting, made, 10)
    assert reached == {"seconds_to_published": pytest.approx(3.0)}
    never = replace(made, history=history | {"field_error.mean_square": [1e-5, 1e-5, 1.1e-4]})
    assert judgement.until_published(setting, never, 10) == {"seconds_to_published": None}


def test_an_accuracy_is_reached_from_below() -> None:
    setting = Setting("darcy", "pinn", w_reg=1e-9, w_dat=10.0)
    problem = get("darcy")
    seen = judgement.watch(problem, setting, problem.truth(2))
    assert seen is not None
    assert seen(_at(problem.truth(2))) == {"accuracy": 1.0}
    history = {"step": [1.0, 2.0, 3.0], "accuracy": [0.97, 0.985, 0.99]}
    made = replace(_answer(problem, problem.truth(2)["A"]), history=history, seconds_per_step=2.0)
    reached = judgement.until_published(setting, made, 0)
    assert reached == {"seconds_to_published": 4.0}
    assert judgement.watch(get("burgers"), Setting("burgers", "bilo"), {}) is None
