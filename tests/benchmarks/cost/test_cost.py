"""What `cost` compares computes the same thing; its measurements measure."""

from __future__ import annotations

import pytest
import torch

from benchmarks import experiments
from benchmarks.cost import nested, study, timed_steps
from benchmarks.cost.memory import peak_of
from bilo.lower.losses import operator_loss
from bilo.networks.network import OperatorNetwork
from bilo.problems import get
from tests.benchmarks.allocation import allocating, failing


@pytest.mark.parametrize("name", nested.TEXTBOOK)
def test_nested_autograd_is_the_engine(name: str) -> None:
    """Both ways of writing it by hand, value and gradient by every weight, in float64."""
    problem = get(name)
    network = OperatorNetwork(problem, 12, 3, 0, 1).double()
    points = problem.collocation(40, torch.Generator().manual_seed(2)).to(network.like)
    params = problem.start_params(0) * 1.3
    engine = operator_loss(network, points, params, 0.1)
    names, weights = zip(*network.named_parameters(), strict=True)
    exact = torch.autograd.grad(engine.surrogate, weights)
    for written in (nested.TEXTBOOK[name], nested.ECONOMICAL[name]):
        loss = written(network, points, params, 0.1)
        assert float(loss.detach()) == pytest.approx(
            engine.residual + 0.1 * engine.gradient + engine.conditions, rel=1e-12
        )
        for label, g, g_exact in zip(names, torch.autograd.grad(loss, weights), exact, strict=True):
            assert (g - g_exact).abs().max() < 1e-10 * g_exact.abs().max(), label


@pytest.mark.parametrize("name", nested.TEXTBOOK)
def test_every_kind_of_step_on_every_timed_problem(name: str) -> None:
    made = {
        make.__name__: make(name)
        for make in (timed_steps.engine, timed_steps.textbook, timed_steps.pinn)
    }
    assert min(timed_steps.interleaved(made, rounds=1).values()) > 0


def test_the_timed_problems_are_declared() -> None:
    declared = set(experiments.get("cost").problems)
    assert set(nested.TEXTBOOK) == set(nested.ECONOMICAL) == declared
    assert all(set(rounds) == declared for rounds in study.ROUNDS.values())


def test_steps_take_turns() -> None:
    calls: list[str] = []
    seconds = timed_steps.interleaved({k: lambda k=k: calls.append(k) for k in "ab"}, rounds=3)  # type: ignore[misc]
    assert calls == ["a", "b"] * 4
    assert set(seconds) == {"a", "b"}
    assert min(seconds.values()) >= 0


def test_memory_of_a_known_computation() -> None:
    # the buffer and its copy
    assert peak_of(allocating, 64) == pytest.approx(128, abs=8)


def test_a_computation_that_fails() -> None:
    with pytest.raises(RuntimeError, match="measuring the memory failed"):
        peak_of(failing)


def test_the_direct_fit_beside() -> None:
    found = study.classical_fit()
    assert found["max_rel_error"] < 1e-6
    assert found["evaluations"] < 30
    assert 0 < found["seconds"] < found["multi_start_seconds"]
