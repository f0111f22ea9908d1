"""The contract of a problem, over the registry: a new problem adds rows, not tests."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from torch import Tensor

from bilo.frame import Frame
from bilo.jets import Jet
from bilo.losses import field, operator_loss
from bilo.methods.direct_fit import classical, differenced
from bilo.network import OperatorNetwork
from bilo.points import Points
from bilo.problem import Problem
from bilo.problems import get, names
from tests.bilo.oracle import nested


@pytest.fixture(params=names())
def problem(request: pytest.FixtureRequest) -> Problem:
    return get(request.param)


def _truth(problem: Problem) -> dict[str, float]:
    return {k.name: k.truth for k in problem.unknowns if k.truth is not None}


def _network(problem: Problem, seed: int = 0) -> OperatorNetwork:
    return OperatorNetwork(problem, 12, 3, 0, seed).double()


def _inside(problem: Problem, n: int, seed: int = 3) -> dict[str, Tensor]:
    """Points away from the edge of the unit box."""
    draw = torch.Generator().manual_seed(seed)
    rows = 0.2 + 0.6 * torch.rand(len(problem.coordinates), n, generator=draw, dtype=torch.float64)
    return dict(zip(problem.coordinates, rows, strict=True))


def _faces(problem: Problem) -> Iterator[tuple[str, float, Points]]:
    for name, value in itertools.product(problem.coordinates, (0.0, 1.0)):
        inside = _inside(problem, 20)
        yield name, value, Points({**inside, name: torch.full_like(inside[name], value)})


def test_declaration(problem: Problem) -> None:
    assert problem.name in names()
    for k in problem.unknowns:
        low, high = k.bounds
        assert low <= k.start <= high
        assert k.truth is None or low <= k.truth <= high
        assert k.decode(k.encode(k.start)) == pytest.approx(k.start, rel=1e-12)
    outside = problem.encode({k.name: k.bounds[1] for k in problem.unknowns}) + 1
    assert problem.decode(problem.project(outside)) == pytest.approx(
        {k.name: k.bounds[1] for k in problem.unknowns}
    )


def test_transform_holds_initial_and_boundary_values(problem: Problem) -> None:
    """Faces where the network has no say carry the values of the numerical solution."""
    truth = _truth(problem)
    codes, reference = problem.encode(truth), problem.reference(truth)
    assert reference is not None
    held = set()
    for name, value, points in _faces(problem):
        one, two = (field(_network(problem, seed), points, codes).value for seed in (0, 1))
        if (one - two).abs().max() < 1e-12:
            held.add((name, value))
            assert (one.detach() - reference(points)).abs().max() < 1e-6, (name, value)
    assert held >= {(c, 0.0) for c in problem.coordinates}
    assert held >= {(c, 1.0) for c in problem.coordinates if c != "t"}


def test_the_numerical_solution_satisfies_the_equation(problem: Problem) -> None:
    """Its residual, by central differences, falls with the square of their step."""
    truth = _truth(problem)
    errors = [_residual_of_reference(problem, truth, h) for h in (0.04, 0.02, 0.01)]
    orders = np.log2(np.divide(errors[:-1], errors[1:]))
    assert (orders > 1.7).all()
    assert errors[-1] < 2e-3


def _residual_of_reference(problem: Problem, theta: dict[str, float], h: float) -> float:
    reference = problem.reference(theta)
    assert reference is not None
    inside = _inside(problem, 60)

    def u(**shift: float) -> Tensor:
        return reference(Points({c: x + h * shift.get(c, 0.0) for c, x in inside.items()}))

    points, codes = Points(inside), problem.encode(theta)
    at = Frame(problem, points, codes)
    first = {c: (u(**{c: 1}) - u(**{c: -1})) / (2 * h) for c in problem.coordinates}
    second = {}
    for a, b in itertools.product(problem.coordinates, repeat=2):
        if a == b:
            second[a, b] = (u(**{a: 1}) - 2 * u() + u(**{a: -1})) / h**2
        else:
            corners = [s * r * u(**{a: s, b: r}) for s, r in itertools.product((1, -1), repeat=2)]
            second[a, b] = torch.stack(corners).sum(0) / (4 * h**2)
    r = problem.residual(Jet.tabulated(u(), first, second, at.streams), at)
    return float((r.value**2).mean().sqrt())


@pytest.mark.parametrize("at_start", [True, False])
def test_engine_is_the_oracle(problem: Problem, at_start: bool) -> None:
    network = _network(problem)
    points = problem.collocation(30, torch.Generator().manual_seed(5)).to(network.like)
    codes = problem.encode(problem.start() if at_start else _truth(problem))
    exact = nested(network, points, codes, 0.1)
    found = operator_loss(network, points, codes, 0.1)
    assert found.residual == pytest.approx(float(exact.residual), rel=1e-10)
    assert found.gradient == pytest.approx(float(exact.gradient), rel=1e-10)
    found.surrogate.backward()
    for name, weights in network.named_parameters():
        assert weights.grad is not None
        difference = (weights.grad - exact.by_weights[name]).abs().max()
        assert difference <= 1e-10 * exact.by_weights[name].abs().max(), name


def test_both_precisions(problem: Problem) -> None:
    network = _network(problem)
    points = problem.collocation(30, torch.Generator().manual_seed(5)).to(network.like)
    codes = problem.encode(problem.start())
    double = operator_loss(network, points, codes, 0.1)
    network.float()
    single = operator_loss(network, points.to(network.like), codes.float(), 0.1)
    assert single.surrogate.dtype == torch.float32
    assert single.residual == pytest.approx(double.residual, rel=1e-4)
    assert single.gradient == pytest.approx(double.gradient, rel=1e-4)


def test_observations(problem: Problem) -> None:
    truth = _truth(problem)
    reference = problem.reference(truth)
    assert reference is not None
    clean = problem.observe(truth, 0.0, 0)
    exact = reference(clean.points)
    assert float(clean.value(exact, clean.start)) < 1e-14
    noisy = [problem.observe(truth, 0.1, seed).values for seed in (1, 1, 2)]
    assert torch.equal(noisy[0], noisy[1])
    assert not torch.equal(noisy[0], noisy[2])
    many = torch.stack([problem.observe(truth, 0.1, seed).values for seed in range(40)])
    informative = clean.informative or len(clean.values)
    deviation = float(((many - exact) ** 2).sum(1).div(informative).mean().sqrt())
    assert deviation == pytest.approx(0.1, rel=0.15)


def test_sensitivities_are_differences_of_the_numerical_solution(problem: Problem) -> None:
    truth = _truth(problem)
    data = problem.observe(truth, 0.0, 0)
    theta = np.array([1.1 * v for v in truth.values()])
    u, J = classical(problem, data)(theta)

    def solve(at: np.ndarray) -> np.ndarray:
        reference = problem.reference(dict(zip(truth, at.tolist(), strict=True)))
        assert reference is not None
        return np.asarray(reference(data.points))

    by_differences = differenced(solve)(theta)
    assert np.abs(u - by_differences[0]).max() < 1e-7
    assert np.abs(J - by_differences[1]).max() < 1e-5 * np.abs(J).max()


def test_a_misspelt_problem_is_named() -> None:
    with pytest.raises(KeyError, match=r"no problem 'fisher'; there are .*fisher_kpp"):
        get("fisher")
