"""The upper level of a solved lower level: Gauss-Newton steps that are judged, and taken back.

    (H + nu diag H) d = -g,        theta += d,

g and H of the objective's model at the present theta (`SeparableObjective.model`). The lower
level follows. When it has settled, the objective is compared with what the model
promised: a step that made it worse is taken back, unknowns and weights alike, and the lower level
is solved further where it was before a shorter one is tried.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from bilo.inverse.objective import SeparableObjective
from bilo.lower.levenberg_marquardt import Solving
from bilo.optimisation.damping import Damping
from bilo.training.loop import Upper
from bilo.training.recipes import RecipeError
from bilo.training.state import LevelState, Record, Run, remembered
from bilo.upper.function_step import GaussNewton, function_step
from bilo.upper.tangent_model import Predict, UpperLevel

SETTLED = 0.8
"""The lower level has settled when a step leaves this much of its loss, and more after each step
of the unknowns that had not the promised effect."""
PATIENCE = 8
"""Steps of the weights after which it counts as settled anyway."""
FIRST_NU = 1e-2
DAMPING = Damping(after_good=0.1, after_fair=1.0, after_bad=10.0)
CLOSE = 5e-4
"""The unknowns are found when the whole Gauss-Newton step is shorter than this, relative to their
sizes."""
REACH = 0.3
"""Longest step of a function, over its scale."""
MOMENTUM = 0.8
"""Part of the last step of a function that is taken again; none where a regulariser holds it."""
HELD = 0.3
"""Part of a whole step where a regulariser holds the function: what the data hardly see need not
be crept along there, and the lower level did not follow longer steps on noisy data."""
STILL = 1e-5
"""The functions are found when a whole step would move them by less."""
SURPRISES = 6
"""So many steps in a row without the promised effect end the search: what is left to gain is below
the lower level's error."""
BELIEVED = 4.0
"""Largest gain, relative to the promise, that is the model's and no accident."""
RETRIES = 6
"""Values of nu for a step that bounds cut until it promised nothing."""


@dataclass(frozen=True)
class Following(LevelState):
    """Steps of the weights since the last one of the functions, and where that began."""

    steps_since_update: int = 0
    before: Tensor | None = None
    found: bool = False

    @property
    def done(self) -> bool:
        """Whether the functions have come to rest."""
        return self.found


@dataclass(frozen=True)
class Alternating(LevelState):
    """A step that waits to be judged, and what it would be taken back to.

    Attributes
    ----------
    steps_since_update : int
        Steps of the weights since.
    rejected_in_a_row : int
        Steps in a row that had not the promised effect.
    nu : float
    predicted_decrease : float
        Decrease of the objective that the model predicted; 0: there is no step to be judged.
    value, params, weights, mu
        Objective, unknowns, weights and the lower level's mu before the step.
    found : bool
        Whether the unknowns are found.
    """

    steps_since_update: int = 0
    rejected_in_a_row: int = 0
    nu: float = FIRST_NU
    predicted_decrease: float = 0.0
    value: float = math.inf
    params: Tensor | None = None
    weights: Tensor | None = None
    mu: float = 0.0
    found: bool = False

    @property
    def done(self) -> bool:
        """Whether the unknowns are found."""
        return self.found

    @property
    def settled(self) -> float:
        """What a step of a settled lower level leaves of its loss."""
        return 1.0 - (1.0 - SETTLED) * 0.5**self.rejected_in_a_row


def following(level: UpperLevel, predict: Predict) -> Upper:
    """Upper level of recipe ``lm`` for functions: a step each time the lower level has settled.

    The fixed point is where the gradient *through the operator's input* vanishes, which is no
    minimum of the objective: no step is judged by what it gained. ``run.upper`` is a `Following`.
    """
    step = GaussNewton(
        damping=level.damping,
        relaxation=level.relaxation,
        max_step=REACH,
        momentum=0.0 if level.w_reg else MOMENTUM,
    )

    def upper(run: Run, progress: float) -> Record:
        state: Following = remembered(run.upper, Following)
        lower: Solving = remembered(run.lower, Solving)
        if state.steps_since_update + 1 < PATIENCE and lower.fall < SETTLED:
            run.upper = replace(state, steps_since_update=state.steps_since_update + 1)
            return {}
        u, J = predict(run)
        value, here = float(level.data.value(u, run.nuisance)), run.params.clone()
        found = function_step(run, level.data, level.w_reg, u, J, step, state.before)
        run.upper, run.lower = Following(0, here, found["move"] < STILL), lower.restarted()
        run.params.copy_(run.network.problem.project(run.params))
        run.mark()
        return {"objective": value, **found}

    return upper


def alternating(level: UpperLevel, predict: Predict) -> Upper:
    """Upper level of recipe ``lm``; `finish` has to follow the training.

    ``run.upper`` is an `Alternating`.

    Raises
    ------
    RecipeError
        If the objective has no model that promises anything.
    """
    data = level.data
    if not isinstance(data, SeparableObjective):
        raise RecipeError(
            f"recipe lm needs a pointwise objective, not {type(data).__name__}; "
            "recipe fast takes any"
        )

    def upper(run: Run, progress: float) -> Record:
        problem, lower = run.network.problem, remembered(run.lower, Solving)
        state: Alternating = remembered(run.upper, Alternating)
        state = replace(state, steps_since_update=state.steps_since_update + 1)
        run.upper = state
        if state.steps_since_update < PATIENCE and lower.fall < state.settled:
            return {}
        u, J = predict(run)
        value = float(data.value(u, run.nuisance))
        state = _judged(replace(state, steps_since_update=0), value)
        run.upper = state
        if state.predicted_decrease and not value < state.value:
            _take_back(run)
            return problem.from_params(run.params)
        if not math.isfinite(value):
            return problem.from_params(run.params)
        here = run.params.clone()
        kept = replace(state, value=value, params=here, weights=run.operator.vector(), mu=lower.mu)
        run.upper = _moved(run, kept, *data.model(u, J))
        return {"objective": value, **problem.from_params(here)}

    return upper


def finish(run: Run) -> bool:
    """Take back a step that nobody judged; whether the unknowns had come to rest."""
    if isinstance(run.upper, Alternating) and run.upper.predicted_decrease:
        _take_back(run)
    return run.done or run.rested()


def _judged(state: Alternating, value: float) -> Alternating:
    """The state with its damping adapted to what the last step gained."""
    if not state.predicted_decrease:
        return state
    gain = (state.value - value) / state.predicted_decrease
    rejected_in_a_row = 0 if 0 < gain < BELIEVED else state.rejected_in_a_row + 1
    return replace(state, nu=DAMPING.next(state.nu, gain), rejected_in_a_row=rejected_in_a_row)


def _take_back(run: Run) -> None:
    kept: Alternating = remembered(run.upper, Alternating)
    assert kept.params is not None
    assert kept.weights is not None
    run.params.copy_(kept.params)
    run.operator.assign(kept.weights)
    run.lower = replace(remembered(run.lower, Solving), mu=kept.mu)
    run.upper = replace(kept, predicted_decrease=0.0)


def _moved(run: Run, state: Alternating, g: Tensor, H: Tensor) -> Alternating:
    """Step to where the model promises most; the run is done where that is nothing."""
    problem, here = run.network.problem, run.params.clone()

    def step(nu: float) -> Tensor:
        return problem.project(here + _damped(g, H, nu)) - here

    run.mark()
    state = replace(state, predicted_decrease=0.0, found=True)
    far = float((step(0.0).abs() / problem.sizes(here)).max())
    if far < CLOSE or state.rejected_in_a_row >= SURPRISES:
        return state
    for _ in range(RETRIES):
        d = step(state.nu)
        predicted_decrease = -float(d @ (g + H @ d / 2))
        if predicted_decrease > 0:
            run.lower = remembered(run.lower, Solving).restarted()
            run.params.copy_(here + d)
            run.mark()
            return replace(state, predicted_decrease=predicted_decrease, found=False)
        state = replace(state, nu=state.nu * DAMPING.after_bad)
    return state


def _damped(g: Tensor, H: Tensor, nu: float) -> Tensor:
    """The step d of (H + nu diag H) d = -g; what the data do not see stays."""
    matrix = H + nu * torch.diag(H.diagonal())
    return -torch.linalg.lstsq(matrix, g.unsqueeze(1), driver="gelsd").solution[:, 0]
