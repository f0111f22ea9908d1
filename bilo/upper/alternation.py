"""The upper level of a solved lower level: Gauss-Newton steps that are judged, and taken back.

    (H + nu diag H) d = -g,        theta += d,

g and H of the objective's model at the present theta (`Pointwise.model`). The lower
level follows. When it has settled, the objective is compared with what the model
promised: a step that made it worse is taken back, unknowns and weights alike, and the lower level
is solved further where it was before a shorter one is tried.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from bilo.inverse.objective import Objective, Pointwise
from bilo.inverse.problem import Problem
from bilo.lower.levenberg_marquardt import START
from bilo.training.loop import Record, Run, Upper
from bilo.training.recipes import RecipeError
from bilo.training.settings import Settings
from bilo.upper.function_step import GaussNewton, function_step
from bilo.upper.tangent_model import Predict

SETTLED = 0.8
"""The lower level has settled when a step leaves this much of its loss, and more after each step
of the unknowns that had not the promised effect,"""
PATIENCE = 8
"""or after so many steps."""
DAMPING = 1e-2
"""First nu."""
CLOSE = 5e-4
"""The unknowns are found when the whole Gauss-Newton step is shorter than this, relative, or
absolute for unknowns below 1,"""
REACH = 0.3
"""Longest step of a function, over its scale,"""
MOMENTUM = 0.8
"""beside this part of the last one. Where a regulariser holds the function there is none, and
only"""
HELD = 0.3
"""of a whole step is taken: what the data hardly see need not be crept along there, and the lower
level did not follow longer steps on noisy data."""
STILL = 1e-5
"""The functions are found when a whole step would move them by less."""
SURPRISES = 6
"""or when so many steps in a row had not the promised effect: what is left to gain is below the
lower level's error."""
BELIEVED = 4.0
"""Largest gain, relative to the promise, that is the model's and no accident."""
RETRIES = 6
"""Values of nu for a step that bounds cut until it promised nothing."""


def following(problem: Problem, data: Objective, predict: Predict, settings: Settings) -> Upper:
    """Upper level of recipe ``lm`` for functions: a step each time the lower level has settled.

    The fixed point is where the gradient *through the operator's input* vanishes, which is no
    minimum of the objective: no step is judged by what it gained.
    """
    w_reg = settings.w_reg
    step = GaussNewton(
        damping=settings.damping,
        relaxation=settings.upper_rate or (HELD if w_reg else 1.0),
        max_step=REACH,
        momentum=0.0 if w_reg else MOMENTUM,
    )

    def upper(run: Run, progress: float) -> Record:
        memory = run.memory
        memory["waited"] = memory.get("waited", 0) + 1
        if memory["waited"] < PATIENCE and memory["fall"] < SETTLED:
            return {}
        u, J = predict(run)
        value = float(data.value(u, run.auxiliary))
        found = function_step(run, problem, data, w_reg, u, J, step)
        # a lower level that found no further step has left its mu large
        memory.update(waited=0, mu=min(memory["mu"], START), done=found["move"] < STILL)
        run.codes.copy_(problem.project(run.codes))
        run.trace()
        return {"objective": value, **found}

    return upper


def alternating(problem: Problem, data: Objective, predict: Predict) -> Upper:
    """Upper level of recipe ``lm``; `finish` has to follow the training.

    ``run.memory`` holds ``kept``, where the last step began, and what it ``promised``; 0: there is
    none to be judged.

    Raises
    ------
    ValueError
        If the objective has no model that promises anything.
    """
    if not isinstance(data, Pointwise):
        raise RecipeError(
            f"recipe lm needs a pointwise objective, not {type(data).__name__}; "
            "recipe fast takes any"
        )

    def upper(run: Run, progress: float) -> Record:
        memory = run.memory
        if "waited" not in memory:
            memory.update(waited=0, surprises=0, nu=DAMPING, promised=0.0)
        memory["waited"] += 1
        settled = 1.0 - (1.0 - SETTLED) * 0.5 ** memory["surprises"]
        if memory["waited"] < PATIENCE and memory["fall"] < settled:
            return {}
        memory["waited"] = 0
        u, J = predict(run)
        value = float(data.value(u, run.auxiliary))
        good = _judge(run, value) if memory["promised"] else math.isfinite(value)
        if good:
            _keep(run, value)
            _move(run, problem, *data.model(u, J))
            return {"objective": value, **problem.decode(memory["kept"]["codes"])}
        return problem.decode(run.codes)

    return upper


def finish(run: Run) -> bool:
    """Take back a step that nobody judged; whether the unknowns had come to rest."""
    if run.memory.get("promised"):
        _take_back(run)
    return run.done or run.rested()


def _judge(run: Run, value: float) -> bool:
    """Whether the last step was good; adapts the damping, and takes a bad step back."""
    memory = run.memory
    gain = (memory["kept"]["value"] - value) / memory["promised"]
    memory["nu"] *= 0.1 if gain > 0.75 else 1.0 if gain > 0.25 else 10.0
    memory["surprises"] = 0 if 0 < gain < BELIEVED else memory["surprises"] + 1
    if not gain > 0:
        _take_back(run)
    return gain > 0


def _keep(run: Run, value: float) -> None:
    """Remember the present state, which a step can be taken back to."""
    run.memory["kept"] = {
        "value": value,
        "codes": run.codes.clone(),
        "weights": run.operator.vector(),
        "mu": run.memory["mu"],
    }


def _take_back(run: Run) -> None:
    kept = run.memory["kept"]
    run.codes.copy_(kept["codes"])
    run.operator.assign(kept["weights"])
    run.memory.update(mu=kept["mu"], promised=0.0)


def _move(run: Run, problem: Problem, g: Tensor, H: Tensor) -> None:
    """Step to where the model promises most; the run is done where that is nothing."""
    memory, here = run.memory, run.codes.clone()

    def step(nu: float) -> Tensor:
        return problem.project(here + _damped(g, H, nu)) - here

    run.trace()
    memory.update(promised=0.0, done=True)
    far = float((step(0.0).abs() / here.abs().clamp(min=1.0)).max())
    if far < CLOSE or memory["surprises"] >= SURPRISES:
        return
    for _ in range(RETRIES):
        d = step(memory["nu"])
        promised = -float(d @ (g + H @ d / 2))
        if promised > 0:
            # a lower level that found no further step has left its mu large
            memory.update(promised=promised, done=False, mu=min(memory["mu"], START))
            run.codes.copy_(here + d)
            run.trace()
            return
        memory["nu"] *= 10.0


def _damped(g: Tensor, H: Tensor, nu: float) -> Tensor:
    """The step d of (H + nu diag H) d = -g; what the data do not see stays."""
    matrix = H + nu * torch.diag(H.diagonal())
    return -torch.linalg.lstsq(matrix, g.unsqueeze(1), driver="gelsd").solution[:, 0]
