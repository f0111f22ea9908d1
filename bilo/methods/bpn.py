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

import torch
from torch import Tensor
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from bilo.inverse.objective import Objective
from bilo.inverse.points import Points
from bilo.inverse.problem import Problem
from bilo.lower.descent import anchored, descending
from bilo.lower.losses import condition_loss, residual_loss
from bilo.methods._assessment import FinishedRun, assess
from bilo.networks.network import OperatorNetwork, field
from bilo.training.loop import Record, Run, train
from bilo.training.recipes import RECIPES, RecipeError, adam_of
from bilo.training.settings import Settings
from bilo.training.solution import Solution

LOWER_STEPS = 64
"""Lower-level steps for one upper step."""
ITERATIONS = 32
"""Of Broyden's method."""
DIFFERENCE = 1e-5
"""Step in W, relative to its norm, of the differences."""


def fit(problem: Problem, data: Objective, settings: Settings) -> Solution:
    """Infer the unknowns of a problem; the upper level is Adam on the hypergradient.

    Parameters
    ----------
    problem : Problem
    data : Objective
    settings : Settings
        Steps are those of the lower level. Always float64.

    Raises
    ------
    ValueError
        If the recipe has no first-order lower level.
    """
    recipe = RECIPES[settings.recipe]
    if recipe.lower is None:
        raise RecipeError(f"BPN descends: it has no recipe {settings.recipe}")
    upper_rate = settings.upper_rate or recipe.upper_rate
    torch.set_num_threads(settings.threads)
    network = OperatorNetwork(
        problem, settings.width, settings.layers, settings.fourier, settings.seed, theta=False
    ).to(settings.torch_device(), torch.float64)
    like = network.like
    codes = problem.encode(problem.start()).to(like)
    lower = recipe.lower.over(network.parameters())
    run = Run(
        network,
        codes,
        data.start.clone(),
        {"lower": lower, "upper": adam_of([codes], upper_rate)},
        torch.Generator().manual_seed(settings.seed + 1),
    )
    data_points = data.points.to(like)

    def draw() -> Points:
        return problem.collocation(settings.points, run.generator).to(like)

    def equations(points: Points, theta: Tensor) -> tuple[Tensor, Tensor]:
        residual, u = residual_loss(network, points, theta)
        return residual + condition_loss(network, theta, 0.0, tangents=False), u

    def loss(run: Run, points: Points, pretraining: bool) -> tuple[Tensor, Record]:
        total, u = equations(points, codes)
        record = {"residual": total.item()}
        if pretraining:
            return anchored(problem, settings.w_start, points, total, u, record)
        return total, record

    def upper(run: Run, progress: float) -> Record:
        if (run.step - settings.pretrain_steps + 1) % LOWER_STEPS:
            return {}
        points = draw()

        def objective(theta: Tensor) -> Tensor:
            u = field(network, data_points, theta).value
            return data.value(u.double().cpu(), run.auxiliary)

        value, gradient = hypergradient(
            network, lambda theta: equations(points, theta)[0], objective, codes
        )
        codes.grad = gradient
        run.optimisers["upper"].step()
        with torch.no_grad():
            codes.copy_(problem.project(codes.cpu()))
        run.trace()
        return {"objective": value, **problem.decode(codes)}

    status = train(run, settings, draw, descending(recipe.lower, settings, loss), upper)
    with torch.no_grad():
        u = field(network, data_points, codes).value.cpu()
    return assess(FinishedRun("bpn", run, status, u, None, run.rested()), problem, data, settings)


def hypergradient(
    network: OperatorNetwork,
    lower: Callable[[Tensor], Tensor],
    objective: Callable[[Tensor], Tensor],
    codes: Tensor,
) -> tuple[float, Tensor]:
    """Value of the objective and its implicit gradient by the unknowns.

    Parameters
    ----------
    network : OperatorNetwork
    lower, objective : callable
        Losses of theta (m,) at the network's weights.
    codes : Tensor (m,)

    Returns
    -------
    float, Tensor (m,)
    """
    weights = list(network.parameters())

    def gradients(loss: Callable[[Tensor], Tensor]) -> tuple[float, Tensor, Tensor]:
        theta = codes.detach().clone().requires_grad_()
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
