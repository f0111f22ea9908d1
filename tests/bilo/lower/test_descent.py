"""Pretraining that led to no solution begins again, slower; any other is left alone."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest
import torch

from bilo.inverse.problem import Problem
from bilo.lower.descent import LEAST_JUDGED, pretrained
from bilo.methods.bilo import BiLO
from bilo.networks.network import OperatorNetwork
from bilo.problems.fisher_kpp import FisherKPP
from bilo.problems.particles import Particles
from bilo.training.session import Session
from bilo.training.solution import Solution
from bilo.training.state import Run

THROWN = 125
"""A seed whose network SOAP throws to u = 0 in ten steps, where the softplus has no slope."""
TINY = BiLO(
    width=6, layers=2, pretrain_steps=LEAST_JUDGED, finetune_steps=8, points=16, history_every=1
)


def _run() -> Run:
    problem = FisherKPP()
    network = OperatorNetwork(problem, 4, 2, 0, 0)
    data = problem.observe(problem.truth(), 0.0, 0)
    run = Run.of(network, problem.start_params(0), data, Session())
    run.optimisers["lower"] = torch.optim.Adam(network.parameters())
    return run


def test_it_begins_again_from_its_first_state_once() -> None:
    run = _run()
    first = copy.deepcopy(run.state())
    weights, draws = run.operator.vector(), run.generator.get_state()
    judge = pretrained(first, lambda run: 0.9)
    run.step = 200
    torch.rand(3, generator=run.generator)
    run.operator.assign(weights + 1.0)
    assert not judge(run)
    assert (run.step, run.slower) == (0, 0.5)
    assert torch.equal(run.operator.vector(), weights)
    assert torch.equal(run.generator.get_state(), draws)
    assert judge(run)


def test_a_solved_equation_is_left_alone() -> None:
    run = _run()
    run.step = 100
    assert pretrained(run.state(), lambda run: 0.4)(run)
    assert (run.step, run.slower) == (100, 1.0)


def test_a_residual_that_is_no_number_solves_nothing() -> None:
    run = _run()
    assert not pretrained(run.state(), lambda run: float("nan"))(run)


def _steps(problem: Problem, method: BiLO, seed: int) -> tuple[int, Solution]:
    """Steps of the weights that a fit takes, and what it finds."""
    count = 0

    def told(progress: object) -> None:
        nonlocal count
        count += 1

    data = problem.observe(problem.truth(), 0.0, 0)
    found = method.fit(problem, data, Session(seed=seed, device="cpu", callback=told))
    return count, found


def test_weights_that_were_thrown_away_find_the_equation() -> None:
    method = replace(TINY, width=128, layers=3, points=256)
    steps, found = _steps(Particles(), method, THROWN)
    assert found.steps == LEAST_JUDGED + 8
    assert steps == LEAST_JUDGED + found.steps
    assert found.assessment["u_rel_l2_vs_numerical"] < 0.5  # of u = 0 it is 1


@pytest.mark.parametrize("recipe", ["fast", "paper"])
def test_pretraining_is_judged_once_and_never_that_of_the_paper(recipe: str) -> None:
    steps, found = _steps(FisherKPP(), replace(TINY, recipe=recipe), 0)
    assert steps == found.steps == LEAST_JUDGED + 8
