"""DeepONet: learn the solution operator from many numerical solutions, freeze it, invert it.

    offline   W*     = argmin_W  mean_i mean_x (u(x, theta_i; W) - u_num(x; theta_i))^2
    online    theta* = argmin_theta  L_dat(theta, W*)

The theta_i are a grid over the sampled range of scalars, or random functions, which the branch
reads at the points of their probe. The equation itself is never used: outside of what it was
trained on, and between, the operator knows what it has seen.

Reference: Lu, Jin, Pang, Zhang, Karniadakis 2021, Nature Machine Intelligence 3, 218-229.
"""

from __future__ import annotations

import time
from dataclasses import replace

import torch
from torch import Tensor

from bilo.inverse.objective import Objective
from bilo.inverse.points import Points
from bilo.inverse.problem import Problem
from bilo.inverse.unknown import Scalar
from bilo.lower.descent import descending
from bilo.methods._assessment import FinishedRun, assess
from bilo.networks.branch_trunk import DeepONet
from bilo.networks.training_set import TrainingSet, training_set
from bilo.training.loop import Record, Run, train
from bilo.training.recipes import RECIPES, RecipeError, adam_of
from bilo.training.settings import Settings
from bilo.training.solution import Solution
from bilo.upper.tangent_model import upper_step

BATCH = 64
"""Training solutions looked at in a step."""
MARGIN = 1e-3
"""How far a function may leave what was trained on, over its scale, without a warning."""


def fit(problem: Problem, data: Objective, settings: Settings) -> Solution:
    """Infer the unknowns of a problem with an operator learned from its solver.

    Pretraining learns the operator with the recipe's lower optimiser, its schedule over these steps
    alone; fine-tuning descends the unknowns alone, from the start, by the recipe's upper level.
    An unknown function is the same network as in BiLO, with the same regulariser.

    Parameters
    ----------
    problem : Problem
        With a numerical solution.
    data : Objective
    settings : Settings
        `samples` names the unknowns of the training solutions; `points` of the residual grid are
        drawn in every step. The time of generation counts.

    Raises
    ------
    ValueError
        If the problem has no numerical solution or no such samples, no step is left to learn from
        them, or the recipe has no first-order lower level.
    """
    if not settings.pretrain_steps:
        raise ValueError("a DeepONet learns its operator in the pretraining: it needs some steps")
    recipe = RECIPES[settings.recipe]
    if recipe.lower is None:
        raise RecipeError(f"a DeepONet descends: it has no recipe {settings.recipe}")
    torch.set_num_threads(settings.threads)
    device = settings.torch_device()
    began = time.perf_counter()
    everywhere = problem.collocation(None, torch.Generator())
    known = training_set(problem, settings.samples, everywhere, settings.seed)
    generation_seconds = time.perf_counter() - began

    network = DeepONet(problem, settings.width, settings.layers - 1, settings.seed)
    network = network.to(device, settings.dtype)
    like = network.like
    everywhere, known = everywhere.to(like), known.to(like)

    codes, auxiliary = problem.start_codes(settings.seed), data.start.clone()
    optimisers = {"lower": recipe.lower.over(network.parameters())}
    if recipe.adam:
        upper_rate = settings.upper_rate or recipe.upper_rate
        optimisers["upper"] = adam_of([codes, auxiliary], upper_rate)
    generator = torch.Generator().manual_seed(settings.seed + 1)
    run = Run(network, codes, auxiliary, optimisers, generator, seconds=generation_seconds)
    offline = settings.pretrain_steps / (settings.pretrain_steps + settings.finetune_steps)

    def loss(run: Run, points: Points, pretraining: bool) -> tuple[Tensor, Record]:
        if not pretraining:
            return like.new_zeros(()), {}
        rows = _some(len(known), BATCH, run.generator).to(device)
        columns = _some(len(points), settings.points, run.generator).to(device)
        part = known.part(rows, columns)
        u = network.fields(points.part(columns), part.readings, part.inputs)
        misfit = ((u - part.solutions) ** 2).mean()
        return misfit, {"operator": misfit.item()}

    def upper(run: Run, progress: float) -> Record:
        if run.step % data.every:
            return {}
        u, X = network.linearised(data.points, run.codes)
        return upper_step(run, problem, data, u, X, progress, settings)

    schedule = recipe.lower.schedule
    falling = replace(recipe.lower, schedule=lambda done: schedule(min(done / offline, 1.0)))
    lower = descending(falling, settings, loss)
    status = train(run, settings, lambda: everywhere, lower, upper)
    u, X = network.linearised(data.points, run.codes)
    finished = FinishedRun("deeponet", run, status, u, X, run.rested())
    found = assess(finished, problem, data, settings)
    return replace(
        found,
        warnings=found.warnings + _extrapolated(network, run.codes, known),
        assessment={
            **found.assessment,
            "training_solutions": len(known),
            "generation_seconds": generation_seconds,
        },
    )


def _extrapolated(network: DeepONet, codes: Tensor, known: TrainingSet) -> tuple[str, ...]:
    """A warning for every unknown outside of what the operator was trained on."""
    problem, found = network.problem, []
    seen = (v.double().cpu().split(network.sizes) for v in known.readings.aminmax(dim=0))
    for k, part, least, most in zip(problem.unknowns, problem.split(codes), *seen, strict=True):
        if isinstance(k, Scalar):
            low, high = k.sampled or k.bounds
            if not low <= k.decode(part) <= high:
                found.append(
                    f"{k.name} = {k.decode(part):.3g} is outside [{low:g}, {high:g}], where the "
                    "operator was trained: it extrapolates"
                )
            continue
        reading = k.probe(part)
        beyond = float(torch.maximum(least - reading, reading - most).max())
        if beyond > MARGIN:
            found.append(
                f"{k.name} leaves the range of the functions that the operator was trained on, by "
                f"{beyond:.2g} of its scale: it extrapolates"
            )
    return tuple(found)


def _some(n: int, wanted: int | None, generator: torch.Generator) -> Tensor:
    """Indices of `wanted` of n things, without repetition; all of them for None."""
    return torch.randperm(n, generator=generator)[:wanted]
