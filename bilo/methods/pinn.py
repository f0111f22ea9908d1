"""PINN with soft constraints: weights and unknowns descend one loss, L_res + w_data L_dat."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import ClassVar

import torch
from torch import Tensor

from bilo.inverse.least_squares import LeastSquares
from bilo.inverse.objective import Objective
from bilo.inverse.points import Points
from bilo.inverse.problem import Problem
from bilo.inverse.regulariser import regularisation
from bilo.lower.descent import descending, with_pretraining_misfit
from bilo.lower.least_squares import (
    Equation,
    data_equation,
    enough,
    operator_equations,
    start_equation,
)
from bilo.lower.levenberg_marquardt import Solving, solving
from bilo.lower.losses import condition_loss, residual_loss
from bilo.methods._assessment import FinishedRun, assess
from bilo.methods._fingerprint import fingerprint
from bilo.methods._multistart import multi_start
from bilo.methods._network_method import NetworkMethod, operator_network
from bilo.networks.network import seen
from bilo.training.loop import Levels, Lower, train
from bilo.training.recipes import Descent, LastLayer, RecipeError
from bilo.training.session import Session
from bilo.training.solution import Solution
from bilo.training.state import Record, Run

DATA_EVERY = 4
"""Steps between two looks at the data; each counts for as many: the same mean gradient."""
TRACE_EVERY = 10


@dataclass(frozen=True)
class PINN(NetworkMethod):
    """Physics-informed network with the same optimiser, network and budget as BiLO.

    The network is BiLO's without the unknowns as input. Pretraining holds the unknowns at the start
    and uses the numerical solution there in the same way.

    Attributes
    ----------
    w_data : float
        Weight of the data objective in the one loss.
    w_pretraining : float
        Weight, in pretraining, of the numerical solution at the start.
    w_reg : float
        Weight of the problem's regulariser of an unknown function.
    upper_rate : float
        Of the unknowns; first-order recipes only.
    start_grid : int
        Further starts along each unknown, see `multi_start`; 0: only the problem's own.
    """

    name: ClassVar[str] = "pinn"

    w_data: float = field(default=1.0, kw_only=True)
    w_pretraining: float = field(default=1.0, kw_only=True)
    w_reg: float = field(default=0.0, kw_only=True)
    upper_rate: float | None = field(default=None, kw_only=True)
    start_grid: int = field(default=0, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        self._require_weights("w_data", "w_pretraining", "w_reg", "upper_rate", "start_grid")
        if isinstance(self._recipe.lower, LastLayer):
            raise RecipeError(f"a PINN has no recipe {self.recipe!r}: its data reach all weights")
        if self.first_order is None:
            self._refuse("upper_rate")

    def fit(self, problem: Problem, data: Objective, session: Session) -> Solution:
        """Infer the unknowns of a problem; recipe `lm` needs `LeastSquares` and scalars."""
        if self.start_grid:
            return multi_start(replace(self, start_grid=0), problem, data, session, self.start_grid)
        network = operator_network(problem, self.architecture, session, theta=False)
        like = network.like
        run = Run.of(network, problem.start_params(session.seed).to(like), data, session)
        params, nuisance = run.params, run.nuisance
        count = self.budget.count(enough(network, 1))

        def draw() -> Points:
            return problem.collocation(count, run.generator).to(like)

        def upper(run: Run, progress: float) -> Record:
            with torch.no_grad():
                params.copy_(problem.project(params.detach().double().cpu()))
            if run.step % TRACE_EVERY == 0:
                run.mark()
            return {**problem.numbers(params.detach()), **data.describe(nuisance)}

        descent = self.first_order
        if descent is None:
            lower = self._solved(run, data)
        else:
            lower = self._descended(run, descent, data)
        levels = Levels(draw, lower, upper)
        status = train(run, levels, self.budget, session, fingerprint(self, problem, data, session))
        with torch.no_grad():
            u = seen(network, data, params).value.double().cpu()
        return assess(FinishedRun(self, run, status, u, None, run.rested()), data, session)

    def _solved(self, run: Run, data: Objective) -> Lower:
        """The one loss as least squares in the weights and, after pretraining, the unknowns."""
        network = run.operator
        if network.problem.functions:
            raise RecipeError(
                "a PINN with recipe lm takes unknown scalars, no functions: recipe fast"
            )
        if not isinstance(data, LeastSquares):
            raise RecipeError(
                f"a PINN with recipe lm fits least squares, not {type(data).__name__}; "
                "recipe fast takes any objective"
            )

        def build(points: Points, params: Tensor, pretraining: bool) -> list[Equation]:
            equations = operator_equations(network, points, params, 0.0)
            if pretraining:
                return equations + start_equation(network, points, params, self.w_pretraining)
            return [*equations, data_equation(network, data, params, self.w_data)]

        run.lower = Solving()
        return solving(build, joint=True)

    def _descended(self, run: Run, descent: Descent, data: Objective) -> Lower:
        """The one loss as a scalar, descended by the recipe's optimiser."""
        network, problem = run.network, run.network.problem
        params, nuisance = run.params.requires_grad_(), run.nuisance.requires_grad_()
        run.optimisers["lower"] = descent.over(
            network.parameters(), (params, nuisance), self.upper_rate or self._recipe.upper_rate
        )

        def loss(run: Run, points: Points, pretraining: bool) -> tuple[Tensor, Record]:
            theta = params.detach() if pretraining else params
            residual, u = residual_loss(network, points, theta)
            record = {"residual": residual.item()}
            equations = residual + condition_loss(network, theta, 0.0, tangents=False)
            if pretraining:
                return with_pretraining_misfit(
                    problem, self.w_pretraining, points, equations, u, record
                )
            if run.step % DATA_EVERY:
                return equations, record
            u = seen(network, data, params).value.double().cpu()
            progress = self.budget.progress(run.step)
            objective = data.value(u, nuisance, progress) + data.prior(params.double().cpu())
            total = equations + DATA_EVERY * self.w_data * objective.to(residual)
            numbers = {"objective": objective.item()}
            if self.w_reg:
                R = regularisation(problem, params)
                total = total + DATA_EVERY * self.w_reg * R
                numbers["regulariser"] = R.item()
            # steps that do not look at the data report what was seen last
            run.last = {**run.last, **numbers}
            return total, record

        return descending(descent, self.budget.total, loss)
