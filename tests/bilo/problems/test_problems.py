"""The contract of a problem, over the registry: a new problem adds rows, not tests."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterator

import numpy as np
import pytest
import torch
from torch import Tensor

from bilo.classical.search import classical, differenced
from bilo.inverse.box import Box
from bilo.inverse.chain_rule import by_params
from bilo.inverse.function import Function
from bilo.inverse.least_squares import LeastSquares
from bilo.inverse.point_jets import PointJets
from bilo.inverse.points import Points
from bilo.inverse.problem import Problem
from bilo.lower.losses import operator_loss
from bilo.networks.network import OperatorNetwork, field
from bilo.problems import get, names
from bilo.problems.bpn import BoundaryValues
from bilo.taylor.jets import Jet
from bilo.upper.tangent_model import through_inputs
from tests.bilo.decaying import Decaying
from tests.bilo.oracle import nested
from tests.bilo.systems import interleaved_field

VARIANTS: dict[str, Callable[[], Problem]] = {
    "bpn, soft": lambda: BoundaryValues("soft"),
    "function and scalar": Decaying,
}
"""What the registry does not give by a name alone."""
LOCAL = [name for name in names() if not get(name).of_the_solution]
"""Problems whose operator takes the unknowns at the point: no function is one of the solution."""
SMALLER = {"two_functions": 0.3}
"""Of the usual random params: a coefficient that is not positive has no numerical solution."""
TERMS = {"source": 30.0, "two_functions": 10.0}
"""Size of an equation's terms, where it is not one."""
FIRST_ORDER = {"burgers"}
"""Problems whose numerical solution is of first order: Godunov's scheme."""


@pytest.fixture(params=names())
def problem(request: pytest.FixtureRequest) -> Problem:
    return get(request.param)


@pytest.fixture(params=LOCAL)
def local(request: pytest.FixtureRequest) -> Problem:
    return get(request.param)


@pytest.fixture(params=(*LOCAL, *VARIANTS))
def variant(request: pytest.FixtureRequest) -> Problem:
    make = VARIANTS.get(request.param, lambda: get(request.param))
    return make()


@pytest.fixture(params=[name for name in names() if not get(name).functions])
def scalars(request: pytest.FixtureRequest) -> Problem:
    """A problem without unknown functions."""
    return get(request.param)


@functools.cache
def _start(problem: type[Problem]) -> Tensor:
    """Codes of a problem's start: fitting a function's network takes seconds."""
    return problem().start_params(0)


def elsewhere(problem: Problem) -> Tensor:
    """Codes away from the start: scalars at their truth, functions of random weights."""
    parts = []
    for k in problem.unknowns:
        if isinstance(k, Function):
            parts.append(2 * SMALLER.get(problem.name, 1.0) * k.random_params(7))
        else:
            value = k.start if k.truth is None else k.truth
            parts.append(torch.tensor([k.to_params(value)], dtype=torch.float64))
    return torch.cat(parts)


def _network(problem: Problem, seed: int = 0) -> OperatorNetwork:
    return OperatorNetwork(problem, 12, 3, 0, seed).double()


def _inside(problem: Problem, n: int, seed: int = 3) -> dict[str, Tensor]:
    """Points away from the edge of the box, odd hundredths of its sides: numerical solutions on a
    grid, linear in between, cannot be differentiated elsewhere.
    """
    draw = torch.Generator().manual_seed(seed)
    rows = torch.randint(10, 40, (len(problem.coordinates), n), generator=draw)
    sides = problem.domain.intervals.items()
    return {
        c: low + (high - low) * row
        for (c, (low, high)), row in zip(sides, (2 * rows.double() + 1) / 100, strict=True)
    }


def _faces(problem: Problem) -> Iterator[tuple[str, float, Points]]:
    """Each with its part of the coordinate's side, 0 or 1."""
    for name, end in itertools.product(problem.coordinates, (0, 1)):
        inside = _inside(problem, 20)
        value = torch.full_like(inside[name], problem.domain.intervals[name][end])
        yield name, float(end), problem.place({**inside, name: value})


def test_declaration(problem: Problem) -> None:
    assert problem.name in names()
    assert {k.name for k in problem.unknowns} <= set(problem.truth())
    for k in problem.scalars:
        low, high = k.bounds
        assert low <= k.start <= high
        assert k.truth is None or low <= k.truth <= high
        assert k.from_params(k.to_params(k.start)) == pytest.approx(k.start, rel=1e-12)
    names_of = {*problem.coordinates, *problem.fields}
    assert all(set(k.coordinates) <= names_of for k in problem.functions)
    assert all(k.regulariser is not None for k in problem.functions)
    low, high = problem.param_bounds()
    assert torch.equal(problem.project(high + 1), high)
    assert torch.equal(problem.project(low - 1), low)


def test_functions_can_be_represented(problem: Problem) -> None:
    """The transform says of start and truths what it says of every function; the start is met."""
    start = problem.from_params(_start(type(problem)))
    for k in problem.functions:
        points = Box.unit(k.coordinates).grid(31)
        wanted = k.start(points)
        assert (start[k.name](points) - wanted).pow(2).mean().sqrt() < 2e-3 * k.scale
        low, high = (k.at(points, sign * 1e3 * _only_bias(k)) for sign in (-1, 1))
        for f in (k.start, *k.truths):
            assert f(points).dtype == torch.float64
            assert (low - 1e-12 <= f(points)).all()
            assert (f(points) <= high + 1e-12).all()


def _only_bias(k: Function) -> Tensor:
    """Weights of the network that is one everywhere."""
    params = torch.zeros(k.size, dtype=torch.float64)
    params[-1] = 1.0
    return params


def test_transform_holds_initial_and_boundary_values(local: Problem) -> None:
    """Faces where the network has no say carry the values of the numerical solution."""
    problem = local
    params = elsewhere(problem)
    reference = problem.numerical(problem.from_params(params))
    assert reference is not None
    tolerance = 1e-5 if problem.functions else 1e-6  # initial functions are linear between nodes
    held = set()
    for name, value, points in _faces(problem):
        one, two = (field(_network(problem, seed), points, params).value for seed in (0, 1))
        if (one - two).abs().max() < 1e-12:
            held.add((name, value))
            exact = reference(points).flatten()
            assert (one.detach() - exact).abs().max() < tolerance, (name, value)
    assert held >= {(c, 0.0) for c in problem.coordinates}
    assert held >= {(c, 1.0) for c in problem.coordinates if c != "t"}


def test_the_numerical_solution_satisfies_the_equation(problem: Problem) -> None:
    """Its residual, by central differences, falls with the square of their step, or is rounding;
    that of a scheme of first order is small beside the terms of the equation, here about 0.05.
    """
    params = elsewhere(problem)
    errors = [_residual_of_reference(problem, params, h) for h in (0.04, 0.02, 0.01)]
    orders = np.log2(np.divide(errors[:-1], errors[1:]))
    if problem.name in FIRST_ORDER:
        assert errors[-1] < 5e-5
        return
    assert (orders > 1.7).all() or max(errors) < 1e-9
    assert errors[-1] < 2e-3 * TERMS.get(problem.name, 1.0)


def test_many_numerical_solutions_are_those_one_by_one(problem: Problem) -> None:
    thetas = [problem.start(), problem.truth()]
    points = problem.collocation(None, torch.Generator())
    together = problem.solutions(thetas, points)
    for u, theta in zip(together, thetas, strict=True):
        reference = problem.numerical(theta)
        assert reference is not None
        exact = reference(points)
        assert u.dtype == torch.float64
        assert (u - exact).abs().max() < 1e-6 * exact.abs().max()


def test_the_numerical_solution_satisfies_the_conditions(variant: Problem) -> None:
    """With one-sided differences of second order, on the side that a point says."""
    params, h = elsewhere(variant), 1e-4
    for condition in variant.conditions():
        reference = variant.numerical(variant.from_params(params))
        assert reference is not None
        points = condition.points.to(params)
        ((name, x),) = points.coordinates.items()
        here, plus, minus = (reference(Points({name: x + d}, points.known)) for d in (0.0, h, -h))
        at = PointJets(variant, points, params)
        second = {(name, name): (plus - 2 * here + minus) / h**2}
        u = Jet.tabulated(here, {name: (plus - minus) / (2 * h)}, second, at.streams)
        c = condition.residual(u, at)
        assert c.value.abs().max() < 1e-5


def _residual_of_reference(problem: Problem, params: Tensor, h: float) -> float:
    reference = problem.numerical(problem.from_params(params))
    assert reference is not None
    inside = _inside(problem, 60)
    points = problem.place(inside)

    def u(**shift: float) -> Tensor:
        moved = {c: x + h * shift.get(c, 0.0) for c, x in inside.items()}
        return reference(Points(moved, points.known))

    at = PointJets(problem, points, params)
    first = {c: (u(**{c: 1}) - u(**{c: -1})) / (2 * h) for c in problem.coordinates}
    second = {}
    for a, b in itertools.product(problem.coordinates, repeat=2):
        if a == b:
            second[a, b] = (u(**{a: 1}) - 2 * u() + u(**{a: -1})) / h**2
        else:
            corners = [s * r * u(**{a: s, b: r}) for s, r in itertools.product((1, -1), repeat=2)]
            second[a, b] = torch.stack(corners).sum(0) / (4 * h**2)
    fields = (
        Jet.tabulated(
            _column(u(), k),
            {c: _column(v, k) for c, v in first.items()},
            {pair: _column(v, k) for pair, v in second.items()},
            at.streams,
        )
        for k in range(len(problem.fields))
    )
    squares = [(r.value**2).mean() for r in problem.residuals(tuple(fields), at)]
    return float(torch.stack(squares).mean().sqrt())


def _column(values: Tensor, k: int) -> Tensor:
    """One field of (N,) or (N, fields)."""
    return values if values.ndim == 1 else values[:, k]


@pytest.mark.parametrize("at_start", [True, False])
def test_engine_is_the_oracle(variant: Problem, at_start: bool) -> None:
    problem = variant
    network = _network(problem)
    points = problem.collocation(30, torch.Generator().manual_seed(5)).to(network.like)
    params = _start(type(problem)) if at_start else elsewhere(problem)
    exact = nested(network, points, params, 0.1)
    found = operator_loss(network, points, params, 0.1)
    assert found.residual == pytest.approx(float(exact.residual), rel=1e-10)
    assert found.gradient == pytest.approx(float(exact.gradient), rel=1e-10)
    assert found.conditions == pytest.approx(float(exact.conditions), rel=1e-10)
    found.surrogate.backward()
    for name, weights in network.named_parameters():
        assert weights.grad is not None
        difference = (weights.grad - exact.by_weights[name]).abs().max()
        assert difference <= 1e-10 * exact.by_weights[name].abs().max(), name


def test_the_upper_gradient_is_through_the_inputs(variant: Problem) -> None:
    """By the params, of any function of u(x, f(x; V); W) at points, W held."""
    problem = variant
    network, params = _network(problem), elsewhere(problem).requires_grad_()
    generator = torch.Generator().manual_seed(5)
    points = problem.collocation(30, generator).to(network.like)
    u = interleaved_field(network, points, params)
    by_u = torch.randn(len(u), generator=generator, dtype=torch.float64)
    (exact,) = torch.autograd.grad(u @ by_u, params)
    J = field(network, points, params.detach(), tangents=True).tangents.detach()
    found, _ = through_inputs(problem, points, params, J * by_u)
    assert (found - exact).abs().max() <= 1e-10 * exact.abs().max()
    assert torch.allclose(by_params(problem, points, params.detach(), J) @ by_u, exact, rtol=1e-9)


def test_both_precisions(local: Problem) -> None:
    problem = local
    network = _network(problem)
    points = problem.collocation(30, torch.Generator().manual_seed(5)).to(network.like)
    params = elsewhere(problem)
    double = operator_loss(network, points, params, 0.1)
    network.float()
    single = operator_loss(network, points.to(network.like), params.float(), 0.1)
    assert single.surrogate.dtype == torch.float32
    assert single.residual == pytest.approx(double.residual, rel=1e-4)
    assert single.gradient == pytest.approx(double.gradient, rel=1e-4)


def test_observations(problem: Problem, monkeypatch: pytest.MonkeyPatch) -> None:
    """A seed gives its data again; noise has the deviation asked for; data may bring their own."""
    truth = problem.truth()
    reference = problem.numerical(truth)
    assert reference is not None
    clean = problem.observe(truth, 0.0, 0)
    if not isinstance(clean, LeastSquares):
        with pytest.raises(ValueError, match=f"{problem.name}: .* noise"):
            problem.observe(truth, 0.1, 0)
        again, other = (problem.observe(truth, 0.0, seed).points.coordinates for seed in (0, 1))
        for name, x in clean.points.coordinates.items():
            assert torch.equal(x, again[name])
            assert x.shape != other[name].shape or not torch.equal(x, other[name])
        return
    exact = reference(clean.points).flatten()
    assert float(clean.value(exact, clean.start)) < 1e-14
    monkeypatch.setattr(problem, "reference", lambda theta: reference)  # solved once
    assert torch.equal(_noisy(problem, 1).values, _noisy(problem, 1).values)
    drawn = [_noisy(problem, seed) for seed in range(40)]
    many = torch.stack([data.values for data in drawn])
    informative = clean.informative or len(clean.values)
    # noise in proportion to a field says its deviation
    unit = 1.0 if drawn[0].sigma is None else torch.as_tensor(drawn[0].sigma) / 0.1
    deviation = float((((many - exact) / unit) ** 2).sum(1).div(informative).mean().sqrt())
    assert deviation == pytest.approx(0.1, rel=0.15)


def _noisy(problem: Problem, seed: int) -> LeastSquares:
    data = problem.observe(problem.truth(), 0.1, seed)
    assert isinstance(data, LeastSquares)
    return data


def test_the_truth_is_the_optimum_in_the_mean(scalars: Problem) -> None:
    """The score has mean zero over seeds: within 3.5 of its standard errors."""
    problem, truth = scalars, scalars.truth()
    own = not isinstance(problem.observe(truth, 0.0, 0), LeastSquares)
    scores = []
    for seed in range(60):
        data = problem.observe(truth, 0.0 if own else 0.1, seed)
        u, J = classical(problem, data)(np.array(list(truth.values())))
        g, H = data.model(torch.from_numpy(u), torch.from_numpy(J).t())
        scores.append(g)
    found = torch.stack(scores)
    assert (found.std(0) > 0).all()
    assert (found.mean(0).abs() < 3.5 * found.std(0) / 60**0.5).all()
    if own:  # a likelihood: its curvature is the variance of the score
        assert H.diagonal().sqrt().tolist() == pytest.approx(found.std(0).tolist(), rel=0.3)


def test_the_models_of_an_objective_are_its_derivatives(problem: Problem) -> None:
    data = problem.observe(problem.truth(), 0.0, 1)
    reference = problem.numerical(problem.start())
    assert reference is not None
    u = reference(data.points).flatten().requires_grad_()
    first = torch.autograd.functional.jacobian(lambda v: data.value(v, data.start), u)
    second = torch.autograd.functional.hessian(lambda v: data.value(v, data.start), u).diagonal()
    found = data.derivatives(u.detach())
    assert torch.allclose(found[0], first, rtol=1e-10)
    assert torch.allclose(found[1], second, rtol=1e-10)


def test_sensitivities_are_differences_of_the_numerical_solution(scalars: Problem) -> None:
    problem, truth = scalars, scalars.truth()
    data = problem.observe(truth, 0.0, 0)
    theta = np.array([1.1 * v + 0.01 for v in truth.values()])
    u, J = classical(problem, data)(theta)

    def solve(at: np.ndarray) -> np.ndarray:
        reference = problem.numerical(dict(zip(truth, at.tolist(), strict=True)))
        assert reference is not None
        return np.asarray(reference(data.points).flatten())

    by_differences = differenced(solve)(theta)
    assert np.abs(u - by_differences[0]).max() < 1e-7
    assert np.abs(J - by_differences[1]).max() < 1e-5 * np.abs(J).max()


def test_a_misspelt_problem_is_named() -> None:
    with pytest.raises(KeyError, match=r"no problem 'fisher'; there are .*fisher_kpp"):
        get("fisher")


@pytest.mark.parametrize("name", ["poisson", "darcy"])
def test_a_pinn_s_field_moves_with_its_weights_alone(name: str) -> None:
    problem = get(name)
    network = OperatorNetwork(problem, 6, 3, 0, 1, theta=False).double()
    params = problem.start_params(0).requires_grad_()
    points = problem.collocation(20, torch.Generator().manual_seed(1)).to(network.like)
    u = field(network, points, params).value
    (moved,) = torch.autograd.grad(u.sum() + 0 * params.sum(), params)
    assert u.abs().max() > 0
    assert moved.abs().max() < 1e-12
