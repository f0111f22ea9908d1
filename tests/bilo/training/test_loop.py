"""The training loop: interruptions change nothing, bad numbers are survived, history is whole."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from bilo.inverse.points import Points
from bilo.methods import bilo
from bilo.networks.network import OperatorNetwork
from bilo.problems.fisher_kpp import FisherKPP
from bilo.training.loop import Run
from bilo.training.settings import Settings
from bilo.training.solution import Solution

TINY = Settings(
    width=8,
    layers=2,
    pretrain_steps=15,
    finetune_steps=30,
    points=25,
    sample_directions=True,
    device="cpu",
    history_every=5,
    checkpoint_seconds=0.0,
)
SECOND_ORDER = replace(TINY, recipe="lm", width=6, dtype=torch.float64)
RECIPES = (TINY, replace(TINY, recipe="paper"), SECOND_ORDER)
TRUTH = {"D": 2.0, "rho": 2.0}


class Stopped(Exception):
    """An interruption from outside."""


class Disturbed(FisherKPP):
    """Draws normally, except that the given draws stop the fit or are not numbers."""

    def __init__(self, stop: int = -1, bad: range = range(0)) -> None:
        self.draws, self.stop, self.bad = 0, stop, bad

    def collocation(self, n: int | None, generator: torch.Generator) -> Points:
        points = super().collocation(n, generator)
        if n != TINY.points:
            return points
        self.draws += 1
        if self.draws == self.stop:
            raise Stopped
        if self.draws in self.bad:
            broken = {k: v * math.nan for k, v in points.coordinates.items()}
            return Points(broken)
        return points


def _fit(problem: FisherKPP, settings: Settings = TINY) -> Solution:
    return bilo.fit(problem, FisherKPP().observe(TRUTH, 0.0, 0), settings)


def _weights(solution: Solution) -> torch.Tensor:
    assert solution.network is not None
    return torch.cat([p.detach().flatten() for p in solution.network.parameters()])


@pytest.mark.parametrize("settings", RECIPES, ids=lambda s: s.recipe)
@pytest.mark.parametrize("stop", [8, 31])
def test_an_interrupted_fit_ends_on_the_same_bits(
    tmp_path: Path, settings: Settings, stop: int
) -> None:
    whole = _fit(FisherKPP(), settings)
    kept = replace(settings, checkpoint=tmp_path / "run.safetensors")
    with pytest.raises(Stopped):
        _fit(Disturbed(stop=stop), kept)
    resumed = Disturbed()
    found = _fit(resumed, kept)
    assert resumed.draws == TINY.pretrain_steps + TINY.finetune_steps - (stop - 1)
    assert torch.equal(_weights(found), _weights(whole))
    assert torch.equal(found.codes, whole.codes)
    same = {k: torch.tensor(v).nan_to_num(-1).tolist() for k, v in found.history.items()}
    assert same == {k: torch.tensor(v).nan_to_num(-1).tolist() for k, v in whole.history.items()}


def test_bad_numbers_after_an_interruption_go_back_as_far(tmp_path: Path) -> None:
    """Without the interruption the fit goes back to its last snapshot, here its beginning."""
    whole = _fit(Disturbed(bad=range(35, 36)))
    kept = replace(TINY, checkpoint=tmp_path / "run.safetensors")
    with pytest.raises(Stopped):
        _fit(Disturbed(stop=31), kept)
    found = _fit(Disturbed(bad=range(5, 6)), kept)
    assert torch.equal(_weights(found), _weights(whole))
    assert found.warnings == whole.warnings


def test_bad_parameters_of_the_objective_are_bad_numbers() -> None:
    network = OperatorNetwork(FisherKPP(), 6, 1, 0, 0)
    run = Run(network, torch.zeros(2), torch.zeros(1), {}, torch.Generator())
    assert run.finite()
    run.auxiliary[0] = math.nan
    assert not run.finite()


@pytest.mark.parametrize("change", [{"key": "another"}, {"seed": 1}, {"points": 16}, {"width": 9}])
def test_a_checkpoint_of_another_fit_is_ignored(
    tmp_path: Path, change: dict[str, int | str]
) -> None:
    other = replace(TINY, **change)  # type: ignore[arg-type]
    _fit(FisherKPP(), replace(TINY, checkpoint=tmp_path / "run.safetensors"))
    found = _fit(FisherKPP(), replace(other, checkpoint=tmp_path / "run.safetensors"))
    assert torch.equal(_weights(found), _weights(_fit(FisherKPP(), other)))


@pytest.mark.parametrize(
    "bad", [pytest.param(6, id="pretraining"), pytest.param(32, id="fine-tuning")]
)
def test_one_bad_step_is_survived_at_a_lower_rate(bad: int) -> None:
    found = _fit(Disturbed(bad=range(bad, bad + 1)))
    assert found.steps == TINY.pretrain_steps + TINY.finetune_steps
    assert torch.isfinite(_weights(found)).all()
    assert "training recovered 1 times from a non-finite loss" in found.warnings
    assert found.status == "not converged"
    assert not torch.equal(_weights(found), _weights(_fit(FisherKPP())))


def test_one_bad_step_of_second_order_is_done_again() -> None:
    found = _fit(Disturbed(bad=range(32, 33)), SECOND_ORDER)
    assert "training recovered 1 times from a non-finite loss" in found.warnings
    assert torch.equal(_weights(found), _weights(_fit(FisherKPP(), SECOND_ORDER)))


@pytest.mark.parametrize("settings", RECIPES, ids=lambda s: s.recipe)
def test_bad_numbers_without_end_are_called_diverged(settings: Settings) -> None:
    found = _fit(Disturbed(bad=range(32, 10_000)), settings)
    assert found.status == "diverged"
    assert "training recovered 3 times from a non-finite loss" in found.warnings
    assert not found.converged
    assert torch.isfinite(_weights(found)).all()
    assert torch.isfinite(found.codes).all()


def test_the_history_has_a_row_every_few_steps() -> None:
    history = _fit(FisherKPP()).history
    assert history["step"] == [float(n) for n in range(5, 50, 5)]
    assert {len(column) for column in history.values()} == {9}
    assert {"residual", "residual_gradient", "start", "objective", "D", "rho"} < set(history)
    before = [n for n, step in enumerate(history["step"]) if step <= TINY.pretrain_steps]
    for name in ("objective", "D", "rho"):
        unknown = [math.isnan(value) for value in history[name]]
        assert unknown == [n in before for n in range(9)]
    assert [math.isnan(value) for value in history["start"]] == [n not in before for n in range(9)]
    assert history["D"][-1] != history["D"][3]
