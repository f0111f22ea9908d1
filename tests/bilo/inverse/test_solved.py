"""What a problem says of its solver and its points reaches those who ask for it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from bilo.inverse import Box, Observation, Problem, Scalar, condition
from bilo.inverse.point_jets import PointJets
from bilo.inverse.points import Points
from bilo.solvers.solution import Array, NumericalSolution

X = Points({"x": torch.linspace(0, 1, 5, dtype=torch.float64)})


class Line(NumericalSolution):
    """u = k x, which knows its derivative."""

    calls = 0

    def __init__(self, k: float) -> None:
        self.k = k

    def __call__(self, x: Array) -> Array:
        """One by one."""
        Line.calls += 1
        return self.k * x

    def sensitivities(self, x: Array) -> tuple[Array, Array]:
        """u and x."""
        return self.k * x, x[None]


class Slope(Problem):
    """u' = k."""

    box = Box(x=(0, 1))
    unknowns = (Scalar("k", start=1.0, bounds=(0.1, 10.0)),)
    solver = Line

    def transform(self, N: Any, at: Any) -> Any:
        """u = N x."""
        return N * at["x"]

    def residual(self, u: Any, at: Any) -> Any:
        """r = u' - k."""
        return u.d("x") - at["k"]


class Bent(Slope):
    """One that solves without the solver."""

    def solve(self, theta: Any) -> Any:
        """u = k x^2."""
        return lambda x: theta["k"] * x**2


def test_a_solver_of_scalars_is_the_numerical_solution() -> None:
    x = X.coordinates["x"]
    solution = Slope().numerical({"k": 3.0})
    assert solution is not None
    assert Slope().has_reference
    assert torch.equal(solution(X), 3.0 * x)
    assert torch.equal(Slope().solutions([{"k": 3.0}, {"k": 2.0}], X), torch.stack([3 * x, 2 * x]))


def test_derivatives_come_without_a_solution() -> None:
    before = Line.calls
    found = Slope().sensitivities({"k": 3.0}, X)
    assert found is not None
    u, J = found
    assert (u.shape, J.shape) == ((5,), (1, 5))
    assert torch.equal(J[0], X.coordinates["x"])
    assert Line.calls == before


def test_a_solution_of_one_s_own_has_no_derivatives_of_the_solver() -> None:
    assert Bent().sensitivities({"k": 3.0}, X) is None
    found = Bent().solutions([{"k": 3.0}, {"k": 2.0}], X)
    assert found[1].numpy() == pytest.approx(2 * np.linspace(0, 1, 5) ** 2)


@pytest.mark.parametrize("placement", ["lattice", "latin", "gauss", "midpoints"])
def test_residual_points_are_placed_as_the_problem_says(placement: str) -> None:
    """Two of the ways are fixed, two random; a Latin hypercube has one point in every part."""

    class Placed(Slope):
        box = Box(x=(0, 1), y=(2, 4))

    Placed.placement = placement  # type: ignore[assignment]
    first, other = (
        Placed().collocation(16 if placement in ("lattice", "latin") else 4, seed)
        for seed in (torch.Generator().manual_seed(k) for k in (0, 1))
    )
    same = torch.equal(first.coordinates["y"], other.coordinates["y"])
    assert same == (placement in ("gauss", "midpoints"))
    assert Placed().domain.contains(first).all()
    if placement == "latin":
        for name, (low, high) in Placed().domain.intervals.items():
            part = (first.coordinates[name] - low) / (high - low) * 16
            assert part.floor().sort().values.tolist() == list(range(16))


def test_a_placement_that_there_is_not() -> None:
    with pytest.raises(ValueError, match="no 'sobol' points; there are lattice, latin, gauss"):
        Slope.box.scatter("sobol", 3, torch.Generator())  # type: ignore[arg-type]


def test_a_boundary_value_that_losses_ask_for() -> None:
    """u - k at x = 1, of the jets that a lower level has."""
    there = condition.value("k", x=1.0)
    at = PointJets(Slope(), there.points, torch.tensor([3.0]), tangents=False, derivatives=False)
    found = there.residual(at["x"] * 5.0, at)
    assert found.value.tolist() == pytest.approx([5.0 - Slope().from_params(at.params)["k"]])


def test_midpoints_are_observed() -> None:
    """Exact in float64, with the noise of a seed; their mean is the integral."""
    data = Observation(midpoints=3).data(Slope(), {"k": 2.0}, 0.0, 0)
    assert data.points.coordinates["x"].tolist() == pytest.approx([1 / 6, 1 / 2, 5 / 6], abs=1e-16)
    assert float(data.values.mean()) == pytest.approx(1.0, abs=1e-15)


def test_features_are_counted() -> None:
    class Cornered(Slope):
        def features(self, at: Any) -> Any:
            return [at["x"], at["x"] * at["x"], at.vanishing("x")]

    assert (Slope().feature_count(), Cornered().feature_count()) == (1, 3)
