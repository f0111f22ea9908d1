"""Numerical solutions get float64 points on the CPU, wherever the networks are.

Where there is no accelerator, points of another device are feigned: their coordinates are tensors
of the device `meta`, which has no numbers to compute with, until they are moved to the CPU.
"""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from bilo.classical.search import classical
from bilo.inverse.observed import solution_at_data
from bilo.inverse.points import Points
from bilo.inverse.problem import Problem
from bilo.methods._fit import fit
from bilo.methods.bilo import BiLO
from bilo.networks.training_set import training_set
from bilo.problems import get, names

NAMES = pytest.mark.parametrize("name", names())


class Far(Points):
    """Float32 points of another device."""

    def __init__(self, near: Points) -> None:
        super().__init__(near.coordinates, near.known)
        object.__setattr__(self, "near", near.to(torch.zeros(())))
        for part in ("coordinates", "known"):
            moved = {k: v.to("meta") for k, v in getattr(self, part).items()}
            object.__setattr__(self, part, moved)

    def to(self, like: Tensor) -> Points:
        near: Points = vars(self)["near"]
        return near.to(like) if like.device.type == "cpu" else self


def _watched(name: str) -> tuple[Problem, list[str]]:
    """A problem that notes what its own solver is asked at, and refuses what is far or coarse."""
    problem = get(name)
    kind: Any = type(problem)
    asked: list[str] = []

    def require(points: Points, what: str) -> None:
        asked.append(what)
        for row in points.coordinates.values():
            assert (row.device.type, row.dtype) == ("cpu", torch.float64), what

    class Watched(kind):  # type: ignore[misc]
        def reference(self, theta: Any) -> Any:
            solution = super().reference(theta)

            def at(points: Points) -> Any:
                require(points, "reference")
                return solution(points)

            return at

        def sensitivities(self, theta: Any, points: Points) -> Any:
            require(points, "sensitivities")
            return super().sensitivities(theta, points)

        def solutions(self, thetas: Any, points: Points) -> Any:
            require(points, "solutions")
            return super().solutions(thetas, points)

    return Watched(), asked


def test_the_fake_cannot_be_computed_with() -> None:
    near = Points({"x": torch.linspace(0, 1, 3)})
    far = Far(near)
    with pytest.raises((NotImplementedError, TypeError, RuntimeError)):
        far.coordinates["x"].numpy()
    assert torch.equal(far.to(torch.zeros(())).coordinates["x"], near.coordinates["x"])


@NAMES
def test_the_numerical_solution(name: str) -> None:
    """By itself, at the data, and at the start."""
    problem, asked = _watched(name)
    points = problem.collocation(7, torch.Generator().manual_seed(1))
    exact = problem.numerical(problem.start())
    assert exact is not None
    u = exact(Far(points))
    assert (u.device.type, u.dtype) == ("cpu", torch.float64)
    assert torch.equal(u, exact(points))
    start = problem.pretraining_target(Far(points))
    assert start is not None
    assert torch.equal(start, u)
    data = copy.copy(problem.observe(problem.truth(), 0.0, 0))
    near = data.points
    object.__setattr__(data, "points", Far(near))
    found = solution_at_data(problem, problem.start(), data)
    assert found is not None
    assert torch.allclose(found, exact(near).flatten(), rtol=1e-5, atol=1e-6)
    assert set(asked) == {"reference"}


@pytest.mark.parametrize("name", [n for n in names() if not get(n).functions])
def test_sensitivities_of_a_classical_search(name: str) -> None:
    problem, asked = _watched(name)
    data = copy.copy(problem.observe(problem.truth(), 0.0, 0))
    object.__setattr__(data, "points", Far(data.points))
    u, J = classical(problem, data)(np.array(list(problem.truth().values())))
    assert np.isfinite(u).all()
    assert np.isfinite(J).all()
    assert "sensitivities" in asked


@pytest.mark.parametrize("name", ["fisher_kpp", "poisson", "poisson_scalar"])
def test_many_solutions_for_a_neural_operator(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bilo.networks.training_set.FUNCTIONS", 3)
    problem, asked = _watched(name)
    points = problem.collocation(9, torch.Generator().manual_seed(1))
    samples = "length0.2" if problem.functions else "coarse"
    known = training_set(problem, samples, Far(points), 0)
    assert known.solutions.dtype == torch.float64
    assert "solutions" in asked


@NAMES
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no device but the CPU")
def test_a_fit_on_an_accelerator(name: str) -> None:
    problem, _ = _watched(name)
    data = problem.observe(problem.truth(), 0.0, 0)
    tiny = BiLO(width=8, layers=2, pretrain_steps=4, finetune_steps=8, points=25)
    for method in (tiny, replace(tiny, recipe="paper")):
        found = fit(problem, data, method, device="cuda")
        assert found.device == "cuda"
        assert torch.isfinite(found.params).all()
