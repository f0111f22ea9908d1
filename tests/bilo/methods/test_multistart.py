"""Multi-start: which minimum is chosen, with a classical search in the place of a network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from bilo.classical.search import optima
from bilo.inverse.objective import Objective, SeparableObjective
from bilo.inverse.problem import Problem
from bilo.methods._fit import fit
from bilo.methods._multistart import judged, multi_start, starting_at
from bilo.methods._network_method import NetworkMethod
from bilo.methods.bilo import BiLO
from bilo.problems.fisher_kpp import FisherKPP
from bilo.training.session import Session
from bilo.training.solution import Solution

TRUTH = {"D": 0.5, "rho": 3.0}


def _search(problem: Problem, data: Objective, *, scout: bool, session: Session) -> Solution:
    """A fit that ends in the minimum of its start; a scout's is 0.2 % off."""
    assert isinstance(data, SeparableObjective)
    start = np.array([k.start for k in problem.unknowns])
    theta = optima(problem, data, [start]).theta
    theta = theta * (1.002 if scout else 1.0)
    found = dict(zip(TRUTH, theta.tolist(), strict=True))
    return Solution(
        "search", found, problem.to_params(found), judged(problem, data, found), True, "converged",
        steps=10, seconds=2.0,
    )  # fmt: skip


@dataclass(frozen=True)
class Search(NetworkMethod):
    """Such fits as a method."""

    search: Callable[..., Solution] = _search

    def fit(self, problem: Problem, data: Objective, session: Session) -> Solution:
        """A scout has a small network."""
        scout = self.architecture.width < 128
        return self.search(problem, data, scout=scout, session=session)


SESSION = Session()


def test_the_second_minimum_is_left() -> None:
    problem = FisherKPP()
    data = problem.observe(TRUTH, 0.0, 0)
    alone = Search().fit(problem, data, SESSION)
    assert alone.unknowns["D"] == pytest.approx(1.335, rel=1e-2)
    found = multi_start(Search(), problem, data, SESSION, 2)
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
    data = problem.observe({"D": 2.0, "rho": 2.0}, 0.0, 0)
    found = multi_start(Search(), problem, data, SESSION, 2)
    assert found.unknowns == pytest.approx({"D": 2.0, "rho": 2.0}, rel=1e-3)
    assert found.assessment["fits"] == 1
    assert found.steps == 10


def test_a_whole_fit_that_loses_its_minimum_is_not_called_converged() -> None:
    problem = FisherKPP()
    data = problem.observe(TRUTH, 0.0, 0)

    def astray(problem: Problem, data: Objective, *, scout: bool, session: Session) -> Solution:
        found = _search(problem, data, scout=scout, session=session)
        return found if scout else replace(found, unknowns={"D": 5.0, "rho": 1.0})

    found = multi_start(Search(search=astray), problem, data, SESSION, 2)
    assert found.status == "not converged"
    assert not found.converged
    assert "a better minimum, at 0.5, 3" in found.warnings[-1]


@pytest.mark.parametrize("whole", [0, 1, 6])
def test_ctrl_c_ends_all_fits(whole: int) -> None:
    """The first one by itself; of scouts and further fits the one that runs, and the rest."""
    problem = FisherKPP()
    data = problem.observe(TRUTH, 0.0, 0)
    begun: list[Session] = []

    def stopped(problem: Problem, data: Objective, *, scout: bool, session: Session) -> Solution:
        begun.append(session)
        found = _search(problem, data, scout=scout, session=session)
        if len(begun) <= whole:
            return found
        if session.interruptible:
            return replace(found, interrupted=True, status="not converged", converged=False)
        raise KeyboardInterrupt

    method, session = Search(search=stopped), replace(SESSION, interruptible=True)
    found = multi_start(method, problem, data, session, 2)
    assert (found.interrupted, len(begun)) == (True, whole + 1)
    assert (found.status, found.converged) == ("not converged", False)
    assert found.unknowns["D"] == pytest.approx(1.335, rel=1e-2)
    if whole:
        assert found.warnings == ("interrupted while other starts were tried",)
    if whole == 1:
        begun.clear()
        with pytest.raises(KeyboardInterrupt):
            multi_start(method, problem, data, SESSION, 2)
        assert len(begun) == 2


def test_every_whole_fit_has_a_checkpoint_of_its_own_and_scouts_none(tmp_path: Path) -> None:
    problem = FisherKPP()
    files: list[tuple[bool, Path | None]] = []

    def noted(problem: Problem, data: Objective, *, scout: bool, session: Session) -> Solution:
        files.append((scout, session.checkpoint))
        return _search(problem, data, scout=scout, session=session)

    session = replace(SESSION, checkpoint=tmp_path / "run.safetensors")
    multi_start(Search(search=noted), problem, problem.observe(TRUTH, 0.0, 0), session, 2)
    whole = [file for scout, file in files if not scout]
    assert whole[0] == session.checkpoint
    assert len(set(whole)) == len(whole) > 1
    assert {file for scout, file in files if scout} == {None}


class Unsolved(FisherKPP):
    """Without a numerical solution, though the class looks as if it had one."""

    def solve(self, theta: object) -> None:  # type: ignore[override]
        return None


def test_no_fit_is_made_where_nothing_can_judge_several() -> None:
    def unwanted(*_: object, scout: bool) -> Solution:
        raise AssertionError("a fit was made")

    data = FisherKPP().observe(TRUTH, 0.0, 0)
    words = "has no numerical solution to judge several starts by"
    with pytest.raises(ValueError, match=words):
        multi_start(Search(search=unwanted), Unsolved(), data, SESSION, 2)


def test_another_start_leaves_the_problem_alone() -> None:
    problem = FisherKPP()
    points = problem.collocation(16, torch.Generator())
    before = problem.pretraining_target(points)
    moved = starting_at(problem, np.array([2.0, 3.0]))
    assert problem.start() == {"D": 1.0, "rho": 1.0}
    assert moved.start() == {"D": 2.0, "rho": 3.0}
    assert before is not None
    there = moved.pretraining_target(points)
    assert there is not None
    assert torch.equal(there, problem.numerical(moved.start())(points))
    assert not torch.equal(there, before)


@pytest.mark.slow
def test_networks_find_the_truth_behind_the_second_minimum() -> None:
    problem = FisherKPP()
    found = fit(problem, problem.observe(TRUTH, 0.0, 0), BiLO(start_grid=3))
    assert found.unknowns == pytest.approx(TRUTH, rel=0.02)
    assert found.converged
