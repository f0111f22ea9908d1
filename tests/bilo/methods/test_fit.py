"""How a fit is run: whose checkpoint is continued, what Ctrl-C leaves, what a session changes."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from bilo.inverse.objective import SeparableObjective
from bilo.inverse.point_jets import PointJets
from bilo.inverse.points import Points
from bilo.methods._fingerprint import fingerprint
from bilo.methods._fit import fit, fit_in
from bilo.methods.bilo import BiLO
from bilo.problems import get, names
from bilo.problems.fisher_kpp import FisherKPP
from bilo.taylor.jets import Jet
from bilo.training import checkpoint
from bilo.training.loop import OtherFit
from bilo.training.session import Progress, Session
from bilo.training.solution import Solution

TINY = BiLO(width=8, layers=2, pretrain_steps=6, finetune_steps=14, points=25, history_every=2)
SECOND_ORDER = replace(TINY, recipe="lm", width=5, dtype=torch.float64)
BOTH = pytest.mark.parametrize("method", [TINY, SECOND_ORDER], ids=lambda m: m.recipe)
TRUTH = {"D": 2.0, "rho": 2.0}


def _data(noise: float = 0.0) -> SeparableObjective:
    return FisherKPP().observe(TRUTH, noise, 0)


def _weights(solution: Solution) -> torch.Tensor:
    assert solution.network is not None
    return torch.cat([p.detach().flatten() for p in solution.network.parameters()])


class Elsewhere(FisherKPP):
    """It starts elsewhere."""

    unknowns = tuple(replace(k, start=1.1) for k in FisherKPP.unknowns)


class Confined(FisherKPP):
    """With closer bounds."""

    unknowns = tuple(replace(k, bounds=(0.5, 5.0)) for k in FisherKPP.unknowns)


class Decaying(FisherKPP):
    """With another equation."""

    def residual(self, u: Jet, at: PointJets) -> Jet:
        return super().residual(u, at) + u


@pytest.mark.parametrize(
    ("problem", "data", "method", "seed"),
    [
        pytest.param(FisherKPP(), _data(1e-3), TINY, 0, id="data"),
        pytest.param(Elsewhere(), _data(), TINY, 0, id="start"),
        pytest.param(Confined(), _data(), TINY, 0, id="bounds"),
        pytest.param(Decaying(), _data(), TINY, 0, id="equation"),
        pytest.param(FisherKPP(), _data(), replace(TINY, finetune_steps=15), 0, id="budget"),
        pytest.param(FisherKPP(), _data(), replace(TINY, points=16), 0, id="points"),
        pytest.param(FisherKPP(), _data(), replace(TINY, width=9), 0, id="width"),
        pytest.param(FisherKPP(), _data(), replace(TINY, w_rgrad=0.2), 0, id="weight"),
        pytest.param(FisherKPP(), _data(), TINY, 1, id="seed"),
    ],
)
def test_a_checkpoint_of_another_fit_is_refused(
    tmp_path: Path, problem: FisherKPP, data: SeparableObjective, method: BiLO, seed: int
) -> None:
    file = tmp_path / "run.safetensors"
    fit(FisherKPP(), _data(), TINY, device="cpu", checkpoint=file)
    before = file.read_bytes()
    with pytest.raises(OtherFit, match=r"run\.safetensors holds another fit"):
        fit(problem, data, method, seed=seed, device="cpu", checkpoint=file)
    assert file.read_bytes() == before


def _screened(k: float) -> type[FisherKPP]:
    class Screened(FisherKPP):
        """With an equation that its source alone does not tell."""

        def residual(self, u: Jet, at: PointJets) -> Jet:
            return super().residual(u, at) + k * u

    return Screened


def _typed(k: float) -> type[FisherKPP]:
    """A class without a source, as one that was typed in."""
    text = "class Typed(FisherKPP):\n    def residual(self, u, at):\n        return {0} * u\n"
    names: dict[str, Any] = {"FisherKPP": FisherKPP, "__name__": "typed"}
    exec(text.format(k), names)
    typed: type[FisherKPP] = names["Typed"]
    return typed


@pytest.mark.parametrize("make", [_screened, _typed])
def test_an_equation_is_what_it_computes(make: Callable[[float], type[FisherKPP]]) -> None:
    """A class of a user's has the name of the one before it, and shares a checkpoint with none."""
    data, session = _data(), Session()
    plain, one, other = FisherKPP(), make(1.0)(), make(2.0)()
    found = [fingerprint(TINY, problem, data, session) for problem in (plain, one, other)]
    assert plain.name == one.name == other.name
    assert len(set(found)) == 3
    assert fingerprint(TINY, make(1.0)(), data, session) == found[1]


def test_the_same_fit_is_continued_and_a_damaged_file_written_over(tmp_path: Path) -> None:
    """By other objects of the same content, as another process has them."""
    file = tmp_path / "run.safetensors"
    first = fit(FisherKPP(), _data(), TINY, device="cpu", checkpoint=str(file))
    again = fit(FisherKPP(), _data(), replace(TINY), device="cpu", checkpoint=file)
    assert torch.equal(_weights(again), _weights(first))
    assert (again.steps, again.seconds) == (20, first.seconds)
    file.write_text("no checkpoint")
    anew = fit(FisherKPP(), _data(), TINY, device="cpu", checkpoint=file)
    assert torch.equal(_weights(anew), _weights(first))
    assert checkpoint.load(file) is not None


@pytest.mark.parametrize("name", names())
def test_what_a_problem_has_computed_is_no_part_of_what_it_is(name: str) -> None:
    problem, session = get(name), Session()
    truth = problem.truth()
    data = problem.observe(truth, 0.0, 0)
    before = fingerprint(TINY, problem, data, session)
    points = problem.collocation(None, torch.Generator())
    problem.pretraining_target(points)
    params = problem.start_params(0)
    problem.sensor_values(params)
    seen = len(data.points) * len(problem.fields)
    data.value(torch.full((seen,), 0.5, dtype=torch.float64), data.start)
    assert fingerprint(TINY, problem, data, session) == before
    assert fingerprint(TINY, get(name), get(name).observe(truth, 0.0, 0), session) == before
    assert fingerprint(TINY, problem, data, Session(threads=2, progress="a fit")) == before
    assert fingerprint(TINY, problem, data, Session(seed=1)) != before


class Disturbed(FisherKPP):
    """One draw is interrupted: by the exception itself, or by the signal behind it."""

    def __init__(self, stop: int = -1, *, pressed: bool = False) -> None:
        self.draws, self.stop, self.pressed = 0, stop, pressed

    def identity(self) -> Any:
        """The same fit, interrupted or not."""
        return FisherKPP().identity()

    def collocation(self, n: int | None, generator: torch.Generator) -> Points:
        if n == TINY.points:
            self.draws += 1
            if self.draws == self.stop and not self.pressed:
                raise KeyboardInterrupt
            if self.draws == self.stop:
                signal.raise_signal(signal.SIGINT)
        return super().collocation(n, generator)


@BOTH
@pytest.mark.parametrize("stop", [4, 13], ids=["pretraining", "fine-tuning"])
@pytest.mark.parametrize("pressed", [False, True], ids=["exception", "signal"])
def test_ctrl_c_gives_the_state_so_far_and_a_checkpoint_to_continue(
    tmp_path: Path, method: BiLO, stop: int, pressed: bool
) -> None:
    """A signal waits for the end of the step in which it comes."""
    file, steps = tmp_path / "run.safetensors", stop - 1 + pressed
    whole = fit(FisherKPP(), _data(), method, device="cpu")
    problem = Disturbed(stop, pressed=pressed)
    found = fit(problem, _data(), method, device="cpu", checkpoint=file)
    assert (found.interrupted, found.status, found.steps) == (True, "not converged", steps)
    assert f"training was stopped by hand at step {steps}" in found.warnings
    assert (problem.draws, found.history["step"][-1]) == (stop, steps - steps % 2)
    resumed = Disturbed()
    found = fit(resumed, _data(), method, device="cpu", checkpoint=file)
    assert resumed.draws == whole.steps - steps
    assert torch.equal(_weights(found), _weights(whole))
    assert torch.equal(found.params, whole.params)
    assert found.history["step"] == whole.history["step"]
    assert found.warnings == whole.warnings


@BOTH
def test_ctrl_c_in_a_callback_costs_no_row(tmp_path: Path, method: BiLO) -> None:
    file, seen = tmp_path / "run.safetensors", []

    def stop(progress: Progress) -> dict[str, float]:
        seen.append(progress.step)
        if len(seen) == 5:
            raise KeyboardInterrupt
        return {"calls": float(len(seen))}

    whole = fit(FisherKPP(), _data(), method, device="cpu")
    found = fit(FisherKPP(), _data(), method, device="cpu", checkpoint=file, callback=stop)
    assert (found.interrupted, found.status, found.steps) == (True, "not converged", 10)
    assert "training was stopped by hand at step 10" in found.warnings
    assert found.history["step"] == seen == [2, 4, 6, 8, 10]
    assert found.history["calls"][:4] == [1, 2, 3, 4]
    found = fit(FisherKPP(), _data(), method, device="cpu", checkpoint=file, callback=stop)
    assert torch.equal(_weights(found), _weights(whole))
    assert found.history["step"] == whole.history["step"]
    assert found.history["calls"][5:] == [6, 7, 8, 9, 10]


@pytest.mark.parametrize("pressed", [False, True], ids=["exception", "signal"])
def test_ctrl_c_goes_through_where_a_session_does_not_hold_it(pressed: bool) -> None:
    with pytest.raises(KeyboardInterrupt):
        fit_in(Session(device="cpu"), Disturbed(9, pressed=pressed), _data(), TINY)


def test_ctrl_c_twice_does_not_wait() -> None:
    class Impatient(Disturbed):
        def collocation(self, n: int | None, generator: torch.Generator) -> Points:
            points = super().collocation(n, generator)
            if n == TINY.points and self.draws == self.stop:
                signal.raise_signal(signal.SIGINT)
            return points

    found = fit(Impatient(9, pressed=True), _data(), TINY, device="cpu")
    assert (found.interrupted, found.status, found.steps) == (True, "not converged", 8)


def test_afterwards_ctrl_c_is_what_it_was() -> None:
    usual = signal.getsignal(signal.SIGINT)
    fit(Disturbed(3, pressed=True), _data(), TINY, device="cpu")
    assert signal.getsignal(signal.SIGINT) is usual


@pytest.fixture
def two_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("two_threads")
def test_the_number_of_threads_is_the_callers_again() -> None:
    seen: list[int] = []

    def note(progress: Progress) -> None:
        seen.append(torch.get_num_threads())

    found = fit(FisherKPP(), _data(), TINY, device="cpu", callback=note)
    assert (set(seen), found.threads, torch.get_num_threads()) == ({1}, 1, 2)
    found = fit(FisherKPP(), _data(), TINY, device="cpu", threads=3, callback=note)
    assert (seen[-1], found.threads, torch.get_num_threads()) == (3, 3, 2)

    def fail(progress: Progress) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fit(FisherKPP(), _data(), TINY, device="cpu", callback=fail)
    assert torch.get_num_threads() == 2


def test_a_word_that_a_fit_does_not_know() -> None:
    with pytest.raises(TypeError, match="'watch'"):
        fit(FisherKPP(), _data(), TINY, watch=print)  # type: ignore[call-arg]
