"""DeepONet with unknown functions: its derivatives, what it learns, and the inversion of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from bilo.inverse.box import Box
from bilo.inverse.ensemble import Ensemble
from bilo.inverse.parametrisation import Values
from bilo.inverse.point_jets import PointJets
from bilo.inverse.points import Points
from bilo.inverse.problem import Problem
from bilo.inverse.regulariser import regularisation
from bilo.inverse.unknown import Scalar
from bilo.lower.levenberg_marquardt import Solving
from bilo.methods import deeponet
from bilo.methods._fit import fit
from bilo.networks import training_set
from bilo.networks.branch_trunk import DeepONet
from bilo.networks.network import field as represented
from bilo.problems import get
from bilo.problems.fisher_kpp import FisherKPP
from bilo.problems.heat import Heat
from bilo.problems.poisson import Poisson
from bilo.taylor.jets import Jet
from bilo.training.solution import Solution
from bilo.training.state import Run
from bilo.upper.alternation import HELD, Following, following
from bilo.upper.tangent_model import UpperLevel, through_inputs

SMALL = deeponet.DeepONet(
    width=48,
    pretrain_steps=500,
    finetune_steps=60,
    points="all",
    samples="length0.3",
    w_reg=1e-5,
)
TINY = replace(SMALL, width=16, pretrain_steps=15, finetune_steps=5)
W_REG = 1e-2


class WarmBar(Heat):
    """Its transform contains the unknown function."""

    unknowns = (replace(Heat.unknowns[0], sampled=Ensemble(0.5, 0.1, (0.0, 0.0), [0.2])),)


class Heated(Poisson):
    """-(D u')' = s pi^2 sin(pi x): a scalar beside the function, and in the transform."""

    unknowns = (Scalar("s", start=1.0, bounds=(0.5, 4.0), sampled=(1.0, 2.0)), *Poisson.unknowns)

    def transform(self, N: Jet, at: PointJets) -> Jet:
        return super().transform(N, at) * at["s"]

    def solve(self, theta: Mapping[str, Any]) -> Any:
        u = super().solve(theta)
        return lambda x: theta["s"] * u(x)


PROBLEMS: dict[str, Problem] = {
    "function": Poisson(),
    "function in the transform": WarmBar(),
    "scalar and function": Heated(),
    "scalars": FisherKPP(),
}


@pytest.fixture(params=PROBLEMS)
def problem(request: pytest.FixtureRequest) -> Problem:
    return PROBLEMS[request.param]


def _params(problem: Problem) -> Tensor:
    """Near the start, but not so smooth."""
    params = problem.start_params(0)
    return (
        params + 0.1 * torch.randn(len(params), generator=torch.Generator().manual_seed(1)).double()
    )


def _points(problem: Problem) -> Points:
    return problem.collocation(30, torch.Generator().manual_seed(2)).to(torch.zeros(1).double())


def _network(problem: Problem) -> DeepONet:
    return DeepONet(problem, 12, 2, seed=0).double()


def test_many_fields_at_once_are_the_fields_one_by_one(problem: Problem) -> None:
    """From readings and values at the points alone, without the weights of a function's network."""
    network, points = _network(problem), _points(problem)
    several = [_params(problem), problem.start_params(3)]
    sensor_values, inputs = [], []
    for params in several:
        theta = problem.from_params(params)
        rows = [k.read(theta[k.name], points) for k in problem.unknowns]
        sensor_values.append(problem.read(theta))
        inputs.append(torch.stack(torch.broadcast_tensors(*rows)))
    together = network.fields(points, torch.stack(sensor_values), torch.stack(inputs))
    one_by_one = torch.stack([represented(network, points, params).value for params in several])
    assert (together - one_by_one).abs().max() < 1e-12
    assert (one_by_one[0] - one_by_one[1]).abs().max() > 1e-4


def test_derivatives_by_all_params_are_differences(problem: Problem) -> None:
    network, points, params = _network(problem), _points(problem), _params(problem)
    u, X = network.linearised(points, params)
    assert (u - represented(network, points, params).value).abs().max() < 1e-12
    assert X.shape == (len(params), len(points))
    draw = torch.Generator().manual_seed(4)
    for _ in range(3):
        d = torch.randn(len(params), generator=draw).double()
        plus, minus = (represented(network, points, params + s * 1e-5 * d).value for s in (1, -1))
        differences = (plus - minus) / 2e-5
        assert (d @ X - differences).abs().max() < 1e-6 * differences.abs().max()


def test_the_gradient_of_the_inversion_is_differences() -> None:
    """Of the data objective and the regulariser, along random directions in the weights."""
    problem = Poisson()
    network, params = _network(problem), _params(problem)
    data = problem.observe(problem.truth(), 0.01, 0)

    @torch.no_grad()
    def objective(params: Tensor) -> float:
        u = represented(network, data.points, params).value
        return float(data.value(u, data.start) + W_REG * regularisation(problem, params))

    u, X = network.linearised(data.points, params)
    _, by_u, _ = data.gradient(u, data.start)
    gradient, R = through_inputs(problem, data.points, params, X * by_u, W_REG)
    assert R == pytest.approx(float(regularisation(problem, params)), rel=1e-12)
    for seed in range(3):
        d = torch.randn(len(params), generator=torch.Generator().manual_seed(seed)).double()
        differences = (objective(params + 1e-5 * d) - objective(params - 1e-5 * d)) / 2e-5
        assert float(gradient @ d) == pytest.approx(differences, rel=1e-6)


@pytest.fixture(scope="module")
def solved() -> Solution:
    problem = Poisson()
    return fit(problem, problem.observe(problem.truth(), 0.0, 0), SMALL, device="cpu")


def test_the_operator_solves_for_functions_it_never_saw(solved: Solution) -> None:
    """Relative L2 error, median over 200 new functions; without training it is near 1."""
    problem, network = Poisson(), solved.network
    assert isinstance(network, DeepONet)
    (D,) = problem.functions
    assert D.sampled is not None
    thetas = [{"D": f} for f in D.sampled.draw("length0.3", 200, 99)]
    points = problem.collocation(None, torch.Generator())
    exact = problem.solutions(thetas, points)
    sensor_values = torch.stack([problem.read(theta) for theta in thetas]).float()
    inputs = torch.stack([D.read(theta["D"], points) for theta in thetas])[:, None].float()
    points = points.to(inputs)
    with torch.no_grad():
        found = network.fields(points, sensor_values, inputs).double()
        untrained = DeepONet(problem, 48, 2, seed=0).fields(points, sensor_values, inputs).double()
    assert _median_error(found, exact) < 1e-2
    assert _median_error(untrained, exact) > 0.5


def _median_error(found: Tensor, exact: Tensor) -> float:
    return float(((found - exact).norm(dim=1) / exact.norm(dim=1)).median())


def test_the_inversion_finds_the_diffusivity(solved: Solution) -> None:
    """The tent, whose corner no function of the training has."""
    (D,), x = Poisson().functions, Box.unit(("x",)).grid(1001)
    found, truth = solved.unknowns["D"](x), D.truth(x)
    assert float((found - truth).norm() / truth.norm()) < 0.08
    assert float((D.start(x) - truth).norm() / truth.norm()) > 0.2
    assert solved.data_loss < 2e-5
    assert solved.assessment["training_solutions"] == 1000
    assert solved.assessment["u_rel_l2_vs_numerical"] < 2e-2
    assert set(solved.history) >= {"step", "operator", "objective", "regulariser"}


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Little to learn from, where that is enough."""
    monkeypatch.setattr(training_set, "FUNCTIONS", 50)


@pytest.mark.usefixtures("few")
def test_a_fit_repeats_itself() -> None:
    problem = Poisson()
    data = problem.observe(problem.truth(), 0.01, 0)
    one, two, other = (
        fit(problem, data, TINY, seed=seed, device="cpu").params for seed in (0, 0, 1)
    )
    assert torch.equal(one, two)
    assert not torch.equal(one, other)


@pytest.mark.usefixtures("few")
def test_first_order_upper_steps() -> None:
    """Adam on the weights of D lowers the objective."""
    problem = Poisson()
    data = problem.observe(problem.truth(), 0.01, 0)
    method = replace(TINY, recipe="paper", rate=1e-2, pretrain_steps=200, finetune_steps=60)
    method = replace(method, upper_rate=1e-2, history_every=10)
    found = fit(problem, data, method, device="cpu")
    objective = [v for v in found.history["objective"] if v == v]
    assert objective[-1] < 0.2 * objective[0]


@pytest.mark.usefixtures("few")
def test_functions_beside_scalars() -> None:
    """Every function has a scalar of its own, from its sampled range, and the solution there."""
    problem = Heated()
    points = problem.collocation(None, torch.Generator())
    known = training_set.training_set(problem, "length0.1", points, 0)
    thetas = training_set.sampled(problem, "length0.1", 0)
    assert known.sensor_values.shape == (50, 102)
    assert known.inputs.shape == (50, 2, 101)
    s = torch.tensor([theta["s"] for theta in thetas], dtype=torch.float64)
    assert torch.equal(known.sensor_values[:, 0], s)
    assert len(s.unique()) == 50
    assert ((s >= 1) & (s <= 2)).all()
    part = known.part(torch.tensor([5, 2]), torch.tensor([50, 7, 9]))
    for row, k in enumerate((5, 2)):
        chosen = points.part(torch.tensor([50, 7, 9]))
        numerical = problem.numerical(thetas[k])
        assert numerical is not None
        exact = numerical(chosen)
        assert (part.solutions[row] - exact).abs().max() < 1e-12
        assert (part.inputs[row, 1] - thetas[k]["D"](chosen)).abs().max() < 1e-12


class Thick(Poisson):
    """It starts where no diffusivity of the ensemble is."""

    unknowns = (replace(Poisson.unknowns[0], start=lambda points: 1 + 4 * _bump(points)),)


def _bump(points: Points) -> Tensor:
    x = points.coordinates["x"].double()
    return x * (1 - x)


@pytest.mark.usefixtures("few")
def test_a_function_outside_of_the_training_is_named() -> None:
    outside = "D leaves the range of the functions that the operator was trained on"
    problem = Poisson()
    data = problem.observe(problem.truth(), 0.0, 0)
    short = replace(TINY, finetune_steps=1)
    near, far = (fit(p, data, short, device="cpu") for p in (problem, Thick()))
    assert outside not in str(near.warnings)
    assert outside in str(far.warnings)


class Thin(Poisson):
    """A solver that refuses what the inversion finds, and not what the operator learns from."""

    def reference(self, theta: Mapping[str, Any]) -> Any:
        if theta["D"](Box.unit(("x",)).grid(11)).max() > 1.01:
            raise ValueError("the diffusivity is too large")
        return super().reference(theta)

    def solutions(self, thetas: Sequence[Values], points: Points) -> Tensor:
        return Poisson().solutions(thetas, points)


@pytest.mark.usefixtures("few")
def test_an_answer_without_a_numerical_solution_is_still_an_answer() -> None:
    """As a diffusivity that is negative somewhere: the fit says so instead of being lost."""
    data = Poisson().observe(Poisson().truth(), 0.0, 0)
    found = fit(Thin(), data, replace(TINY, pretrain_steps=100), device="cpu")
    assert found.status == "not converged"
    assert found.warnings[0] == (
        "no numerical solution at the inferred unknowns: the diffusivity is too large"
    )
    assert "u_rel_l2_vs_numerical" not in found.assessment


@pytest.mark.parametrize("corner", [0.0, 1.0])
def test_a_step_stays_in_the_bounds_and_says_the_regulariser(corner: float) -> None:
    """A scalar beside a function whose whole step is far outside."""
    problem = Heated()
    s, D = problem.unknowns
    problem.unknowns = (s, replace(D, regulariser=replace(D.regulariser, corner=corner)))
    network, params = _network(problem), _params(problem)
    data = problem.observe({**problem.start(), "s": 500.0}, 0.0, 0)
    run = Run(network, params, data.start.clone(), {}, torch.Generator())
    settled = Solving(mu=1.0, fall=1.0)
    run.lower, run.upper = settled, Following()
    R = float(regularisation(problem, run.params))
    level = UpperLevel(data, W_REG, relaxation=HELD)
    step = following(level, lambda run: network.linearised(data.points, run.params))
    found = step(run, 0.0)
    assert found["regulariser"] == pytest.approx(R, rel=1e-12)
    low, high = problem.param_bounds()
    for _ in range(40):
        run.lower = settled
        step(run, 0.0)
        assert ((run.params >= low) & (run.params <= high)).all()
    assert run.params[0] in (low[0], high[0])


def test_a_regulariser_that_there_is_not() -> None:
    problem = FisherKPP()
    with pytest.raises(ValueError, match="fisher_kpp has no regulariser: w_reg must be 0"):
        regularisation(problem, problem.start_params(0))


def test_samples_that_there_are_not() -> None:
    problem = Poisson()
    data = problem.observe(problem.truth(), 0.0, 0)
    with pytest.raises(
        ValueError, match=r"poisson has no samples 'coarse'; there are length0\.1, "
    ):
        fit(problem, data, replace(TINY, samples="coarse"), device="cpu")
    scalars = FisherKPP()
    known = scalars.observe(scalars.truth(), 0.0, 0)
    with pytest.raises(ValueError, match=r"no samples 'length0\.1'; there are coarse, dense"):
        fit(scalars, known, replace(TINY, samples="length0.1", w_reg=0.0), device="cpu")
    heat = get("heat")
    with pytest.raises(ValueError, match="heat declares no functions to train an operator on"):
        fit(heat, heat.observe(heat.truth(), 0.0, 0), TINY, device="cpu")
