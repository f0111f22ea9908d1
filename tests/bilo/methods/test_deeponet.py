"""DeepONet: its derivatives, the operator that it learns, and the inversion of it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import pytest
import torch
from torch import Tensor

from bilo.inverse.least_squares import LeastSquares
from bilo.inverse.point_jets import PointJets
from bilo.inverse.points import Points, grid
from bilo.methods import deeponet
from bilo.methods._fit import fit
from bilo.networks.branch_trunk import DeepONet
from bilo.networks.network import field as represented
from bilo.networks.training_set import GRIDS, sample_grid
from bilo.problems import get
from bilo.problems.fisher_kpp import FisherKPP
from bilo.training.solution import Solution, evaluate

SMALL = deeponet.DeepONet(width=64, pretrain_steps=1000, finetune_steps=300, points=196)
TINY = replace(SMALL, width=16, pretrain_steps=150)
TRUTH = {"D": 2.0, "rho": 2.0}
EVERYWHERE = FisherKPP().collocation(None, torch.Generator())
PARAMS = torch.tensor([1.3, 2.1], dtype=torch.float64)
STEP = 1e-4


@pytest.fixture(scope="module")
def solved() -> Solution:
    problem = FisherKPP()
    return fit(problem, problem.observe(TRUTH, 0.0, 0), SMALL, device="cpu")


@pytest.fixture
def network() -> DeepONet:
    return DeepONet(FisherKPP(), 12, 2, seed=0).double()


def _inside() -> Points:
    axis = torch.linspace(0.1, 0.9, 7, dtype=torch.float64)
    return grid(t=axis, x=axis + 0.03)


def _residual(network: DeepONet, params: Tensor, *, tangents: bool) -> tuple[Tensor, Tensor]:
    problem = network.problem
    at = PointJets(problem, _inside(), params, tangents=tangents)
    r = problem.residual(problem.transform(network(at), at), at)
    return r.value, r.tangents


def test_derivatives_by_the_unknowns_are_differences(network: DeepONet) -> None:
    """Of the field, and of its residual, where the unknowns stand in the equation too."""
    by_theta = represented(network, _inside(), PARAMS, tangents=True).tangents
    _, residual_by_theta = _residual(network, PARAMS, tangents=True)
    for j, d in enumerate(torch.eye(2, dtype=torch.float64) * STEP):
        fields = [represented(network, _inside(), PARAMS + s * d).value for s in (1, -1)]
        residuals = [_residual(network, PARAMS + s * d, tangents=False)[0] for s in (1, -1)]
        assert (by_theta[j] - (fields[0] - fields[1]) / (2 * STEP)).abs().max() < 1e-6
        differences = (residuals[0] - residuals[1]) / (2 * STEP)
        assert (residual_by_theta[j] - differences).abs().max() < 1e-6


def test_the_residual_is_that_of_differences(network: DeepONet) -> None:
    """Derivatives in the coordinates go through the trunk alone."""
    points = _inside()

    def u(dt: float, dx: float) -> Tensor:
        t, x = points.coordinates["t"], points.coordinates["x"]
        return represented(network, Points({"t": t + dt, "x": x + dx}), PARAMS).value

    h, (D, rho), here = 1e-3, PARAMS, u(0, 0)
    u_t = (u(h, 0) - u(-h, 0)) / (2 * h)
    u_xx = (u(0, h) - 2 * here + u(0, -h)) / h**2
    expected = u_t - 0.01 * D * u_xx - rho * here * (1 - here)
    for tangents in (True, False):
        found, _ = _residual(network, PARAMS, tangents=tangents)
        assert (found - expected).abs().max() < 1e-6


@pytest.mark.parametrize("name", ["fisher_kpp", "bpn", "particles"])
def test_many_fields_at_once_are_the_fields_one_by_one(name: str) -> None:
    """With unknowns in the transform (bpn) and coefficients known at the points (particles)."""
    problem = get(name)
    network = DeepONet(problem, 12, 2, seed=0).double()
    points = problem.collocation(20, torch.Generator()).to(network.like)
    params = sample_grid(problem, 3)
    together = network.fields(points, params).detach()
    one_by_one = torch.stack([represented(network, points, c).value for c in params]).detach()
    assert (together - one_by_one).abs().max() < 1e-12 * float(one_by_one.abs().max())


def test_the_grids_are_those_of_the_experiment() -> None:
    """D and rho in 0.8:0.2:3.0 and 0.8:0.05:3.0."""
    for name, step in (("coarse", 0.2), ("dense", 0.05)):
        D, rho = sample_grid(FisherKPP(), GRIDS[name]).t()
        axis = torch.arange(0.8, 3.0 + step / 2, step, dtype=torch.float64)
        assert torch.allclose(D.unique(), axis)
        assert torch.allclose(rho.unique(), axis)
        assert len(D) == len(axis) ** 2


@pytest.mark.parametrize("theta", [{"D": 1.1, "rho": 2.7}, {"D": 2.5, "rho": 1.5}])
def test_the_operator_interpolates(solved: Solution, theta: dict[str, float]) -> None:
    """Unknowns in the middle between those of the training solutions: relative L2 below 5e-3."""
    problem = FisherKPP()
    assert solved.network is not None
    numerical = problem.numerical(theta)
    assert numerical is not None
    exact = numerical(EVERYWHERE)
    found = evaluate(solved.network, EVERYWHERE, problem.to_params(theta))
    assert float((found - exact).norm() / exact.norm()) < 5e-3


def test_the_inversion_finds_the_truth(solved: Solution) -> None:
    """From (1, 1). The data hardly show D: its error is that of the operator, amplified."""
    assert solved.unknowns["D"] == pytest.approx(TRUTH["D"], rel=0.2)
    assert solved.unknowns["rho"] == pytest.approx(TRUTH["rho"], rel=0.05)
    assert solved.data_loss < 1e-5
    error = math.dist(solved.params.tolist(), TRUTH.values())
    assert error < 1.1 * solved.assessment["estimated_error"]


def test_a_solution_says_what_it_took(solved: Solution) -> None:
    assert solved.assessment["training_solutions"] == 144
    assert 0 < solved.assessment["generation_seconds"] < solved.seconds
    assert set(solved.history) >= {"step", "operator", "objective", "D", "rho"}


def test_outside_the_training_solutions_there_is_a_warning() -> None:
    """Data that nothing inside can explain, and an operator that means nothing outside."""
    problem = FisherKPP()
    data = problem.observe({"D": 2.0, "rho": 4.5}, 0.0, 0)
    found = fit(problem, data, TINY, device="cpu")
    outside = [name for name, value in found.unknowns.items() if not 0.8 <= value <= 3.0]
    assert outside
    for name, text in zip(outside, found.warnings[-len(outside) :], strict=True):
        assert text.startswith(f"{name} = ")
        assert "outside [0.8, 3], where the operator was trained" in text
    assert found.assessment["u_rel_l2_vs_numerical"] > 0.05
    assert found.status == "not converged"


@dataclass(frozen=True)
class Resting(LeastSquares):
    """Data that leave the unknowns where they are, and remember the fields they were shown."""

    shown: list[Tensor] = field(default_factory=list)

    def step(
        self, u: Tensor, J: Tensor, params: Tensor, nuisance: Tensor, progress: float
    ) -> tuple[Tensor, Tensor]:
        self.shown.append(u)
        return params, nuisance


def test_the_inversion_leaves_the_operator_as_it_is() -> None:
    problem = FisherKPP()
    data = problem.observe(TRUTH, 0.0, 0)
    resting = Resting(data.points, data.values, informative=data.informative)
    short = replace(TINY, pretrain_steps=20, finetune_steps=20)
    fit(problem, resting, short, device="cpu")
    assert len(resting.shown) == 20
    assert all(torch.equal(u, resting.shown[0]) for u in resting.shown)


def test_first_order_upper_steps() -> None:
    """The published recipe, on the problem whose operator is linear in the unknowns."""
    problem = get("bpn")
    method = replace(TINY, recipe="paper", rate=1e-2, finetune_steps=800, points="all")
    data = problem.observe({"t0": 0.7, "t1": 0.9}, 0.0, 0)
    found = fit(problem, data, method, device="cpu")
    assert found.unknowns["t0"] == pytest.approx(0.7, abs=0.02)
    assert found.unknowns["t1"] == pytest.approx(0.9, abs=0.02)


def test_what_a_deeponet_needs() -> None:
    class Unsolved(FisherKPP):
        def reference(self, theta: object) -> None:  # type: ignore[override]
            return None

    data = FisherKPP().observe(TRUTH, 0.0, 0)
    with pytest.raises(ValueError, match="fisher_kpp has no numerical solution to learn from"):
        fit(Unsolved(), data, TINY, device="cpu")
    with pytest.raises(ValueError, match="it needs some steps"):
        replace(TINY, pretrain_steps=0)
