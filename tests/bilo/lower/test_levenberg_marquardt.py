"""Recipe `lm`: its steps on problems with known answers, and whole fits."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from bilo.inverse.least_squares import LeastSquares
from bilo.inverse.objective import Objective
from bilo.lower.levenberg_marquardt import START, Solving, step
from bilo.methods._fit import fit
from bilo.methods.bilo import BiLO
from bilo.methods.direct_fit import DirectFit
from bilo.methods.pinn import PINN
from bilo.networks.network import OperatorNetwork
from bilo.problems import get
from bilo.problems.fisher_kpp import FisherKPP
from bilo.training.recipes import RecipeError
from bilo.training.solution import evaluate
from bilo.training.state import Run
from bilo.upper.alternation import Alternating, alternating, finish
from bilo.upper.tangent_model import UpperLevel

TRUTH = {"D": 2.0, "rho": 2.0}
LM = BiLO(recipe="lm")


def test_a_linear_problem_is_solved_in_one_step() -> None:
    draw = torch.Generator().manual_seed(0)
    A = torch.randn(30, 12, generator=draw, dtype=torch.float64)
    b = torch.randn(30, generator=draw, dtype=torch.float64)
    x = torch.zeros(12, dtype=torch.float64)
    exact = torch.linalg.lstsq(A, b.unsqueeze(1)).solution[:, 0]
    found = step(x, A @ x - b, A, lambda x: A @ x - b, mu=1e-12)
    assert (found.x - exact).abs().max() < 1e-10
    assert found.after == pytest.approx(float(((A @ exact - b) ** 2).sum()))
    assert found.mu < 1e-12


def test_a_curved_valley_is_followed() -> None:
    """Rosenbrock's function as squares, from its usual start to (1, 1)."""

    def rows(x: Tensor) -> Tensor:
        return torch.stack([10 * (x[1] - x[0] ** 2), 1 - x[0]])

    x, mu = torch.tensor([-1.2, 1.0], dtype=torch.float64), START
    for _ in range(20):
        J = torch.autograd.functional.jacobian(rows, x)
        found = step(x, rows(x), J, rows, mu)
        assert found.after < found.before or found.after < 1e-25
        x, mu = found.x, found.mu
    assert (x - 1).abs().max() < 1e-10


def test_a_step_that_nothing_helps_leaves_the_bits() -> None:
    draw = torch.Generator().manual_seed(0)
    J = torch.randn(30, 12, generator=draw, dtype=torch.float64)
    x, rho = (torch.randn(n, generator=draw, dtype=torch.float64) for n in (12, 30))
    for worse in (lambda x: 2 * rho, lambda x: rho * torch.nan):
        found = step(x.clone(), rho, J, worse)
        assert torch.equal(found.x, x)
        assert (found.fall, found.after) == (1.0, found.before)


@pytest.mark.parametrize("judged", [True, False])
def test_a_bad_step_of_the_unknowns_is_taken_back_to_the_bits(judged: bool) -> None:
    """By the upper level when the objective got worse, or at the end because nobody looked."""
    problem = FisherKPP()
    data = problem.observe(TRUTH, 0.0, 0)
    assert isinstance(data, LeastSquares)
    network = OperatorNetwork(problem, 6, 2, 0, 0).double()
    run = Run(network, problem.to_params(problem.start()), data.start, {}, torch.Generator())
    run.lower, run.upper = Solving(mu=1e-5, fall=1.0), Alternating()
    weights, params = network.vector(), run.params.clone()
    J = torch.randn(2, 11, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    fields = iter([data.values + 0.1, data.values + 0.2])
    upper = alternating(UpperLevel(data), lambda run: (next(fields), J))
    assert upper(run, 0.0)["objective"] == pytest.approx(0.01)
    assert not torch.equal(run.params, params)
    network.assign(weights + 1)
    run.lower = replace(run.lower, mu=1e3)  # type: ignore[call-arg]
    if judged:
        assert upper(run, 0.1) == problem.from_params(params)
    assert not finish(run)
    assert torch.equal(run.params, params)
    assert torch.equal(network.vector(), weights)
    assert isinstance(run.lower, Solving)
    assert isinstance(run.upper, Alternating)
    assert run.lower.mu == 1e-5
    assert run.upper.rejected_in_a_row == judged


def test_bilo_finds_the_unknowns() -> None:
    problem = FisherKPP()
    found = fit(problem, problem.observe(TRUTH, 0.0, 0), LM, device="cpu")
    assert found.status == "converged", found.warnings
    for name, value in TRUTH.items():
        assert found.unknowns[name] == pytest.approx(value, rel=5e-3)
    assert found.network is not None
    everywhere = problem.collocation(None, torch.Generator())
    reference = problem.numerical(TRUTH)
    assert reference is not None
    exact = reference(everywhere)
    error = (evaluate(found.network, everywhere, found.params) - exact).norm() / exact.norm()
    assert error < 3e-4
    assert found.steps < LM.budget.total == 230
    assert found.history["step"] == [float(n + 1) for n in range(found.steps)]
    assert {"residual", "residual_gradient", "start", "objective", "D", "rho"} < set(found.history)


def test_a_fit_cut_short_is_not_called_converged() -> None:
    problem = FisherKPP()
    short = replace(LM, width=8, finetune_steps=9)
    found = fit(problem, problem.observe(TRUTH, 0.0, 0), short, device="cpu")
    assert (found.status, found.steps) == ("not converged", 39)
    assert any("would move the unknowns" in warning for warning in found.warnings)


def test_bilo_finds_the_optimum_of_a_likelihood() -> None:
    """With a jump condition; the direct fit is the exact answer."""
    problem = get("particles")
    data = problem.observe({"lambda": 500.0, "mu": 10.0}, 0.0, 0)
    found = fit(problem, data, replace(LM, width=8), device="cpu")
    assert found.status == "converged", found.warnings
    exact = DirectFit().fit(problem, data)
    for name, value in exact.unknowns.items():
        assert found.unknowns[name] == pytest.approx(value, rel=1e-3)


def test_a_pinn_has_the_unknowns_among_its_variables() -> None:
    problem = get("poisson_scalar")
    data = problem.observe({"D": 2.0}, 0.01, 1)
    found = fit(problem, data, PINN("lm", width=8, finetune_steps=30), device="cpu")
    exact = DirectFit().fit(problem, data)
    assert found.unknowns["D"] == pytest.approx(exact.unknowns["D"], rel=1e-3)
    assert {"residual", "objective", "D"} < set(found.history)


class Anything(Objective):
    """No sum over points."""

    points = FisherKPP().observe(TRUTH, 0.0, 0).points

    def value(self, u: Tensor, nuisance: Tensor, progress: float = 1.0) -> Tensor:
        return u.max()

    def step(
        self, u: Tensor, J: Tensor, params: Tensor, nuisance: Tensor, progress: float
    ) -> tuple[Tensor, Tensor]:
        return params, nuisance


def test_refusals() -> None:
    problem, particles = FisherKPP(), get("particles")
    with pytest.raises(RecipeError, match="needs a pointwise objective, not Anything"):
        fit(problem, Anything(), LM, device="cpu")
    likelihood = particles.observe({"lambda": 500.0, "mu": 10.0}, 0.0, 0)
    with pytest.raises(RecipeError, match="fits least squares, not PoissonProcess"):
        fit(particles, likelihood, PINN("lm"), device="cpu")
    with pytest.raises(ValueError, match=r"192 equations .* for 609 variables"):
        fit(problem, problem.observe(TRUTH, 0.0, 0), replace(LM, points=64), device="cpu")
