"""PINN with soft constraints: weights and unknowns descend one loss, L_res + w_data L_dat."""

from __future__ import annotations

import torch
from torch import Tensor

from bilo.inverse.objective import LeastSquares, Objective
from bilo.inverse.points import Points
from bilo.inverse.problem import Problem
from bilo.inverse.regulariser import regularisation
from bilo.lower.descent import anchored, descending
from bilo.lower.least_squares import (
    Equation,
    data_equation,
    enough,
    operator_equations,
    start_equation,
)
from bilo.lower.levenberg_marquardt import solving
from bilo.lower.losses import condition_loss, residual_loss
from bilo.methods._assessment import FinishedRun, assess
from bilo.methods._multistart import multi_start
from bilo.networks.network import OperatorNetwork, field
from bilo.training.loop import Lower, Record, Run, train
from bilo.training.recipes import RECIPES, Recipe, RecipeError
from bilo.training.settings import Settings
from bilo.training.solution import Solution

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
        Recipe `lm` needs `LeastSquares`.
    settings : Settings
        `w_data` weighs the objective.
    """
    if settings.start_grid:
        return multi_start(fit, problem, data, settings)
    recipe = RECIPES[settings.recipe]
    torch.set_num_threads(settings.threads)
    device = settings.torch_device()
    network = OperatorNetwork(
        problem, settings.width, settings.layers, settings.fourier, settings.seed, theta=False
    ).to(device, settings.dtype)
    like = network.like
    codes, auxiliary = problem.start_codes(settings.seed).to(like), data.start.clone()
    run = Run(network, codes, auxiliary, {}, torch.Generator().manual_seed(settings.seed + 1))
    data_points = data.points.to(like)
    count = enough(network, 1) if settings.points == 0 else settings.points

    def draw() -> Points:
        return problem.collocation(count, run.generator).to(like)

    def upper(run: Run, progress: float) -> Record:
        with torch.no_grad():
            codes.copy_(problem.project(codes.detach().double().cpu()))
        if run.step % TRACE_EVERY == 0:
            run.trace()
        return {**problem.numbers(codes.detach()), **data.describe(auxiliary)}

    if recipe.lower is None:
        lower = _solved(network, data, settings)
    else:
        lower = _descended(run, recipe, data, settings)
    status = train(run, settings, draw, lower, upper)
    with torch.no_grad():
        u = field(network, data_points, codes).value.double().cpu()
    return assess(FinishedRun("pinn", run, status, u, None, run.rested()), problem, data, settings)


def _solved(network: OperatorNetwork, data: Objective, settings: Settings) -> Lower:
    """The one loss as least squares in the weights and, after pretraining, the unknowns."""
    if network.problem.functions:
        raise RecipeError("a PINN with recipe lm takes unknown scalars, no functions: recipe fast")
    if not isinstance(data, LeastSquares):
        raise RecipeError(
            f"a PINN with recipe lm fits least squares, not {type(data).__name__}; "
            "recipe fast takes any objective"
        )

    def build(points: Points, codes: Tensor, pretraining: bool) -> list[Equation]:
        equations = operator_equations(network, points, codes, 0.0)
        if pretraining:
            return equations + start_equation(network, points, codes, settings.w_start)
        return [*equations, data_equation(network, data, codes, settings.w_data)]

    return solving(build, joint=True)


def _descended(run: Run, recipe: Recipe, data: Objective, settings: Settings) -> Lower:
    """The one loss as a scalar, descended by the recipe's optimiser."""
    assert recipe.lower is not None
    network, problem = run.network, run.network.problem
    codes, auxiliary = run.codes.requires_grad_(), run.auxiliary.requires_grad_()
    data_points = data.points.to(network.like)
    run.optimisers["lower"] = recipe.lower.over(
        network.parameters(), (codes, auxiliary), settings.upper_rate or recipe.upper_rate
    )

    def loss(run: Run, points: Points, pretraining: bool) -> tuple[Tensor, Record]:
        theta = codes.detach() if pretraining else codes
        residual, u = residual_loss(network, points, theta)
        record = {"residual": residual.item()}
        equations = residual + condition_loss(network, theta, 0.0, tangents=False)
        if pretraining:
            return anchored(problem, settings.w_start, points, equations, u, record)
        if run.step % DATA_EVERY:
            return equations, record
        u = field(network, data_points, codes).value.double().cpu()
        progress = (run.step - settings.pretrain_steps) / max(settings.finetune_steps, 1)
        objective = data.value(u, auxiliary, progress) + data.prior(codes.double().cpu())
        total = equations + DATA_EVERY * settings.w_data * objective.to(residual)
        if settings.w_reg:
            R = regularisation(problem, codes)
            total = total + DATA_EVERY * settings.w_reg * R
            run.last["regulariser"] = R.item()
        run.last["objective"] = objective.item()
        return total, record

    return descending(recipe.lower, settings, loss)
