"""What a fit says while it runs: its log, and the progress bar."""

from __future__ import annotations

import logging
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from bilo.methods.bilo import BiLO
from bilo.networks.network import OperatorNetwork
from bilo.problems.fisher_kpp import FisherKPP
from bilo.training import progress
from bilo.training.budget import Budget
from bilo.training.loop import Levels, train
from bilo.training.progress import progress_of
from bilo.training.session import Session
from bilo.training.state import Run

TINY = BiLO(width=8, layers=2, pretrain_steps=3, finetune_steps=5, points=25)
LOGGER = "bilo.training.loop"


def _said(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == LOGGER]


def test_start_resume_and_end(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, LOGGER)
    problem = FisherKPP()
    data = problem.observe(problem.truth(), 0.0, 0)
    session = Session(seed=4, device="cpu", checkpoint=tmp_path / "fit.safetensors")
    found = TINY.fit(problem, data, session)
    first, last = _said(caplog)
    assert first == "fisher_kpp: 8 steps on cpu, seed 4"
    assert last.startswith("finished at step 8 after ")
    assert last.endswith(f": D = {found.unknowns['D']:.4g}, rho = {found.unknowns['rho']:.4g}")
    caplog.clear()
    TINY.fit(problem, data, session)
    assert _said(caplog)[0].startswith("fisher_kpp resumed at step 8 of 8: D = ")


def test_recoveries(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, LOGGER)
    problem = FisherKPP()
    data = problem.observe(problem.truth(), 0.0, 0)
    network = OperatorNetwork(problem, 4, 2, 0, 0).double()
    run = Run.of(network, problem.start_params(0), data, Session())
    calls = iter((True, True, False, *(True,) * 20))
    levels = Levels(
        lambda: problem.collocation(9, torch.Generator()),
        lambda run, points, pretraining: (next(calls), {}),
        lambda run, progress: {},
    )
    assert train(run, levels, Budget(2, 2, 9), Session(device="cpu"), "") == "finished"
    (warning,) = (r for r in caplog.records if r.levelno == logging.WARNING)
    assert warning.getMessage() == "a number that is not finite: back to step 0"


def test_it_is_silent_by_default(capfd: pytest.CaptureFixture[str]) -> None:
    problem = FisherKPP()
    TINY.fit(problem, problem.observe(problem.truth(), 0.0, 0), Session(device="cpu"))
    assert capfd.readouterr() == ("", "")


def test_lines_show_the_unknowns_and_the_time_left(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter((0.0, 20.0, 25.0, 40.0))
    monkeypatch.setattr("time.perf_counter", lambda: next(clock))
    show = progress_of("mine", 10, 0)
    for step in (4, 5, 8):
        show(step, {"residual": 0.01, "D": 1.0 + step})
    lines = capsys.readouterr().err.splitlines()
    assert lines == [
        "mine: step 4/10  residual 0.01  D 5  30 s left",
        "mine: step 8/10  residual 0.01  D 9  10 s left",
    ]


def test_a_bar_shows_the_unknowns_and_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[Any] = []

    class Bar:
        n = 0

        def __init__(self, **given: Any) -> None:
            said.append((given["total"], given["desc"]))

        def set_postfix_str(self, text: str, refresh: bool) -> None:
            said.append(text)

        def update(self, steps: int) -> None:
            self.n += steps

        def close(self) -> None:
            said.append("closed")

    monkeypatch.setattr(progress, "tqdm", Bar)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    show = progress_of("mine", 2, 0)
    show(1, {"D": 1.5})
    show(2, {"D": 1.25})
    assert said == [(2, "mine"), "D 1.5", "D 1.25", "closed"]


def test_the_record_that_is_shown_holds_the_unknowns(
    capsys: pytest.CaptureFixture[str],
) -> None:
    problem = FisherKPP()
    data = problem.observe(problem.truth(), 0.0, 0)
    found = TINY.fit(problem, data, replace(Session(device="cpu"), progress="mine"))
    (last,) = capsys.readouterr().err.splitlines()
    assert f"D {found.unknowns['D']:.3g}" in last
    assert f"rho {found.unknowns['rho']:.3g}" in last
