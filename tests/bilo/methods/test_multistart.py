"""Multi-start: which minimum is chosen, with a classical search in the place of a network."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from bilo.classical.search import optima
from bilo.inverse.objective import Objective, Pointwise
from bilo.inverse.problem import Problem
from bilo.methods import bilo
from bilo.methods._multistart import judged, multi_start, starting_at
from bilo.problems.fisher_kpp import FisherKPP
from bilo.training.settings import Settings
from bilo.training.solution import Solution

SETTINGS = Settings(start_grid=2)
TRUTH = {"D": 0.5, "rho": 3.0}


def _search(problem: Problem, data: Objective, settings: Settings) -> Solution:
    """A fit that ends in the minimum of its start; a scout's is 0.2 % off."""
    assert isinstance(data, Pointwise)
    start = np.array([k.start for k in problem.unknowns])
    theta = optima(problem, data, [start]).theta
    theta = theta * (1.002 if settings.width < SETTINGS.width else 1.0)
    found = dict(zip(TRUTH, theta.tolist(), strict=True))
    return Solution(
        "search", found, problem.encode(found), judged(problem, data, found), True, "converged",
        steps=10, seconds=2.0,
    )  # fmt: skip


def test_the_second_minimum_is_left() -> None:
    problem = FisherKPP()
    data = problem.observe(TRUTH, 0.0, 0)
    alone = _search(problem, data, SETTINGS)
    assert alone.unknowns["D"] == pytest.approx(1.335, rel=1e-2)
    found = multi_start(_search, problem, data, SETTINGS)
    assert found.unknowns == pytest.approx(TRUTH, rel=1e-3)
    assert found.status == "converged"
    minima = found.assessment["minima"]
    assert sum(m["starts"] for m in minima) == 5
    assert any(m["theta"][0] == pytest.approx(1.34, rel=0.02) for m in minima)
    fits = found.assessment["fits"]
    assert 1 + 5 + 1 <= fits <= 1 + 5 + 3
    assert found.steps == 10 * fits
    assert 2.0 * fits < found.seconds < 2.0 * fits + 20


def test_a_first_fit_that_nothing_beats_is_the_only_one() -> None:
    problem = FisherKPP()
    found = multi_start(_search, problem, problem.observe({"D": 2.0, "rho": 2.0}, 0.0, 0), SETTINGS)
    assert found.unknowns == pytest.approx({"D": 2.0, "rho": 2.0}, rel=1e-3)
    assert found.assessment["fits"] == 1
    assert found.steps == 10


def test_a_whole_fit_that_loses_its_minimum_is_not_called_converged() -> None:
    problem = FisherKPP()
    data = problem.observe(TRUTH, 0.0, 0)

    def astray(problem: Problem, data: Objective, settings: Settings) -> Solution:
        found = _search(problem, data, settings)
        if settings.width < SETTINGS.width:
            return found
        return replace(found, unknowns={"D": 5.0, "rho": 1.0})

    found = multi_start(astray, problem, data, SETTINGS)
    assert found.status == "not converged"
    assert not found.converged
    assert "a better minimum, at 0.5, 3" in found.warnings[-1]


def test_another_start_leaves_the_problem_alone() -> None:
    problem = FisherKPP()
    points = problem.collocation(16, torch.Generator())
    before = problem.start_solution(points)
    moved = starting_at(problem, np.array([2.0, 3.0]))
    assert problem.start() == {"D": 1.0, "rho": 1.0}
    assert moved.start() == {"D": 2.0, "rho": 3.0}
    assert before is not None
    there = moved.start_solution(points)
    assert there is not None
    assert torch.equal(there, problem.reference(moved.start())(points))
    assert not torch.equal(there, before)


@pytest.mark.slow
def test_networks_find_the_truth_behind_the_second_minimum() -> None:
    problem = FisherKPP()
    settings = replace(SETTINGS, start_grid=3)
    found = bilo.fit(problem, problem.observe(TRUTH, 0.0, 0), settings)
    assert found.unknowns == pytest.approx(TRUTH, rel=0.02)
    assert found.converged
