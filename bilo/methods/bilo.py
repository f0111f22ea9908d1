"""BiLO: bilevel local operator learning.

    upper   theta* = argmin_theta  L_dat(theta, W*(theta))
    lower   W*(theta) = argmin_W   L_res + w_rgrad L_rgrad,      r = F(D^k u(x, theta; W), theta)

Both levels descend at once: W along grad_W of the lower loss only, theta along the derivative of
L_dat through the network's input only (paper, section 2).
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from bilo.assessment import assess
from bilo.losses import field, operator_loss, sampled_operator_loss
from bilo.network import OperatorNetwork
from bilo.objective import Objective
from bilo.points import Points
from bilo.problem import Problem
from bilo.recipes import RECIPES, adam_of
from bilo.settings import Settings
from bilo.solution import Solution
from bilo.training import Record, Run, anchored, train

Referee = Callable[[Tensor, Tensor], float]
"""(codes, auxiliary) -> the objective of the numerical solution there."""


def fit(
    problem: Problem, data: Objective, settings: Settings, referee: Referee | None = None
) -> Solution:
    """Infer the unknowns of a problem.

    Pretraining at the start: lower loss, and the numerical solution there where there is one.
    Fine-tuning: both levels at once. In the last part of it (`Recipe.hold`) the unknowns rest, at
    the best place the referee saw where there is one, and the network settles on the equation.

    Parameters
    ----------
    problem : Problem
    data : Objective
        The upper level's objective.
    settings : Settings
    referee : callable, optional
        Judges the unknowns by the numerical solution.
    """
    recipe = RECIPES[settings.recipe]
    torch.set_num_threads(settings.threads)
    device = settings.torch_device()
    network = OperatorNetwork(
        problem, settings.width, settings.layers, settings.fourier, settings.seed
    ).to(device, settings.dtype)
    codes, auxiliary = problem.encode(problem.start()), data.start.clone()
    lower = recipe.optimiser(
        [{"params": list(network.parameters()), "lr": recipe.rate, "relative_rate": 1.0}]
    )
    optimisers = {"lower": lower}
    if recipe.upper == "adam":
        optimisers["upper"] = adam_of([codes, auxiliary], settings.upper_rate or recipe.upper_rate)
    run = Run(
        network, codes, auxiliary, optimisers, torch.Generator().manual_seed(settings.seed + 1)
    )
    data_points = data.points.to(network.like)

    def draw() -> Points:
        return problem.collocation(settings.points, run.generator).to(network.like)

    def loss(run: Run, points: Points, pretraining: bool) -> tuple[Tensor, Record]:
        codes = run.codes.to(network.like)
        if settings.sample_directions:
            local = sampled_operator_loss(network, points, codes, settings.w_rgrad, run.generator)
        else:
            local = operator_loss(network, points, codes, settings.w_rgrad)
        record = {"residual": local.residual, "residual_gradient": local.gradient}
        if local.conditions:
            record["conditions"] = local.conditions
        if pretraining:
            return anchored(problem, settings, points, local.surrogate, local.value, record)
        return local.surrogate, record

    def predict(run: Run) -> tuple[Tensor, Tensor]:
        with torch.no_grad():
            u = field(network, data_points, run.codes.to(network.like), tangents=True)
        return u.value.double().cpu(), u.tangents.double().cpu()

    def upper(run: Run, progress: float) -> Record:
        if progress >= 1.0 - recipe.hold:
            return _settle(run)
        if run.step % data.every:
            return {}
        progress /= 1.0 - recipe.hold
        u, J = predict(run)
        value, by_codes, by_auxiliary = data.gradient(u, J, run.auxiliary, progress)
        with torch.no_grad():
            if "upper" in run.optimisers:
                run.codes.grad, run.auxiliary.grad = by_codes, by_auxiliary
                run.optimisers["upper"].step()
            else:
                moved = data.step(u, J, run.codes, run.auxiliary, progress)
                run.codes.copy_(moved[0])
                run.auxiliary.copy_(moved[1])
            run.codes.copy_(problem.project(run.codes))
        run.trace()
        late = progress > REFEREE_FROM
        if referee is not None and late and (run.step // data.every) % REFEREE_EVERY == 0:
            _judge(run, referee)
        return {"objective": value, **problem.decode(run.codes), **data.describe(run.auxiliary)}

    status = train(run, recipe, settings, draw, loss, upper)
    u, J = predict(run)
    return assess("bilo", problem, data, settings, run, status, u, J, stationary=run.rested())


REFEREE_EVERY, REFEREE_FROM = 5, 0.5
"""Upper steps between two judgements of the referee, and the progress from which on it judges."""


def _judge(run: Run, referee: Referee) -> None:
    """Remember the best unknowns that the referee saw."""
    found = referee(run.codes, run.auxiliary)
    if found < run.memory.get("best", float("inf")):
        run.memory.update(best=found, codes=run.codes.clone(), auxiliary=run.auxiliary.clone())


def _settle(run: Run) -> Record:
    """Go back to the best unknowns, once."""
    if "codes" in run.memory and not run.memory.get("settled"):
        run.codes.copy_(run.memory["codes"])
        run.auxiliary.copy_(run.memory["auxiliary"])
        run.memory["settled"] = True
    return run.network.problem.decode(run.codes)
