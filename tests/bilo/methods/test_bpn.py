"""BPN: Broyden's method against a direct solve, the hypergradient against the exact one."""

from __future__ import annotations

import pytest
import torch

from bilo.lower.losses import condition_loss, residual_loss
from bilo.methods import bpn
from bilo.methods._fit import fit
from bilo.methods.bpn import BPN
from bilo.networks.network import OperatorNetwork, field
from bilo.problems.bpn import BoundaryValues
from bilo.problems.fisher_kpp import FisherKPP

TRUTH = {"t0": 0.0, "t1": 1.0}


def test_broyden_solves_a_linear_system() -> None:
    """In at most twice as many steps as it has unknowns (Gay 1979)."""
    generator = torch.Generator().manual_seed(0)
    root = torch.randn(20, 20, generator=generator, dtype=torch.float64)
    H = root @ root.t() / 20 + torch.eye(20, dtype=torch.float64)
    g = torch.randn(20, generator=generator, dtype=torch.float64)
    found = bpn.broyden(lambda v: H @ v, g, 45)
    assert (found - torch.linalg.solve(H, g)).norm() < 1e-7 * g.norm()
    rough = bpn.broyden(lambda v: H @ v, g, 5)
    assert (H @ rough - g).norm() < g.norm()


@pytest.mark.parametrize("problem", [BoundaryValues("soft"), FisherKPP()])
def test_hypergradient_is_the_implicit_one(
    problem: BoundaryValues | FisherKPP, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Against a dense Hessian by differences of the gradient; damped, so that it is regular."""
    monkeypatch.setattr(bpn, "ITERATIONS", 100)
    network = OperatorNetwork(problem, 5, 2, 0, 0, theta=False).double()
    weights = list(network.parameters())
    points = problem.collocation(36, torch.Generator()).to(network.like)
    truth = {k.name: k.truth for k in problem.unknowns if k.truth is not None}
    data = problem.observe(truth, 0.0, 0)
    params = problem.to_params(problem.start()) * 1.1

    def lower(theta: torch.Tensor) -> torch.Tensor:
        damping = 0.5 * sum(((p**2).sum() for p in weights), torch.zeros(()))
        residual, _ = residual_loss(network, points, theta)
        return residual + condition_loss(network, theta, 0.0, tangents=False) + damping

    def objective(theta: torch.Tensor) -> torch.Tensor:
        return data.value(field(network, data.points, theta).value, data.start)

    value, found = bpn.hypergradient(network, lower, objective, params)
    here = torch.nn.utils.parameters_to_vector(weights).detach().clone()

    def gradient(W: torch.Tensor, theta: torch.Tensor) -> torch.Tensor:
        torch.nn.utils.vector_to_parameters(W, weights)
        by = torch.autograd.grad(lower(theta), weights)
        return torch.cat([g.flatten() for g in by])

    def column(step_W: torch.Tensor, step_theta: torch.Tensor) -> torch.Tensor:
        h = 1e-5
        up = gradient(here + h * step_W, params + h * step_theta)
        return (up - gradient(here - h * step_W, params - h * step_theta)) / (2 * h)

    one, two = torch.eye(len(here)).double(), torch.eye(len(params)).double()
    H = torch.stack([column(row, 0 * params) for row in one])
    mixed = torch.stack([column(0 * here, row) for row in two])
    torch.nn.utils.vector_to_parameters(here, weights)
    theta = params.clone().requires_grad_()
    *by_weights, by_theta = torch.autograd.grad(
        objective(theta), [*weights, theta], allow_unused=True
    )
    g = torch.cat([x.flatten() for x in by_weights])
    explicit = torch.zeros_like(params) if by_theta is None else by_theta
    exact = explicit - mixed @ torch.linalg.solve(H, g)
    assert value == pytest.approx(objective(params).item(), rel=1e-12)
    assert found.tolist() == pytest.approx(exact.tolist(), rel=1e-3)


def test_finds_the_boundary_values() -> None:
    problem = BoundaryValues("soft")
    method = BPN(
        "paper",
        rate=3e-3,
        upper_rate=0.1,
        width=12,
        layers=2,
        pretrain_steps=300,
        finetune_steps=bpn.LOWER_STEPS * 32,
        points=32,
    )
    found = fit(problem, problem.observe(TRUTH, 0.0, 0), method, device="cpu")
    assert max(abs(found.unknowns[k] - v) for k, v in TRUTH.items()) < 0.15
    assert found.data_loss < 0.01
    assert found.history["t0"][-1] == found.unknowns["t0"]
