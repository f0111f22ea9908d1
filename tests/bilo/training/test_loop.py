"""The training loop: interruptions change nothing, bad numbers are survived, history is whole."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from bilo.inverse.points import Points
from bilo.lower.levenberg_marquardt import Solving
from bilo.methods._fit import fit_in
from bilo.methods.bilo import BiLO, Judged
from bilo.networks.network import OperatorNetwork
from bilo.problems.fisher_kpp import FisherKPP
from bilo.training import checkpoint
from bilo.training.session import Session
from bilo.training.solution import Solution
from bilo.training.state import LevelState, Run
from bilo.upper.alternation import Alternating, Following

TINY = BiLO(
    width=8,
    layers=2,
    pretrain_steps=15,
    finetune_steps=30,
    points=25,
    sample_directions=True,
    history_every=5,
)
SECOND_ORDER = replace(TINY, recipe="lm", width=6, dtype=torch.float64, sample_directions=False)
RECIPES = (TINY, replace(TINY, recipe="paper"), SECOND_ORDER)
STEPS = 45
SESSION = Session(device="cpu", checkpoint_seconds=0.0)
TRUTH = {"D": 2.0, "rho": 2.0}


class Stopped(Exception):
    """An interruption from outside."""


class Disturbed(FisherKPP):
    """Draws normally, except that the given draws stop the fit or are not numbers."""

    def __init__(self, stop: int = -1, bad: range = range(0)) -> None:
        self.draws, self.stop, self.bad = 0, stop, bad

    def identity(self) -> Any:
        """The same fit, disturbed or not."""
        return FisherKPP().identity()

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


def _fit(problem: FisherKPP, method: BiLO = TINY, session: Session = SESSION) -> Solution:
    return fit_in(session, problem, FisherKPP().observe(TRUTH, 0.0, 0), method)


def _kept(folder: Path) -> Session:
    return replace(SESSION, checkpoint=folder / "run.safetensors")


def _rows(solution: Solution) -> dict[str, list[float]]:
    """The history, with numbers that compare."""
    return {k: torch.tensor(v).nan_to_num(-1).tolist() for k, v in solution.history.items()}


def _weights(solution: Solution) -> torch.Tensor:
    assert solution.network is not None
    return torch.cat([p.detach().flatten() for p in solution.network.parameters()])


@pytest.mark.parametrize("method", RECIPES, ids=lambda m: m.recipe)
@pytest.mark.parametrize("stop", [8, 31])
def test_an_interrupted_fit_ends_on_the_same_bits(tmp_path: Path, method: BiLO, stop: int) -> None:
    whole = _fit(FisherKPP(), method)
    with pytest.raises(Stopped):
        _fit(Disturbed(stop=stop), method, _kept(tmp_path))
    resumed = Disturbed()
    found = _fit(resumed, method, _kept(tmp_path))
    assert resumed.draws == STEPS - (stop - 1)
    assert torch.equal(_weights(found), _weights(whole))
    assert torch.equal(found.params, whole.params)
    assert _rows(found) == _rows(whole)


SEEN: list[torch.Tensor] = []
"""What the referee below saw: kept outside of it, for its closure would be part of the fit."""


def counting_referee(params: torch.Tensor, nuisance: torch.Tensor) -> float:
    """Likes the first unknowns best."""
    SEEN.append(params.clone())
    return float(len(SEEN))


def test_what_a_referee_saw_survives_an_interruption(tmp_path: Path) -> None:
    """It liked the unknowns of its first look best, before the interruption."""
    SEEN.clear()
    seen, method = SEEN, replace(TINY, referee=counting_referee)
    with pytest.raises(Stopped):
        _fit(Disturbed(stop=33), method, _kept(tmp_path))
    assert len(seen) == 1
    found = _fit(FisherKPP(), method, _kept(tmp_path))
    assert len(seen) > 1
    assert torch.equal(found.params, seen[0])
    assert not torch.equal(found.params, seen[-1])


PARAMS = torch.tensor([0.1, 0.2], dtype=torch.float64)


@pytest.mark.parametrize(
    ("lower", "upper"),
    [
        (LevelState(), LevelState()),
        (LevelState(), Judged()),
        (LevelState(), Judged(0.3, PARAMS, torch.zeros(1), settled=True)),
        (Solving(3e-5, 0.7), Following()),
        (Solving(3e-5, 0.7), Following(4, PARAMS, found=True)),
        (Solving(3e-5, 0.7), Alternating()),
        (Solving(3e-5, 0.7), Alternating(4, 2, 1e-3, 0.5, 0.6, PARAMS, torch.ones(5), 1e-4, True)),
    ],
    ids=lambda state: type(state).__name__,
)
def test_a_checkpoint_holds_what_the_levels_remember(
    tmp_path: Path, lower: LevelState, upper: LevelState
) -> None:
    def run(lower: LevelState, upper: LevelState) -> Run:
        network = OperatorNetwork(FisherKPP(), 6, 1, 0, 0)
        draw = torch.Generator().manual_seed(1)
        return Run(network, torch.zeros(2), torch.zeros(1), {}, draw, lower, upper)

    before, after = run(lower, upper), run(type(lower)(), type(upper)())
    checkpoint.save(tmp_path / "run", before.state())
    state = checkpoint.load(tmp_path / "run")
    assert state is not None
    after.restore(state)
    assert after.done == before.done == getattr(upper, "found", False)
    for kept, found in ((lower, after.lower), (upper, after.upper)):
        assert type(found) is type(kept)
        for name, value in vars(kept).items():
            same = getattr(found, name)
            if isinstance(value, torch.Tensor):
                assert same.dtype == value.dtype
                assert torch.equal(same, value)
            else:
                assert same == value


def test_bad_numbers_after_an_interruption_go_back_as_far(tmp_path: Path) -> None:
    """Without the interruption the fit goes back to its last snapshot, here its beginning."""
    whole = _fit(Disturbed(bad=range(35, 36)))
    with pytest.raises(Stopped):
        _fit(Disturbed(stop=31), TINY, _kept(tmp_path))
    found = _fit(Disturbed(bad=range(5, 6)), TINY, _kept(tmp_path))
    assert torch.equal(_weights(found), _weights(whole))
    assert found.warnings == whole.warnings


def test_bad_parameters_of_the_objective_are_bad_numbers() -> None:
    network = OperatorNetwork(FisherKPP(), 6, 1, 0, 0)
    run = Run(network, torch.zeros(2), torch.zeros(1), {}, torch.Generator())
    assert run.finite()
    run.nuisance[0] = math.nan
    assert not run.finite()


@pytest.mark.parametrize(
    "bad", [pytest.param(6, id="pretraining"), pytest.param(32, id="fine-tuning")]
)
def test_one_bad_step_is_survived_at_a_lower_rate(bad: int) -> None:
    found = _fit(Disturbed(bad=range(bad, bad + 1)))
    assert found.steps == STEPS
    assert torch.isfinite(_weights(found)).all()
    assert "training recovered 1 times from a non-finite loss" in found.warnings
    assert found.status == "not converged"
    assert not torch.equal(_weights(found), _weights(_fit(FisherKPP())))


def test_one_bad_step_of_second_order_is_done_again() -> None:
    found = _fit(Disturbed(bad=range(32, 33)), SECOND_ORDER)
    assert "training recovered 1 times from a non-finite loss" in found.warnings
    assert torch.equal(_weights(found), _weights(_fit(FisherKPP(), SECOND_ORDER)))


@pytest.mark.parametrize("method", RECIPES, ids=lambda m: m.recipe)
def test_bad_numbers_without_end_are_called_diverged(method: BiLO) -> None:
    found = _fit(Disturbed(bad=range(32, 10_000)), method)
    assert found.status == "diverged"
    assert "training recovered 3 times from a non-finite loss" in found.warnings
    assert not found.converged
    assert torch.isfinite(_weights(found)).all()
    assert torch.isfinite(found.params).all()


def test_the_history_has_a_row_every_few_steps() -> None:
    history = _fit(FisherKPP()).history
    assert history["step"] == [float(n) for n in range(5, 50, 5)]
    assert {len(column) for column in history.values()} == {9}
    assert {"residual", "residual_gradient", "start", "objective", "D", "rho"} < set(history)
    before = [n for n, step in enumerate(history["step"]) if step <= 15]
    for name in ("objective", "D", "rho"):
        unknown = [math.isnan(value) for value in history[name]]
        assert unknown == [n in before for n in range(9)]
    assert [math.isnan(value) for value in history["start"]] == [n not in before for n in range(9)]
    assert history["D"][-1] != history["D"][3]
