"""BiLO and PINN on the smallest real problem, and the gradients that they follow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from bilo.inverse.points import Points
from bilo.lower.losses import operator_loss, residual_loss, sampled_operator_loss
from bilo.methods._fit import fit
from bilo.methods.bilo import BiLO
from bilo.methods.pinn import PINN
from bilo.networks.network import OperatorNetwork
from bilo.problems.fisher_kpp import FisherKPP
from bilo.training.solution import Solution

SIZE = {"width": 48, "pretrain_steps": 150, "finetune_steps": 350, "points": 144}
SMALL = BiLO(**SIZE)  # type: ignore[arg-type]
TRUTH = {"D": 2.0, "rho": 2.0}


def _numerical(theta: Mapping[str, Any], points: Points) -> Tensor:
    solution = FisherKPP().numerical(theta)
    assert solution is not None
    return solution(points)


@pytest.fixture(scope="module")
def solved() -> Solution:
    problem = FisherKPP()
    return fit(problem, problem.observe(TRUTH, 0.0, 0), SMALL, device="cpu")


def test_bilo_recovers_the_truth(solved: Solution) -> None:
    assert solved.status == "converged", solved.warnings
    for name, value in TRUTH.items():
        assert solved.unknowns[name] == pytest.approx(value, rel=0.02)
    assert solved.assessment["u_rel_l2_vs_numerical"] < 3e-3
    assert solved.data_loss < 1e-7


def test_the_represented_field_is_the_numerical_solution(solved: Solution) -> None:
    problem = FisherKPP()
    everywhere = problem.collocation(None, torch.Generator())
    exact = _numerical(TRUTH, everywhere)
    error = (solved.field(everywhere) - exact).norm() / exact.norm()
    assert error < 5e-3


def test_the_network_is_an_operator_near_the_solution(solved: Solution) -> None:
    """Its derivative by the unknowns is that of the solver: what the upper level descends along."""
    problem = FisherKPP()
    data = problem.observe(TRUTH, 0.0, 0)
    assert solved.network is not None
    _, exact = problem.sensitivities(solved.unknowns, data.points)
    step = 1e-3
    found = []
    for j in range(2):
        moved = [solved.params.clone() for _ in range(2)]
        moved[0][j] += step
        moved[1][j] -= step
        plus, minus = (
            Solution("bilo", {}, params, 0.0, True, "", network=solved.network).field(data.points)
            for params in moved
        )
        found.append((plus - minus).double() / (2 * step))
    assert torch.stack(found) == pytest.approx(exact, abs=0.05 * float(exact.abs().max()))


def test_what_is_kept_is_not_forgotten(solved: Solution) -> None:
    """The field at the start's unknowns, after these have moved to twice their values."""
    problem = FisherKPP()
    data = problem.observe(TRUTH, 0.0, 0)
    kept = fit(problem, data, replace(SMALL, w_keep=1.0), device="cpu")
    everywhere = problem.collocation(None, torch.Generator())
    exact = _numerical(problem.start(), everywhere)

    def error(found: Solution) -> float:
        start = replace(found, params=problem.start_params(0))
        return float((start.field(everywhere) - exact).norm() / exact.norm())

    assert error(kept) < min(4e-3, 0.5 * error(solved))
    assert kept.unknowns["D"] == pytest.approx(TRUTH["D"], rel=0.02)


def test_a_fit_cut_short_is_not_called_converged() -> None:
    problem = FisherKPP()
    short = replace(SMALL, width=16, pretrain_steps=30, finetune_steps=30)
    found = fit(problem, problem.observe(TRUTH, 0.0, 0), short, device="cpu")
    assert not found.converged
    assert found.status == "not converged"
    assert found.warnings


def test_a_pinn_that_fits_the_data_alone_is_not_called_converged() -> None:
    """A soft constraint: the data are met long before the equation is, and D is far off."""
    problem = FisherKPP()
    method = PINN(w_data=100.0, **SIZE)  # type: ignore[arg-type]
    found = fit(problem, problem.observe(TRUTH, 0.0, 0), method, device="cpu")
    assert (found.method, found.steps) == ("pinn", 500)
    # from 2e-2; how far below this differs from one processor to another
    assert found.data_loss < 1e-5
    assert found.unknowns["rho"] == pytest.approx(TRUTH["rho"], rel=0.2)
    assert abs(found.unknowns["D"] - TRUTH["D"]) > 0.5
    assert found.status == "not converged"
    assert "network and numerical solution differ" in found.warnings[0]
    assert found.field(problem.collocation(None, torch.Generator())).shape == (51 * 51,)
    assert set(found.history) >= {"step", "residual", "objective", "D", "rho"}


def test_a_pinn_knows_no_neighbouring_parameters() -> None:
    """Its network does not take the unknowns as input."""
    network = OperatorNetwork(FisherKPP(), 8, 2, 0, 0, theta=False)
    assert network.R.shape == (8, 0)
    points = FisherKPP().collocation(16, torch.Generator())
    params = torch.tensor([1.0, 1.5], requires_grad=True)
    loss, _ = residual_loss(network, points, params)
    (by_params,) = torch.autograd.grad(loss, params)
    step = 1e-2
    losses = [
        residual_loss(network, points, params.detach() + step * torch.tensor(d))[0]
        for d in ([1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0])
    ]
    differences = torch.stack([losses[0] - losses[1], losses[2] - losses[3]]) / (2 * step)
    assert by_params.tolist() == pytest.approx(differences.tolist(), rel=1e-2)


def _gradient(network: OperatorNetwork, surrogate: torch.Tensor) -> torch.Tensor:
    found = torch.autograd.grad(surrogate, list(network.parameters()))
    return torch.cat([g.flatten() for g in found])


def test_a_direction_of_length_zero_counts_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = FisherKPP()
    network = OperatorNetwork(problem, 8, 2, 0, seed=3)
    points = problem.collocation(16, torch.Generator()).to(network.like)
    monkeypatch.setattr(torch, "randn", lambda *shape, generator: torch.zeros(*shape))
    params = torch.tensor([1.2, 0.8])
    drawn = sampled_operator_loss(network, points, params, 5.0, torch.Generator())
    assert drawn.gradient == 0.0
    assert torch.isfinite(_gradient(network, drawn.surrogate)).all()


def test_random_directions_are_unbiased() -> None:
    """The mean over draws approaches the full loss and gradient as 1 / sqrt(draws)."""
    problem = FisherKPP()
    network = OperatorNetwork(problem, 8, 2, 0, seed=3).double()
    points = problem.collocation(64, torch.Generator()).to(network.like)
    params, w_rgrad = torch.tensor([1.2, 0.8], dtype=torch.float64), 5.0
    full = operator_loss(network, points, params, w_rgrad)
    exact = _gradient(network, full.surrogate)
    generator = torch.Generator().manual_seed(0)
    losses, gradients = [], []
    for _ in range(400):
        drawn = sampled_operator_loss(network, points, params, w_rgrad, generator)
        losses.append(drawn.gradient)
        gradients.append(_gradient(network, drawn.surrogate))
    samples = torch.stack(gradients)
    assert drawn.residual == pytest.approx(full.residual, rel=1e-12)
    assert sum(losses) / 400 == pytest.approx(full.gradient, rel=0.02)
    one = float((samples - exact).norm(dim=1).pow(2).mean().sqrt())
    error = float((samples.mean(0) - exact).norm())
    assert one > 0.02 * float(exact.norm())
    assert error < 2.0 * one / 400**0.5
    assert error < 0.02 * float(exact.norm())
