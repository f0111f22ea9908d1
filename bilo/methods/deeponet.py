"""DeepONet: learn the solution operator from many numerical solutions, freeze it, invert it.

    offline   W*     = argmin_W  mean_i mean_x (u(x, theta_i; W) - u_num(x; theta_i))^2
    online    theta* = argmin_theta  L_dat(theta, W*)

The theta_i are a grid over the sampled range of scalars, or random functions, which the branch
reads at the points of their sensors. The equation itself is never used: outside of what it was
trained on, and between, the operator knows what it has seen.

Reference: Lu, Jin, Pang, Zhang, Karniadakis 2021, Nature Machine Intelligence 3, 218-229.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import ClassVar

import torch
from torch import Tensor

from bilo.inverse.objective import Objective
from bilo.inverse.points import Points
from bilo.inverse.problem import Problem
from bilo.inverse.unknown import Scalar
from bilo.lower.descent import descending
from bilo.methods._assessment import FinishedRun, assess
from bilo.methods._fingerprint import fingerprint
from bilo.methods._network_method import NetworkMethod
from bilo.networks.branch_trunk import DeepONet as DeepONetNetwork
from bilo.networks.training_set import TrainingSet, training_set
from bilo.training.loop import Levels, Lower, train
from bilo.training.recipes import RecipeError, adam_of
from bilo.training.session import Session
from bilo.training.solution import Solution
from bilo.training.state import Record, Run
from bilo.upper.tangent_model import PART, UpperLevel, upper_step

BATCH = 64
"""Training solutions looked at in a step."""
MARGIN = 1e-3
"""How far a function may leave what was trained on, over its scale, without a warning."""


@dataclass(frozen=True)
class DeepONet(NetworkMethod):
    """A neural operator learned from a problem's numerical solutions, then inverted.

    Pretraining learns the operator with the recipe's lower optimiser, its schedule over these steps
    alone; fine-tuning descends the unknowns alone, from the start, by the recipe's upper level.
    An unknown function is the same network as in BiLO, with the same regulariser.

    Attributes
    ----------
    samples : str
        Where it sees numerical solutions: ``coarse`` or ``dense`` for a grid of scalars; a name of
        `Function.sampled`, such as ``length0.2``, for functions. Their generation counts as time.
    upper_rate : float
        Rate of the unknowns where Adam descends them, or the part that is taken of a function's
        Gauss-Newton step.
    damping : float
        Levenberg's parameter of a function's Gauss-Newton step, relative to the largest eigenvalue.
    w_reg : float
        Weight of the problem's regulariser of an unknown function.
    """

    name: ClassVar[str] = "deeponet"
    solves_the_equation: ClassVar[bool] = False

    samples: str = field(default="coarse", kw_only=True)
    upper_rate: float | None = field(default=None, kw_only=True)
    damping: float = field(default=1e-5, kw_only=True)
    w_reg: float = field(default=0.0, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        self._require_weights("upper_rate", "damping", "w_reg")
        if self.first_order is None:
            raise RecipeError(f"a DeepONet descends: it has no recipe {self.recipe}")
        if self.fourier:
            raise ValueError("fourier: a DeepONet's trunk has no Fourier features")
        if not self.budget.pretrain_steps:
            raise ValueError(
                "a DeepONet learns its operator in the pretraining: it needs some steps"
            )

    def fit(self, problem: Problem, data: Objective, session: Session) -> Solution:
        """Infer the unknowns of a problem that has a numerical solution."""
        if len(problem.fields) > 1 or data.seen is not None:
            raise ValueError("a DeepONet takes one field and data of the field itself")
        began = time.perf_counter()
        everywhere = problem.collocation(None, torch.Generator())
        known = training_set(problem, self.samples, everywhere, session.seed)
        generation_seconds = time.perf_counter() - began
        size = self.architecture
        network = DeepONetNetwork(problem, size.width, size.layers - 1, session.seed)
        network = network.to(session.torch_device(), size.dtype)
        everywhere, known = everywhere.to(network.like), known.to(network.like)
        run = Run.of(network, problem.start_params(session.seed), data, session)
        run.seconds = generation_seconds
        if self._recipe.adam:
            rate = self.upper_rate or self._recipe.upper_rate
            run.optimisers["upper"] = adam_of([run.params, run.nuisance], rate)
        level = UpperLevel(data, self.w_reg, self.damping, self.upper_rate or PART)

        def upper(run: Run, progress: float) -> Record:
            if run.step % data.every:
                return {}
            return upper_step(run, level, *network.linearised(data.points, run.params), progress)

        levels = Levels(lambda: everywhere, self._learning(run, network, known), upper)
        status = train(run, levels, self.budget, session, fingerprint(self, problem, data, session))
        u, X = network.linearised(data.points, run.params)
        found = assess(FinishedRun(self, run, status, u, X, run.rested()), data, session)
        warnings = found.warnings + _extrapolated(network, run.params, known)
        numbers = {"training_solutions": len(known), "generation_seconds": generation_seconds}
        return replace(found, warnings=warnings, assessment={**found.assessment, **numbers})

    def _learning(self, run: Run, network: DeepONetNetwork, known: TrainingSet) -> Lower:
        """Descent of the operator's misfit while pretraining; then it is frozen."""
        budget, descent = self.budget, self.first_order
        assert descent is not None
        run.optimisers["lower"] = descent.over(network.parameters())
        offline, schedule = budget.pretrain_steps / budget.total, descent.schedule

        def loss(run: Run, points: Points, pretraining: bool) -> tuple[Tensor, Record]:
            if not pretraining:
                return network.like.new_zeros(()), {}
            device = network.like.device
            rows = _some(len(known), BATCH, run.generator).to(device)
            columns = _some(len(points), budget.count(0), run.generator).to(device)
            part = known.part(rows, columns)
            u = network.fields(points.part(columns), part.sensor_values, part.inputs)
            misfit = ((u - part.solutions) ** 2).mean()
            return misfit, {"operator": misfit.item()}

        falling = replace(descent, schedule=lambda done: schedule(min(done / offline, 1.0)))
        return descending(falling, budget.total, loss)


def _extrapolated(network: DeepONetNetwork, params: Tensor, known: TrainingSet) -> tuple[str, ...]:
    """A warning for every unknown outside of what the operator was trained on."""
    problem, found = network.problem, []
    seen = (v.double().cpu().split(network.sizes) for v in known.sensor_values.aminmax(dim=0))
    for k, part, least, most in zip(problem.unknowns, problem.split(params), *seen, strict=True):
        if isinstance(k, Scalar):
            low, high = k.sampled or k.bounds
            if not low <= k.from_params(part) <= high:
                found.append(
                    f"{k.name} = {k.from_params(part):.3g} is outside [{low:g}, {high:g}], where "
                    "the operator was trained: it extrapolates"
                )
            continue
        reading = k.sensor_values(part)
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
