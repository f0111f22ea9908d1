"""BiLO: bilevel local operator learning.

    upper   theta* = argmin_theta  L_dat(theta, W*(theta))
    lower   W*(theta) = argmin_W   L_res + w_rgrad L_rgrad,      r = F(D^k u(x, theta; W), theta)

W descends along grad_W of the lower loss only, theta along the derivative of L_dat through the
network's input only (paper, section 2): both at once, or, where the lower level is solved by
Levenberg-Marquardt, in turn.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import ClassVar, Literal

from torch import Tensor
from torch.optim import Optimizer

from bilo.inverse.objective import Objective
from bilo.inverse.observed import solution_at_data
from bilo.inverse.points import Points
from bilo.inverse.problem import Problem
from bilo.inverse.regulariser import regularisation
from bilo.lower.descent import LEAST_JUDGED, descending, with_pretraining_misfit
from bilo.lower.galerkin import states_weak_form
from bilo.lower.least_squares import Equation, enough, operator_equations, start_equation
from bilo.lower.levenberg_marquardt import Solving, solving
from bilo.lower.losses import operator_loss, sampled_operator_loss
from bilo.methods._assessment import FinishedRun, assess
from bilo.methods._equation import solving_at_first
from bilo.methods._fingerprint import fingerprint
from bilo.methods._in_directions import fit_in_directions
from bilo.methods._multistart import multi_start
from bilo.methods._network_method import NetworkMethod, operator_network
from bilo.methods._weakly import fit_weakly
from bilo.networks.network import OperatorNetwork
from bilo.networks.network import field as represented
from bilo.training.loop import Levels, Lower, Upper, train
from bilo.training.recipes import LastLayer, RecipeError, adam_of
from bilo.training.session import Session
from bilo.training.solution import Solution
from bilo.training.state import LevelState, Record, Run, remembered
from bilo.upper.alternation import HELD, Alternating, Following, alternating, finish, following
from bilo.upper.tangent_model import PART, Predict, UpperLevel, tangent_model, upper_step

MAX_ROWS = 1000
"""Most data with which functions take Gauss-Newton steps, whose matrix is as large; else Adam."""
REFEREE_EVERY, REFEREE_FROM = 5, 0.5
"""Upper steps between two judgements of the referee, and the progress from which on it judges."""
Referee = Callable[[Tensor, Tensor], float]
"""(params, nuisance) -> the objective of the numerical solution there."""


@dataclass(frozen=True)
class BiLO(NetworkMethod):
    """Bilevel local operator learning.

    An option that means nothing to the recipe is a `RecipeError` (`Recipe.without`).

    Pretraining at the start: lower loss, and the numerical solution there where there is one.
    Fine-tuning: both levels. Where they descend at once, the unknowns rest in the last part of it
    (`Recipe.hold`), at the best place the referee saw where there is one, and the network settles
    on the equation.

    Attributes
    ----------
    w_rgrad : float
        Weight of the residual-gradient loss.
    sample_directions : bool
        Estimate the residual-gradient loss along one random direction in theta at each point:
        cheaper, and no noisier than random points are anyway; first-order recipes only.
    w_pretraining : float
        Weight, in pretraining, of the numerical solution at the start.
    w_keep : float
        Weight of the same in fine-tuning, of the field at the start's unknowns wherever these have
        gone: where the equation hardly determines a part of the field the operator forgets it.
        First-order recipes only.
    upper_rate : float
        Rate of the unknowns where Adam descends them, or the part that is taken of a function's
        Gauss-Newton step.
    upper_every : int
        Steps of the weights to one of the unknowns, where both levels descend at once; None: the
        objective's own.
    damping : float
        Levenberg's parameter of a function's Gauss-Newton step, relative to the largest eigenvalue:
        what the data hardly see moves slowly, and coarse features come first.
    w_reg : float or "auto"
        Weight of the regularisers of unknown functions. ``auto``, of recipe `varpro` alone: by
        marginal likelihood, as bands ask for; the weight is `assessment["w_reg"]`.
    start_grid : int
        Further starts along each unknown, see `multi_start`; 0: only the problem's own.
    referee : callable
        Judges the unknowns by the numerical solution; a problem with `keep_best_by_reference`
        has its own. First-order recipes only.
    """

    name: ClassVar[str] = "bilo"

    w_rgrad: float = field(default=0.1, kw_only=True)
    sample_directions: bool = field(default=False, kw_only=True)
    w_pretraining: float = field(default=1.0, kw_only=True)
    w_keep: float = field(default=0.0, kw_only=True)
    upper_rate: float | None = field(default=None, kw_only=True)
    upper_every: int | None = field(default=None, kw_only=True)
    damping: float = field(default=1e-5, kw_only=True)
    w_reg: float | Literal["auto"] = field(default=0.0, kw_only=True)
    start_grid: int = field(default=0, kw_only=True)
    referee: Referee | None = field(default=None, kw_only=True, repr=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        automatic = self.w_reg == "auto"
        if isinstance(self.w_reg, str) and not automatic:
            raise ValueError(f"w_reg: {self.w_reg!r} is neither a number nor 'auto'")
        if automatic and not isinstance(self._recipe.lower, LastLayer):
            raise RecipeError("w_reg 'auto' needs recipe 'varpro'")
        numbers = ("w_rgrad", "w_pretraining", "w_keep", "upper_rate", "damping", "start_grid")
        self._require_weights(*(() if automatic else ("w_reg",)), *numbers)
        self._require_counts("upper_every", least=1)

    def fit(self, problem: Problem, data: Objective, session: Session) -> Solution:
        """Infer the unknowns of a problem; recipe `lm` needs a `SeparableObjective`."""
        if isinstance(self._recipe.lower, LastLayer):
            by = fit_weakly if states_weak_form(problem) else fit_in_directions
            return by(self, problem, data, session)
        if problem.of_the_solution:
            raise RecipeError("a function of the solution needs recipe 'varpro'")
        if self.start_grid:
            return multi_start(replace(self, start_grid=0), problem, data, session, self.start_grid)
        network = operator_network(problem, self.architecture, session)
        run = Run.of(network, problem.start_params(session.seed), data, session)
        predict = tangent_model(network, data)
        if self.first_order is None:
            lower, upper = self._in_turn(run, data, predict)
        else:
            lower, upper = self._at_once(run, data, predict, session.seed)
        rows = 1 + len(problem.unknowns) if self.w_rgrad else 1
        count = self.budget.count(enough(network, rows))

        def draw() -> Points:
            return problem.collocation(count, run.generator).to(network.like)

        levels = Levels(draw, lower, upper)
        if self._judges_pretraining and "equation" not in problem.untested:
            levels = replace(levels, pretrained=solving_at_first(run, session.seed))
        status = train(run, levels, self.budget, session, fingerprint(self, problem, data, session))
        stationary = finish(run) if self.first_order is None else run.rested()
        u, J = predict(run)
        return assess(FinishedRun(self, run, status, u, J, stationary), data, session)

    @property
    def takes_weak_form(self) -> bool:
        """Recipe `varpro` does."""
        return isinstance(self._recipe.lower, LastLayer)

    @property
    def _weight(self) -> float:
        """The regulariser's weight where it is a number."""
        assert self.w_reg != "auto"
        return float(self.w_reg)

    def _in_turn(self, run: Run, data: Objective, predict: Predict) -> tuple[Lower, Upper]:
        """The lower level as least squares, and a step of the unknowns when it has settled."""
        network, problem = run.operator, run.network.problem

        def build(points: Points, params: Tensor, pretraining: bool) -> list[Equation]:
            equations = operator_equations(network, points, params, self.w_rgrad)
            if pretraining:
                equations += start_equation(network, points, params, self.w_pretraining)
            return equations

        run.lower = Solving()
        whole = HELD if self.w_reg else 1.0
        level = UpperLevel(data, self._weight, self.damping, self.upper_rate or whole)
        if problem.functions:
            run.upper = Following()
            return solving(build), following(level, predict)
        run.upper = Alternating()
        return solving(build), alternating(level, predict)

    def _at_once(
        self, run: Run, data: Objective, predict: Predict, seed: int
    ) -> tuple[Lower, Upper]:
        """Both levels by gradients: a small step of the unknowns after each of the weights."""
        problem, descent = run.network.problem, self.first_order
        assert descent is not None
        run.optimisers["lower"] = descent.over(run.network.parameters())
        rate = self.upper_rate or self._recipe.upper_rate
        if self._recipe.adam or _too_large(problem, data):
            run.optimisers["upper"] = adam_of([run.params, run.nuisance], rate)
        referee = self.referee
        if referee is None and problem.keep_best_by_reference and problem.has_reference:
            referee = _numerical(problem, data, self._weight)
        run.upper = Judged()
        level = UpperLevel(data, self._weight, self.damping, self.upper_rate or PART)
        hold, every = self._recipe.hold, self.upper_every or data.every

        def upper(run: Run, progress: float) -> Record:
            if progress >= 1.0 - hold:
                return _settle(run)
            if run.step % every:
                return {}
            progress /= 1.0 - hold
            if "upper" in run.optimisers:
                _slow_down(run.optimisers["upper"], rate * descent.schedule(progress))
            record = upper_step(run, level, *predict(run), progress)
            late = progress > REFEREE_FROM
            if referee is not None and late and (run.step // every) % REFEREE_EVERY == 0:
                _judge(run, referee)
            return record

        return descending(descent, self.budget.total, self._loss(run.operator, seed)), upper

    @property
    def _judges_pretraining(self) -> bool:
        """Not in recipe `paper`, which stays as it was published."""
        long = self.budget.pretrain_steps >= LEAST_JUDGED
        return self.first_order is not None and not self._recipe.adam and long

    def _loss(
        self, network: OperatorNetwork, seed: int
    ) -> Callable[[Run, Points, bool], tuple[Tensor, Record]]:
        """The lower level as one scalar."""
        start = network.problem.start_params(seed).to(network.like)

        def loss(run: Run, points: Points, pretraining: bool) -> tuple[Tensor, Record]:
            params = run.params.to(network.like)
            if self.sample_directions:
                local = sampled_operator_loss(network, points, params, self.w_rgrad, run.generator)
            else:
                local = operator_loss(network, points, params, self.w_rgrad)
            record = {"residual": local.residual, "residual_gradient": local.gradient}
            if local.conditions:
                record["conditions"] = local.conditions
            u, weight = local.value, self.w_pretraining
            if not pretraining:
                weight = self.w_keep
                u = represented(network, points, start).value if weight else u
            return with_pretraining_misfit(
                network.problem, weight, points, local.surrogate, u, record
            )

        return loss


@dataclass(frozen=True)
class Judged(LevelState):
    """The best unknowns that a referee saw, and whether the fit went back to them."""

    best: float = float("inf")
    params: Tensor | None = None
    nuisance: Tensor | None = None
    settled: bool = False


def _too_large(problem: Problem, data: Objective) -> bool:
    """Whether a function's Gauss-Newton step would cost more than it saves."""
    return bool(problem.functions) and len(data.points) > MAX_ROWS


def _slow_down(upper: Optimizer, rate: float) -> None:
    """Both levels descend at rates of one schedule."""
    for group in upper.param_groups:
        group["lr"] = rate


def _numerical(problem: Problem, data: Objective, w_reg: float) -> Referee:
    """The upper objective of the numerical solution, L_dat + prior + w_reg R."""

    def referee(params: Tensor, nuisance: Tensor) -> float:
        u = solution_at_data(problem, problem.from_params(params), data)
        assert u is not None
        value = float(data.value(u, nuisance) + data.prior(params))
        return value + (w_reg * float(regularisation(problem, params)) if w_reg else 0.0)

    return referee


def _judge(run: Run, referee: Referee) -> None:
    """Remember the best unknowns that the referee saw."""
    state: Judged = remembered(run.upper, Judged)
    found = referee(run.params, run.nuisance)
    if found < state.best:
        run.upper = Judged(found, run.params.clone(), run.nuisance.clone())


def _settle(run: Run) -> Record:
    """Go back to the best unknowns, once."""
    state: Judged = remembered(run.upper, Judged)
    if state.params is not None and state.nuisance is not None and not state.settled:
        run.params.copy_(state.params)
        run.nuisance.copy_(state.nuisance)
        run.upper = replace(state, settled=True)
    return run.network.problem.numbers(run.params)
