"""PINN with soft constraints: weights and unknowns descend one loss, L_res + w_data L_dat."""

from __future__ import annotations

import torch
from torch import Tensor

from bilo.assessment import assess
from bilo.losses import condition_loss, field, residual_loss
from bilo.network import OperatorNetwork
from bilo.objective import Objective
from bilo.points import Points
from bilo.problem import Problem
from bilo.recipes import RECIPES
from bilo.settings import Settings
from bilo.solution import Solution
from bilo.training import Record, Run, anchored, train

DATA_EVERY = 4
"""Steps between two looks at the data; each counts for as many: the same mean gradient."""
TRACE_EVERY = 10


def fit(problem: Problem, data: Objective, settings: Settings) -> Solution:
    """Infer the unknowns of a problem with the same optimiser, network and budget as BiLO.

    The network is BiLO's without the unknowns as input. Pretraining holds the unknowns at the start
    and uses the numerical solution there in the same way.

    Parameters
    ----------
    problem : Problem
    data : Objective
    settings : Settings
        `w_data` weighs the objective.
    """
    recipe = RECIPES[settings.recipe]
    torch.set_num_threads(settings.threads)
    device = settings.torch_device()
    network = OperatorNetwork(
        problem, settings.width, settings.layers, settings.fourier, settings.seed, theta=False
    ).to(device, settings.dtype)
    like = network.like
    codes = problem.encode(problem.start()).to(like).requires_grad_()
    auxiliary = data.start.clone().requires_grad_()
    upper_rate = settings.upper_rate or recipe.upper_rate
    relative = upper_rate / recipe.rate
    lower = recipe.optimiser(
        [
            {"params": list(network.parameters()), "lr": recipe.rate, "relative_rate": 1.0},
            {"params": [codes], "lr": upper_rate, "relative_rate": relative},
            *(
                [{"params": [auxiliary], "lr": upper_rate, "relative_rate": relative}]
                if len(auxiliary)
                else []
            ),
        ]
    )
    run = Run(
        network,
        codes,
        auxiliary,
        {"lower": lower},
        torch.Generator().manual_seed(settings.seed + 1),
    )
    data_points = data.points.to(like)

    def draw() -> Points:
        return problem.collocation(settings.points, run.generator).to(like)

    def loss(run: Run, points: Points, pretraining: bool) -> tuple[Tensor, Record]:
        theta = codes.detach() if pretraining else codes
        residual, u = residual_loss(network, points, theta)
        record = {"residual": residual.item()}
        equations = residual + condition_loss(network, theta, 0.0, tangents=False)
        if pretraining:
            return anchored(problem, settings, points, equations, u, record)
        if run.step % DATA_EVERY:
            return equations, record
        u = field(network, data_points, codes).value.double().cpu()
        progress = (run.step - settings.pretrain_steps) / max(settings.finetune_steps, 1)
        objective = data.value(u, auxiliary, progress)
        total = equations + DATA_EVERY * settings.w_data * objective.to(residual)
        run.last["objective"] = objective.item()
        return total, record

    def upper(run: Run, progress: float) -> Record:
        with torch.no_grad():
            codes.copy_(problem.project(codes.detach().double().cpu()))
        if run.step % TRACE_EVERY == 0:
            run.trace()
        return {**problem.decode(codes.detach()), **data.describe(auxiliary)}

    status = train(run, recipe, settings, draw, loss, upper)
    with torch.no_grad():
        u = field(network, data_points, codes).value.double().cpu()
    return assess("pinn", problem, data, settings, run, status, u, None, stationary=run.rested())
