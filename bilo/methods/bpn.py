"""BPN: bi-level physics-informed networks with an implicit hypergradient (Hao et al. 2023).

    upper   theta* = argmin_theta  L_dat(theta, W*(theta))
    lower   W*(theta) = argmin_W   L_low,       L_low = L_res and the conditions of the problem

The network does not take the unknowns, so the upper gradient goes through W*(theta):

    dL/dtheta = dL_dat/dtheta - (d/dtheta) (v . grad_W L_low),      H v = grad_W L_dat,

H the Hessian of the lower loss. Broyden's method solves for v; the products with H are central
differences of the engine's exact gradient, in float64.

References: Hao et al. 2023, Bi-level physics-informed neural networks for PDE constrained
optimization using Broyden's hypergradients, ICLR; Broyden 1965, Math. Comp. 19.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from bilo.inverse.objective import Objective
from bilo.inverse.points import Points
from bilo.inverse.problem import Problem
from bilo.lower.descent import descending, with_pretraining_misfit
from bilo.lower.losses import condition_loss, residual_loss
from bilo.methods._assessment import FinishedRun, assess
from bilo.methods._fingerprint import fingerprint
from bilo.methods._network_method import NetworkMethod, operator_network
from bilo.networks.network import OperatorNetwork, seen
from bilo.training.loop import Levels, train
from bilo.training.recipes import RecipeError, adam_of
from bilo.training.session import Session
from bilo.training.solution import Solution
from bilo.training.state import Record, Run

LOWER_STEPS = 64
"""Lower-level steps for one upper step."""
ITERATIONS = 32
"""Of Broyden's method."""
DIFFERENCE = 1e-5
"""Step in W, relative to its norm, of the differences."""


@dataclass(frozen=True)
class BPN(NetworkMethod):
    """Bi-level PINN: the upper level is Adam on the implicit hypergradient. Always float64.

    Steps are those of the lower level.

    Attributes
    ----------
    w_pretraining : float
        Weight, in pretraining, of the numerical solution at the start.
    upper_rate : float
        Of the unknowns.
    """

    name: ClassVar[str] = "bpn"

    w_pretraining: float = field(default=1.0, kw_only=True)
    upper_rate: float | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        self._require_weights("w_pretraining", "upper_rate")
        if self.first_order is None:
            raise RecipeError(f"BPN descends: it has no recipe {self.recipe}")
        if self.dtype not in (None, torch.float64):
            raise ValueError("dtype: BPN's differences need float64")

    def fit(self, problem: Problem, data: Objective, session: Session) -> Solution:
        """Infer the unknown scalars of a problem."""
        problem.require_scalars("BPN")
        descent = self.first_order
        assert descent is not None
        architecture = replace(self.architecture, dtype=torch.float64)
        network = operator_network(problem, architecture, session, theta=False)
        like, budget = network.like, self.budget
        run = Run.of(network, problem.to_params(problem.start()).to(like), data, session)
        params = run.params
        rate = self.upper_rate or self._recipe.upper_rate
        run.optimisers |= {
            "lower": descent.over(network.parameters()),
            "upper": adam_of([params], rate),
        }

        def draw() -> Points:
            return problem.collocation(budget.count(0), run.generator).to(like)

        def equations(points: Points, theta: Tensor) -> tuple[Tensor, Tensor]:
            residual, u = residual_loss(network, points, theta)
            return residual + condition_loss(network, theta, 0.0, tangents=False), u

        def loss(run: Run, points: Points, pretraining: bool) -> tuple[Tensor, Record]:
            total, u = equations(points, params)
            record = {"residual": total.item()}
            if pretraining:
                return with_pretraining_misfit(
                    problem, self.w_pretraining, points, total, u, record
                )
            return total, record

        def objective(theta: Tensor) -> Tensor:
            u = seen(network, data, theta).value
            return data.value(u.double().cpu(), run.nuisance)

        def upper(run: Run, progress: float) -> Record:
            if (run.step - budget.pretrain_steps + 1) % LOWER_STEPS:
                return {}
            points = draw()
            value, params.grad = hypergradient(
                network, lambda theta: equations(points, theta)[0], objective, params
            )
            run.optimisers["upper"].step()
            with torch.no_grad():
                params.copy_(problem.project(params.cpu()))
            run.mark()
            return {"objective": value, **problem.from_params(params)}

        levels = Levels(draw, descending(descent, budget.total, loss), upper)
        status = train(run, levels, budget, session, fingerprint(self, problem, data, session))
        with torch.no_grad():
            u = seen(network, data, params).value.cpu()
        return assess(FinishedRun(self, run, status, u, None, run.rested()), data, session)


def hypergradient(
    network: OperatorNetwork,
    lower: Callable[[Tensor], Tensor],
    objective: Callable[[Tensor], Tensor],
    params: Tensor,
) -> tuple[float, Tensor]:
    """Value of the objective and its implicit gradient by the unknowns.

    Parameters
    ----------
    network : OperatorNetwork
    lower, objective : callable
        Losses of theta (m,) at the network's weights.
    params : Tensor (m,)

    Returns
    -------
    float, Tensor (m,)
    """
    weights = list(network.parameters())

    def gradients(loss: Callable[[Tensor], Tensor]) -> tuple[float, Tensor, Tensor]:
        theta = params.detach().clone().requires_grad_()
        value = loss(theta)
        by = torch.autograd.grad(value, [*weights, theta], allow_unused=True)
        inputs = [*weights, theta]
        known = [torch.zeros_like(p) if g is None else g for p, g in zip(inputs, by, strict=True)]
        return value.item(), torch.cat([g.flatten() for g in known[:-1]]), known[-1]

    here = parameters_to_vector(weights).detach().clone()

    def along(v: Tensor) -> tuple[Tensor, Tensor]:
        """Derivatives along v in W of the lower gradient by W, H v, and by theta."""
        step = DIFFERENCE * float(here.norm()) / max(float(v.norm()), 1e-30)
        rows = []
        for sign in (1.0, -1.0):
            vector_to_parameters(here + sign * step * v, weights)
            rows.append(gradients(lower)[1:])
        vector_to_parameters(here, weights)
        (W_up, theta_up), (W_down, theta_down) = rows
        return (W_up - W_down) / (2 * step), (theta_up - theta_down) / (2 * step)

    value, by_weights, by_theta = gradients(objective)
    v = broyden(lambda v: along(v)[0], by_weights, ITERATIONS)
    return value, by_theta - along(v)[1]


def broyden(apply: Callable[[Tensor], Tensor], g: Tensor, iterations: int) -> Tensor:
    """Solve H v = g by Broyden's good method from v = 0; the iterate of least residual.

    With s a step and y the change of the residual, the inverse is updated as

        B+ = B + (s - B y) s^T B / (s^T B y),

    kept as a sum of rank-one terms on the multiple of the identity that fits g.
    """
    product = apply(g)
    scale = float((g @ g) / (g @ product).abs().clamp(min=1e-30))
    left: list[Tensor] = []
    right: list[Tensor] = []

    def inverse(x: Tensor) -> Tensor:
        return scale * x + sum((a * (b @ x) for a, b in zip(left, right, strict=True)), 0 * x)

    def transposed(x: Tensor) -> Tensor:
        return scale * x + sum((b * (a @ x) for a, b in zip(left, right, strict=True)), 0 * x)

    v, residual = torch.zeros_like(g), -g
    best, least = v, float(g.norm())
    for _ in range(iterations):
        s = -inverse(residual)
        v = v + s
        moved = apply(v) - g
        y, residual = moved - residual, moved
        if float(residual.norm()) < least:
            best, least = v, float(residual.norm())
        change = inverse(y)
        along = float(s @ change)
        if least <= 1e-10 * float(g.norm()) or abs(along) < 1e-300:
            break
        row = transposed(s)
        left.append((s - change) / along)
        right.append(row)
    return best
