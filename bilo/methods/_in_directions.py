"""BiLO with exact derivatives for functions: the operator in directions.

    lower   w_0, w_k = argmin  L_res + w_rgrad L_rgrad,      dr/dc_k = F_u [T_k] + F_f [phi_k]
    upper   f <- f + sum_k c_k phi_k,   c the Gauss-Newton step of L_dat + w_reg R by T = du/dc

Data never reach the weights of the operator. In the directions phi_k the theorem of the scalars
holds: where the lower level is solved, T is the derivative of the field by the function, and the
fixed point is the minimum of the objective.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import torch

from bilo.inverse.directions import Waves, started_as_basis
from bilo.inverse.objective import Objective, SeparableObjective
from bilo.inverse.points import Points
from bilo.inverse.problem import Problem
from bilo.lower.trunk import POINTS, start_trunk, untuned
from bilo.methods._assessment import FinishedRun, assess
from bilo.methods._fingerprint import fingerprint
from bilo.networks.response import ResponseNetwork
from bilo.training.checks import of_given_weight
from bilo.training.loop import Levels, train
from bilo.training.recipes import RecipeError
from bilo.training.session import Session
from bilo.training.solution import Solution
from bilo.training.state import LevelState, Record, Run, remembered
from bilo.upper.directions import FIRST_MU, DirectionsLevel, Place
from bilo.upper.regularisation_weight import chosen_weight, same

if TYPE_CHECKING:
    from bilo.methods.bilo import BiLO

MODES = 20.0
"""Half waves on the unit interval up to which the trunk is asked to answer."""
ASKED = 12
"""Waves that ask."""
START = 20
"""Most Gauss-Newton steps of the field at the start."""
AUTO = "auto"
CHOICES = 6
"""Most weights of a regulariser that are tried."""
SMALL, OFTEN = 1e-4, 3
"""The unknowns are found when so many steps in a row gained less than this part."""


@dataclass(frozen=True)
class Descending(LevelState):
    """Damping of the next step, steps in a row that gained little, and the regulariser's weight.

    A weight that is chosen by the data is chosen again wherever the unknowns come to rest.
    """

    mu: float = FIRST_MU
    small: int = 0
    found: bool = False
    w_reg: float = 0.0
    choices: int = 0

    @property
    def done(self) -> bool:
        """Whether nothing is left to gain."""
        return self.found


def fit_in_directions(
    method: BiLO, problem: Problem, data: Objective, session: Session
) -> Solution:
    """Infer unknown functions and scalars with the operator in directions.

    Raises
    ------
    RecipeError
        If the objective is no sum over points.
    """
    if not isinstance(data, SeparableObjective):
        raise RecipeError(f"recipe varpro needs a pointwise objective, not {type(data).__name__}")
    problem = started_as_basis(problem)
    size, waves = method.architecture, Waves(problem, ASKED, MODES, session.seed)
    network = untuned(problem, size.width, size.layers, session.seed)
    network = network.to(session.torch_device(), torch.float64)
    run = Run.of(network, problem.start_params(session.seed), data, session)
    count = method.budget.count(POINTS * size.width)
    # the same points in every step, and after an interruption
    fixed = torch.Generator().manual_seed(session.seed + 2)
    points = problem.collocation(count, fixed).to(network.like)
    auto = method.w_reg == AUTO
    run.upper = Descending(w_reg=0.0 if auto else float(method.w_reg))
    levels = _Levels(network, points, data, waves, fixed, auto)
    status = train(
        run,
        Levels(lambda: points, levels.lower, levels.upper),
        method.budget,
        session,
        fingerprint(method, problem, data, session),
    )
    end, weight = levels.at(run), _state(run).w_reg
    _, J = end.answer(torch.eye(len(run.params)).to(run.params))
    finished = FinishedRun(replace(method, w_reg=weight), run, status, end.u, J, run.done)
    solution = assess(finished, data, session)
    given = () if auto else of_given_weight(weight, "; w_reg='auto' lets the data choose")
    left: dict[str, Any] = {"unanswered": end.lower.unanswered(waves), "w_reg": weight}
    return replace(
        solution, checks=(*solution.checks, *given), assessment={**solution.assessment, **left}
    )


@dataclass
class _Levels:
    """Both levels, and the place where they are: the lower one solved at the run's unknowns."""

    network: ResponseNetwork
    points: Points
    data: SeparableObjective
    waves: Waves
    generator: torch.Generator
    auto: bool
    place: Place | None = None

    def level(self, run: Run) -> DirectionsLevel:
        """With the present weight of the regulariser."""
        return DirectionsLevel(self.network, self.points, self.data, _state(run).w_reg)

    def at(self, run: Run) -> Place:
        """The place of the run's unknowns: made anew after an interruption or a recovery."""
        if self.place is None or not torch.equal(self.place.params, run.params):
            self.place = self.level(run).settle(run.params, 0)
        return self.place

    def lower(self, run: Run, points: Points, pretraining: bool) -> tuple[bool, Record]:
        """The trunk and the field at the start; after that the upper level leaves it solved."""
        if pretraining:
            start_trunk(self.network, run.params, self.waves, self.generator)
            self.place = self.level(run).settle(run.params, START)
            if self.auto:
                self.choose(run)
        return True, {"residual": self.at(run).lower.residual.loss()}

    def upper(self, run: Run, progress: float) -> Record:
        """A step along the directions."""
        state, here = _state(run), self.at(run)
        found, mu = self.level(run).step(here, state.mu)
        small = state.small
        if found is not None:
            small = small + 1 if found.value > (1 - SMALL) * here.value else 0
            self.place = found
            run.params.copy_(found.params)
        resting = found is None or small >= OFTEN
        if not (resting and self.auto and self.choose(run)):
            run.upper = replace(state, mu=mu, small=small, found=resting)
        run.mark()
        problem = self.network.problem
        record = {"objective": self.at(run).value, **problem.numbers(run.params)}
        return {**record, "w_reg": state.w_reg} if self.auto else record

    def choose(self, run: Run) -> bool:
        """Another weight, where the data want one; whether they do."""
        state, place = _state(run), self.at(run)
        weight = chosen_weight(self.level(run), place)
        if state.choices >= CHOICES or (state.w_reg and same(weight, state.w_reg)):
            return False
        run.upper = Descending(w_reg=weight, choices=state.choices + 1)
        self.place = self.level(run).settle(run.params, 0)
        return True


def _state(run: Run) -> Descending:
    state: Descending = remembered(run.upper, Descending)
    return state
