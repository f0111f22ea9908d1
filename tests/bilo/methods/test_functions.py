"""Fits of unknown functions: BiLO's fixed point, a scalar beside a function, interruptions."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from bilo.inverse.box import Box
from bilo.inverse.least_squares import LeastSquares
from bilo.inverse.objective import Objective
from bilo.inverse.points import Points
from bilo.inverse.problem import Problem
from bilo.inverse.regulariser import regularisation
from bilo.methods import bilo
from bilo.methods._fit import fit, fit_in
from bilo.methods._network_method import NetworkMethod
from bilo.methods.bilo import BiLO
from bilo.methods.pinn import PINN
from bilo.problems import get
from bilo.problems.burgers import Burgers
from bilo.solvers import heat
from bilo.training.session import Progress, Session
from bilo.training.state import Run
from tests.bilo.decaying import Decaying, small

Array = NDArray[np.float64]

LINE = Box.unit(("x",)).grid(101)


@pytest.mark.parametrize("in_a_mean", [1, 3], ids=["values", "means"])
def test_the_fixed_point_is_lavrentievs(in_a_mean: int) -> None:
    """A constant added to f is carried by the heat equation unchanged inside, so that the operator
    answers du/dz = 1 at every point. The gradient through its input then vanishes where

        K f - d = w f'',        f = 0 at the ends       (Lavrentiev's regularisation)

    and not where Tikhonov's, K^T (K f - d) = w f'', does. Of means of neighbouring values likewise.
    """
    problem, w = get("heat"), 1e-2
    data = problem.observe(problem.truth(), 1e-3**0.5, 0)
    assert isinstance(data, LeastSquares)
    means = torch.eye(51 // in_a_mean).double().repeat_interleave(in_a_mean, 1) / in_a_mean
    if in_a_mean > 1:
        data = replace(data, values=means @ data.values, functional=means)
    method = BiLO("lm", width=14, pretrain_steps=15, finetune_steps=100, w_reg=w)
    f = fit(problem, data, method, device="cpu").unknowns["f"](LINE).numpy()
    C, K, slopes = _discrete()
    C, K = means.numpy() @ C, means.numpy() @ K
    one, other = (_stationary(by, K, slopes, data.values.numpy(), w) for by in (C, K))
    assert np.abs(one - other).max() > 0.02
    near, far = np.abs(f - one).mean(), np.abs(f - other).mean()
    assert near < 5e-3
    assert near < 0.5 * far


def _stationary(by: Array, K: Array, slopes: Array, data: Array, w: float) -> Array:
    """f (101,): linear elements v, mean (by v) (K f - d) + w int f' v' = 0; f = 0 at the ends."""
    f, inner = np.zeros(101), slice(1, -1)
    matrix = by.T @ K / len(data) + w * slopes
    f[inner] = np.linalg.solve(matrix[inner, inner], (by.T @ data / len(data))[inner])
    return f


def _discrete() -> tuple[Array, ...]:
    """Values at the data of f itself and of u(., 1), and the stiffness, of 101 nodes."""
    x = np.linspace(0, 1, 51)
    difference = np.diff(np.eye(101), axis=0)
    return (
        heat.propagator(100, np.zeros(51), x),
        heat.propagator(100, np.ones(51), x),
        100 * difference.T @ difference,
    )


def test_a_function_and_a_scalar_together() -> None:
    problem = Decaying()
    method = BiLO(width=40, pretrain_steps=100, finetune_steps=140, w_reg=1e-4)
    found = fit(problem, problem.observe(problem.truth(), 0.0, 0), method, device="cpu")
    exact = problem.truth()["f"](LINE)
    assert found.unknowns["k"] == pytest.approx(1.0, rel=0.03)
    assert (found.unknowns["f"](LINE) - exact).norm() < 0.05 * exact.norm()
    assert set(found.history) >= {"objective", "regulariser", "move", "k"}


class Stopped(Exception):
    """An interruption from outside."""


class Disturbed(Decaying):
    """Draws normally, except that one draw stops the fit."""

    unknowns = small(Decaying)

    def __init__(self, stop: int = -1) -> None:
        self.draws, self.stop = 0, stop

    def identity(self) -> Any:
        """The same fit, stopped or not."""
        return [type(self), self.unknowns]

    def collocation(self, n: int | None, generator: torch.Generator) -> Points:
        self.draws += 1
        if self.draws == self.stop:
            raise Stopped
        return super().collocation(n, generator)


SIZE: dict[str, Any] = {
    "width": 8, "layers": 2, "pretrain_steps": 6, "finetune_steps": 20, "points": 81,
    "w_reg": 1e-3, "history_every": 2,
}  # fmt: skip
TINY = BiLO(**SIZE)
SESSION = Session(device="cpu", checkpoint_seconds=0.0)


@pytest.mark.parametrize(
    "method",
    [
        TINY,
        replace(TINY, recipe="paper"),
        replace(TINY, recipe="lm", width=5, dtype=torch.float64),
        PINN(**SIZE),
    ],
    ids=["fast", "paper", "lm", "pinn"],
)
def test_an_interrupted_fit_ends_on_the_same_function(
    tmp_path: Path, method: NetworkMethod
) -> None:
    """Weights of the function, the scalar and what a step remembers of the last one."""
    data = Decaying().observe(Decaying().truth(), 0.01, 0)
    whole = fit_in(SESSION, Disturbed(), data, method)
    kept = replace(SESSION, checkpoint=tmp_path / "run.safetensors")
    with pytest.raises(Stopped):
        fit_in(kept, Disturbed(stop=18), data, method)
    resumed = Disturbed()
    found = fit_in(kept, resumed, data, method)
    assert resumed.draws < 26
    assert torch.equal(found.params, whole.params)
    assert not torch.equal(found.params, Disturbed().start_params(0).to(found.params))
    assert found.history["step"] == whole.history["step"]
    assert found.assessment["regulariser"] == whole.assessment["regulariser"]


def test_what_a_callback_says_stands_in_the_history_and_changes_nothing() -> None:
    data = Decaying().observe(Decaying().truth(), 0.01, 0)
    plain = fit(Decaying(), data, TINY, device="cpu")
    assert "largest" not in plain.history
    seen = []

    def watch(progress: Progress) -> dict[str, float]:
        seen.append(progress)
        return {"largest": float(progress.unknowns["f"](LINE).max())}

    found = fit(Decaying(), data, TINY, device="cpu", callback=watch)
    assert torch.equal(found.params, plain.params)
    assert set(found.history) == {*plain.history, "largest"}
    assert [p.step for p in seen] == found.history["step"] == plain.history["step"]
    assert {p.total for p in seen} == {26}
    assert [p.pretraining for p in seen] == [p.step <= 6 for p in seen]
    assert [p.record["residual"] for p in seen] == found.history["residual"]
    assert [p.unknowns["k"] for p in seen][3:] == found.history["k"][3:]
    assert found.history["largest"][-1] == float(found.unknowns["f"](LINE).max())
    assert len(set(found.history["largest"])) > 1


def test_a_judged_fit_keeps_the_best_unknowns_by_the_numerical_solution(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Burgers, "unknowns", small(Burgers))
    problem, w = Burgers(), 1e-3
    data = problem.observe(problem.truth(), 0.0, 0)
    seen = []

    def spy(problem: Problem, data: Objective, w_reg: float) -> bilo.Referee:
        judge = numerical(problem, data, w_reg)

        def referee(params: Tensor, nuisance: Tensor) -> float:
            seen.append((judge(params, nuisance), params.clone()))
            return seen[-1][0]

        return referee

    numerical = bilo._numerical
    monkeypatch.setattr(bilo, "_numerical", spy)
    method = BiLO(width=16, points=64, pretrain_steps=10, finetune_steps=60, w_reg=w)
    found = fit(problem, data, method, device="cpu")
    best, params = min(seen, key=lambda pair: pair[0])
    assert len(seen) >= 4
    assert best < max(value for value, _ in seen)
    assert torch.equal(found.params, params)
    reference = problem.numerical(found.unknowns)
    assert reference is not None
    u = reference(data.points)
    slope = regularisation(problem, params)
    assert best == pytest.approx(float(((u - data.values) ** 2).mean() + w * slope))


@pytest.mark.parametrize(("rows", "adam"), [(101, False), (100, True)])
def test_functions_descend_by_adam_where_the_data_are_many(
    monkeypatch: pytest.MonkeyPatch, rows: int, adam: bool
) -> None:
    monkeypatch.setattr(bilo, "MAX_ROWS", rows)
    monkeypatch.setattr(Burgers, "unknowns", small(Burgers))
    problem = Burgers()
    method = BiLO(width=8, points=32, pretrain_steps=5, finetune_steps=20, upper_every=4)
    found = fit(problem, problem.observe(problem.truth(), 0.0, 0), method, device="cpu")
    moves = "move" in found.history
    assert moves is not adam


@pytest.mark.parametrize(("recipe", "last"), [("fast", 0.02), ("paper", 1.0)])
def test_adam_of_functions_slows_down_as_the_network_does(
    monkeypatch: pytest.MonkeyPatch, recipe: str, last: float
) -> None:
    monkeypatch.setattr(bilo, "MAX_ROWS", 100)
    monkeypatch.setattr(Burgers, "unknowns", small(Burgers))
    rates, step = [], bilo.upper_step

    def spy(run: Run, *words: Any) -> Any:
        rates.append(run.optimisers["upper"].param_groups[0]["lr"])
        return step(run, *words)

    monkeypatch.setattr(bilo, "upper_step", spy)
    problem = Burgers()
    method = BiLO(
        recipe, width=8, points=32, pretrain_steps=5, finetune_steps=100, upper_every=4,
        upper_rate=2e-3,
    )  # fmt: skip
    fit(problem, problem.observe(problem.truth(), 0.0, 0), method, device="cpu")
    assert rates[0] == pytest.approx(2e-3, rel=0.02)
    assert rates[-1] <= 1.001 * last * rates[0]
    assert rates == sorted(rates, reverse=True)
    assert (len(set(rates)) == 1) == (recipe == "paper")
