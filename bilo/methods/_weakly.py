"""BiLO with a weak form: field and responses by Galerkin's method over an untuned trunk.

    lower   w = argument of  int g(u, psi_i) = 0  for all i,      dw/dtheta from the same matrix
    upper   theta <- theta + d,   d the Gauss-Newton step of L_dat + w_reg R by T = du/dtheta

As with the operator in directions data never reach the weights of the field, and T is its exact
derivative: the fixed point is the minimum of the objective. Functions with `Function.cells` are
found by their values there.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from bilo.inverse.cells import on_cells
from bilo.inverse.least_squares import LeastSquares
from bilo.inverse.objective import Objective, SeparableObjective
from bilo.inverse.points import Points
from bilo.inverse.problem import Problem
from bilo.lower.galerkin import Galerkin, Quadrature
from bilo.lower.trunk import tiling
from bilo.methods._assessment import FinishedRun, assess
from bilo.methods._fingerprint import fingerprint
from bilo.methods._optimum import Left
from bilo.training.checks import of_given_weight
from bilo.training.loop import Levels, train
from bilo.training.recipes import RecipeError
from bilo.training.session import Session
from bilo.training.solution import Solution
from bilo.training.state import LevelState, Record, Run, remembered
from bilo.upper.directions import FIRST_MU
from bilo.upper.weak_level import WeakLevel, WeakPlace

if TYPE_CHECKING:
    from bilo.methods.bilo import BiLO

ROWS = 4
"""Points of the quadrature for a feature, at least: with fewer some are seen by none."""
SMALL, OFTEN = 1e-3, 3
"""The unknowns are found when so many steps in a row gained less than this part."""


@dataclass(frozen=True)
class Descending(LevelState):
    """Damping of the next step, steps in a row that gained little, and the field's weights."""

    mu: float = FIRST_MU
    small: int = 0
    found: bool = False
    w: Tensor = field(default_factory=lambda: torch.zeros(0, dtype=torch.float64))

    @property
    def done(self) -> bool:
        """Whether nothing is left to gain."""
        return self.found


def fit_weakly(method: BiLO, problem: Problem, data: Objective, session: Session) -> Solution:
    """Infer unknowns with the weak form of the equation.

    Raises
    ------
    RecipeError
        If the data see more than the field, or are no sum over points; if the weight of the
        regulariser is to be chosen, or the problem has several fields.
    """
    if not isinstance(data, SeparableObjective) or data.seen is not None:
        raise RecipeError("a weak form needs a pointwise objective of the field itself")
    if data.functional is not None:
        raise RecipeError(
            "a weak form needs values of the field itself at points: the data are linear "
            "functionals of it (functional)"
        )
    if method.w_reg == "auto":
        raise RecipeError(f"w_reg 'auto': the weak form of {problem.name} needs a number")
    problem, size = on_cells(problem), method.architecture
    network = tiling(problem, size.width, size.layers, session.seed)
    network = network.to(session.torch_device(), torch.float64)
    run = Run.of(network, problem.start_params(session.seed), data, session)
    enough = max(ROWS * size.width, len(Quadrature.of(problem, None).points))
    quadrature = Quadrature.of(problem, method.budget.count(enough))
    galerkin = Galerkin(network, quadrature, run.params)
    run.upper = Descending(w=galerkin.nothing)
    levels = _Levels(WeakLevel(galerkin, data, float(method.w_reg)))
    status = train(
        run,
        Levels(lambda: galerkin.points, levels.lower, levels.upper),
        method.budget,
        session,
        fingerprint(method, problem, data, session),
    )
    place = levels.at(run)
    finished = FinishedRun(
        method,
        run,
        status,
        place.u,
        None,
        run.done,
        weak_residual=place.form.left,
        left=_left(levels.level, place) if run.done else None,
    )
    solution = assess(finished, data, session)
    return replace(solution, checks=(*solution.checks, *of_given_weight(float(method.w_reg))))


def _left(level: WeakLevel, place: WeakPlace) -> Left | None:
    """What is left to gain, in directions that the data or the bounds leave free."""
    if not isinstance(level.data, LeastSquares):
        return None
    model = level.model(place)
    directions = max(min(int(model.free.sum()), len(place.u)), 1)
    return Left.of(level.data, place.u, model.left, directions)


@dataclass
class _Levels:
    """Both levels, and the place where they are: the lower one solved at the run's unknowns."""

    level: WeakLevel
    place: WeakPlace | None = None

    def at(self, run: Run) -> WeakPlace:
        """The place of the run's unknowns: made anew after an interruption or a recovery."""
        if self.place is None or not torch.equal(self.place.params, run.params):
            self.place = self.level.settle(run.params.clone(), _state(run).w)
        return self.place

    def lower(self, run: Run, points: Points, pretraining: bool) -> tuple[bool, Record]:
        """The field at the start; after that the upper level leaves it solved."""
        return True, {"residual": float(self.at(run).form.F.norm())}

    def upper(self, run: Run, progress: float) -> Record:
        """A step of the unknowns."""
        state, here = _state(run), self.at(run)
        found, mu = self.level.step(here, state.mu)
        small = state.small
        if found is not None:
            small = small + 1 if found.value > (1 - SMALL) * here.value else 0
            self.place = found
            run.params.copy_(found.params)
        place = self.at(run)
        resting = found is None or small >= OFTEN
        run.upper = Descending(mu, small, resting, place.form.w)
        self.level.galerkin.put(place.form.w)
        run.mark()
        return {"objective": place.value, **run.network.problem.numbers(run.params)}


def _state(run: Run) -> Descending:
    state: Descending = remembered(run.upper, Descending)
    return state
