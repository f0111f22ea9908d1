"""BiLO: bilevel local operator learning.

    upper   theta* = argmin_theta  L_dat(theta, W*(theta))
    lower   W*(theta) = argmin_W   L_res + w_rgrad L_rgrad,      r = F(D^k u(x, theta; W), theta)

W descends along grad_W of the lower loss only, theta along the derivative of L_dat through the
network's input only (paper, section 2): both at once, or, where the lower level is solved by
Levenberg-Marquardt, in turn.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.optim import Optimizer

from bilo.inverse.objective import Objective
from bilo.inverse.points import Points
from bilo.inverse.problem import Problem
from bilo.inverse.regulariser import regularisation
from bilo.lower.descent import anchored, descending
from bilo.lower.least_squares import Equation, enough, operator_equations, start_equation
from bilo.lower.levenberg_marquardt import solving
from bilo.lower.losses import operator_loss, sampled_operator_loss
from bilo.methods._assessment import FinishedRun, assess
from bilo.methods._multistart import multi_start
from bilo.networks.network import OperatorNetwork, field
from bilo.training.loop import Lower, Record, Run, Upper, train
from bilo.training.recipes import RECIPES, Recipe, adam_of
from bilo.training.settings import Settings
from bilo.training.solution import Solution
from bilo.upper.alternation import alternating, finish, following
from bilo.upper.tangent_model import Predict, tangent_model, upper_step

MAX_ROWS = 1000
"""Most data with which functions take Gauss-Newton steps, whose matrix is as large; else Adam."""
Referee = Callable[[Tensor, Tensor], float]
"""(codes, auxiliary) -> the objective of the numerical solution there."""


def fit(
    problem: Problem, data: Objective, settings: Settings, referee: Referee | None = None
) -> Solution:
    """Infer the unknowns of a problem.

    Pretraining at the start: lower loss, and the numerical solution there where there is one.
    Fine-tuning: both levels. Where they descend at once, the unknowns rest in the last part of it
    (`Recipe.hold`), at the best place the referee saw where there is one, and the network settles
    on the equation.

    Parameters
    ----------
    problem : Problem
    data : Objective
        The upper level's objective; recipe `lm` needs a `Pointwise` one.
    settings : Settings
    referee : callable, optional
        Judges the unknowns by the numerical solution; a problem that is `judged` has its own.
        Recipe `lm` asks none.
    """
    if settings.start_grid:
        return multi_start(fit, problem, data, settings)
    recipe = RECIPES[settings.recipe]
    torch.set_num_threads(settings.threads)
    device = settings.torch_device()
    network = OperatorNetwork(
        problem, settings.width, settings.layers, settings.fourier, settings.seed
    ).to(device, settings.dtype)
    codes, auxiliary = problem.start_codes(settings.seed), data.start.clone()
    run = Run(network, codes, auxiliary, {}, torch.Generator().manual_seed(settings.seed + 1))
    predict = tangent_model(network, data.points)
    rows = 1 + len(problem.unknowns) if settings.w_rgrad else 1
    count = enough(network, rows) if settings.points == 0 else settings.points

    def draw() -> Points:
        return problem.collocation(count, run.generator).to(network.like)

    if recipe.lower is None:
        lower = _solved(network, settings)
        if problem.functions:
            upper = following(problem, data, predict, settings)
        else:
            upper = alternating(problem, data, predict)
    else:
        run.optimisers["lower"] = recipe.lower.over(network.parameters())
        if recipe.adam or _too_large(problem, data):
            run.optimisers["upper"] = adam_of(
                [codes, auxiliary], settings.upper_rate or recipe.upper_rate
            )
        lower = descending(recipe.lower, settings, _loss(network, settings))
        if referee is None and problem.judged:
            referee = _numerical(problem, data, settings.w_reg)
        upper = _simultaneous(problem, data, recipe, predict, referee, settings)
    status = train(run, settings, draw, lower, upper)
    stationary = finish(run) if recipe.lower is None else run.rested()
    u, J = predict(run)
    return assess(FinishedRun("bilo", run, status, u, J, stationary), problem, data, settings)


def _too_large(problem: Problem, data: Objective) -> bool:
    """Whether a function's Gauss-Newton step would cost more than it saves."""
    return bool(problem.functions) and len(data.points) > MAX_ROWS


def _solved(network: OperatorNetwork, settings: Settings) -> Lower:
    """The lower level as least squares."""

    def build(points: Points, codes: Tensor, pretraining: bool) -> list[Equation]:
        equations = operator_equations(network, points, codes, settings.w_rgrad)
        if pretraining:
            equations += start_equation(network, points, codes, settings.w_start)
        return equations

    return solving(build)


def _loss(
    network: OperatorNetwork, settings: Settings
) -> Callable[[Run, Points, bool], tuple[Tensor, Record]]:
    """The lower level as one scalar."""
    start = network.problem.start_codes(settings.seed).to(network.like)

    def loss(run: Run, points: Points, pretraining: bool) -> tuple[Tensor, Record]:
        codes = run.codes.to(network.like)
        if settings.sample_directions:
            local = sampled_operator_loss(network, points, codes, settings.w_rgrad, run.generator)
        else:
            local = operator_loss(network, points, codes, settings.w_rgrad)
        record = {"residual": local.residual, "residual_gradient": local.gradient}
        if local.conditions:
            record["conditions"] = local.conditions
        u, weight = local.value, settings.w_start
        if not pretraining:
            weight = settings.w_keep
            u = field(network, points, start).value if weight else u
        return anchored(network.problem, weight, points, local.surrogate, u, record)

    return loss


def _simultaneous(
    problem: Problem,
    data: Objective,
    recipe: Recipe,
    predict: Predict,
    referee: Referee | None,
    settings: Settings,
) -> Upper:
    """A small step of the unknowns after each step of the weights."""
    every = settings.upper_every or data.every

    def upper(run: Run, progress: float) -> Record:
        if progress >= 1.0 - recipe.hold:
            return _settle(run)
        if run.step % every:
            return {}
        progress /= 1.0 - recipe.hold
        if "upper" in run.optimisers:
            _slow_down(run.optimisers["upper"], recipe, settings, progress)
        u, J = predict(run)
        record = upper_step(run, problem, data, u, J, progress, settings)
        late = progress > REFEREE_FROM
        if referee is not None and late and (run.step // every) % REFEREE_EVERY == 0:
            _judge(run, referee)
        return record

    return upper


def _slow_down(upper: Optimizer, recipe: Recipe, settings: Settings, progress: float) -> None:
    """Both levels descend at rates of one schedule."""
    assert recipe.lower is not None
    for group in upper.param_groups:
        group["lr"] = (settings.upper_rate or recipe.upper_rate) * recipe.lower.schedule(progress)


def _numerical(problem: Problem, data: Objective, w_reg: float) -> Referee:
    """The upper objective of the numerical solution, L_dat + prior + w_reg R."""

    def referee(codes: Tensor, auxiliary: Tensor) -> float:
        reference = problem.reference(problem.decode(codes))
        assert reference is not None
        value = float(data.value(reference(data.points).double(), auxiliary) + data.prior(codes))
        return value + (w_reg * float(regularisation(problem, codes)) if w_reg else 0.0)

    return referee


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
    return run.network.problem.numbers(run.codes)
