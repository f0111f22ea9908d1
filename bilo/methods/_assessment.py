"""Self-assessment of a fit (method, section 7): how far may its numbers be trusted."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bilo.classical.search import classical
from bilo.inverse.cells import CellFunction
from bilo.inverse.least_squares import LeastSquares
from bilo.inverse.objective import Objective, SeparableObjective
from bilo.inverse.observed import seen_of
from bilo.inverse.points import Points
from bilo.inverse.problem import Problem
from bilo.inverse.regulariser import regularisation
from bilo.methods._equation import equation, residuals
from bilo.methods._network_method import NetworkMethod
from bilo.methods._optimum import Left, correction, elsewhere, left, rest, shown
from bilo.training.checks import CONVERGED, Check, status_of, untested, warnings_of
from bilo.training.data_checks import bounds, noise, seen, structure
from bilo.training.linearised import Linearised
from bilo.training.loop import peak_memory_mb
from bilo.training.session import Session
from bilo.training.solution import Solution, evaluate
from bilo.training.state import Run


@dataclass(frozen=True)
class FinishedRun:
    """A training run at its end, and what its network says of the data.

    Parameters
    ----------
    method : NetworkMethod
    run : Run
    status : str
        Of `train`.
    u : Tensor (N,)
        The represented field at the data, float64.
    J : Tensor (m, N) or None
        Its derivative by the unknowns, where the network is an operator.
    stationary : bool
        Whether the unknowns had come to rest.
    weak_residual : float or None
        What is left of the weak form over its terms, where the equation was solved in that: its
        residual says nothing then.
    left : Left or None
        What a weak form's own derivative leaves to gain, where that can be told.
    """

    method: NetworkMethod
    run: Run
    status: str
    u: Tensor
    J: Tensor | None
    stationary: bool
    weak_residual: float | None = None
    left: Left | None = None

    @property
    def w_reg(self) -> float:
        """Weight of the regulariser, where the method has one."""
        return float(getattr(self.method, "w_reg", 0.0))

    @property
    def params(self) -> Tensor:
        """The unknowns (m,) in optimiser coordinates, float64, on the CPU."""
        return self.run.params.detach().double().cpu()

    @property
    def nuisance(self) -> Tensor:
        """The objective's own parameters (q,), float64, on the CPU."""
        return self.run.nuisance.detach().double().cpu()


def assess(finished: FinishedRun, data: Objective, session: Session) -> Solution:
    """Make the `Solution` of a training run.

    With e the difference of the represented field from the numerical solution at the inferred
    unknowns, at the data: the error of the unknowns is at most about |e| / sigma_min(J). The
    `correction` is what a search with the numerical solution, started at the answer, still moves.
    """
    run, u, problem = finished.run, finished.u, finished.run.network.problem
    params, nuisance = finished.params, finished.nuisance
    numbers: dict[str, Any] = (
        dict(residuals(run, session.seed))
        if finished.weak_residual is None
        else {"weak_residual": finished.weak_residual}
    )
    if finished.w_reg:
        numbers["regulariser"] = float(regularisation(problem, params))
    verified = _verified(finished, data, numbers)
    if not problem.functions:
        numbers |= _uncertainty(finished, problem, data, verified.error_at_data)
    value = (data.value(u, nuisance) + data.prior(params)).item()
    checks = [
        _trained(finished),
        _finite(finished, value, numbers),
        equation(finished.method, numbers, verified.check.passed),
        verified.check,
        _optimum(finished, data, verified, numbers),
        *_at_the_data(finished, data),
        bounds(problem, params),
    ]
    checks = [untested(c) if c.name in problem.untested else c for c in checks]
    status = status_of(checks, confirmed=_confirmed(finished, checks))
    return Solution(
        method=finished.method.name,
        unknowns=problem.from_params(params),
        params=params,
        nuisance=nuisance,
        network=run.network,
        data_loss=value,
        converged=status == CONVERGED,
        status=status,
        checks=tuple(checks),
        interrupted=finished.status == "interrupted",
        warnings=warnings_of(checks),
        assessment=numbers,
        history=run.history,
        steps=run.step,
        seconds=run.seconds,
        seconds_per_step=run.seconds / max(run.step, 1),
        peak_memory_mb=peak_memory_mb(session.torch_device()),
        device=str(session.torch_device()),
        threads=session.threads,
        problem=problem,
        linearised=Linearised.of(data, u, _jacobian(finished, data), finished.w_reg),
    )


def _jacobian(finished: FinishedRun, data: Objective) -> Tensor | None:
    """Of the network, or of the numerical solution where the network does not take the unknowns."""
    problem = finished.run.network.problem
    if finished.J is not None or not isinstance(data, SeparableObjective):
        return finished.J
    if problem.functions or not problem.has_reference:
        return None
    theta = problem.numbers(finished.params)
    slopes = [k.slope(theta[k.name]) for k in problem.scalars]
    try:
        _, J = classical(problem, data)(np.array(list(theta.values())))
    except ValueError:
        return None
    return torch.from_numpy(J * np.array(slopes)).t()


@dataclass(frozen=True)
class _Verified:
    """The numerical solution at the inferred unknowns beside the network."""

    check: Check
    at_data: Tensor | None = None
    error_at_data: Tensor | None = None


def _verified(finished: FinishedRun, data: Objective, numbers: dict[str, Any]) -> _Verified:
    problem, params, name = finished.run.network.problem, finished.params, "numerical solution"
    theta = problem.from_params(params)
    try:
        reference = problem.numerical(theta)
        at_data = None if reference is None else seen_of(reference, problem, theta, data)
    except ValueError as error:
        words = f"no numerical solution at the inferred unknowns: {error}"
        return _Verified(Check(name, False, words))
    if reference is None:
        return _Verified(Check(name, None, f"{problem.name} has no numerical solution"))
    differ = _difference(problem, finished.run, params, reference)
    numbers["u_rel_l2_vs_numerical"] = differ
    limit = finished.method.tolerance
    words = f"network and numerical solution differ by {differ:.2g} (limit {limit:g})"
    apart = None if at_data is None else finished.u - at_data
    return _Verified(Check(name, differ <= limit, words), at_data, apart)


def _difference(
    problem: Problem, run: Run, params: Tensor, reference: Callable[[Points], Tensor]
) -> float:
    """Relative L2 difference of network and numerical solution, on the full fixed set of points."""
    everywhere = problem.collocation(None, torch.Generator())
    exact = reference(everywhere)
    found = evaluate(run.network, everywhere, params).double()
    return float((found - exact).norm() / exact.norm())


def _uncertainty(
    finished: FinishedRun, problem: Problem, data: Objective, error_at_data: Tensor | None
) -> dict[str, Any]:
    """What the network's own derivative says of unknown scalars; nothing where it has none."""
    if finished.J is None:
        return {}
    sigma = torch.linalg.svdvals(finished.J)
    numbers: dict[str, Any] = {"singular_values": sigma.tolist()}
    sd = data.local_sd(finished.u, finished.J, finished.nuisance)
    if sd is not None:
        theta = problem.from_params(finished.params)
        numbers["local_sd"] = {
            k.name: s * k.slope(theta[k.name])
            for k, s in zip(problem.scalars, sd.tolist(), strict=True)
        }
    if error_at_data is not None and sigma[-1] > 0:
        numbers["estimated_error"] = float(error_at_data.norm() / sigma[-1])
    return numbers


def _trained(finished: FinishedRun) -> Check:
    recoveries = finished.run.recoveries
    if finished.status == "interrupted":
        words = f"training was stopped by hand at step {finished.run.step}"
        return Check("training", False, words)
    if recoveries:
        words = f"training recovered {recoveries} times from a non-finite loss"
        return Check("training", False, words)
    return Check("training", True, "training ran to its end")


def _finite(finished: FinishedRun, value: float, numbers: dict[str, Any]) -> Check:
    if finished.status == "diverged":  # the run is back at its last good state
        return Check("numbers", False, "the loss stayed non-finite: training was given up")
    spreads, plain = numbers.get("local_sd", {}).values(), [value, *finished.params.tolist()]
    sound = all(map(math.isfinite, plain)) and not any(map(math.isnan, spreads))
    return Check("numbers", sound, "all numbers are finite" if sound else "not all are numbers")


def _optimum(
    finished: FinishedRun, data: Objective, verified: _Verified, numbers: dict[str, Any]
) -> Check:
    """Whether the objective has anything left to gain."""
    problem, params, name = finished.run.network.problem, finished.params, "optimum"
    judged = verified.at_data is not None and isinstance(data, SeparableObjective)
    if judged and isinstance(data, SeparableObjective) and not problem.functions:
        numbers |= correction(problem, data, params)
        steps = ", ".join(f"{c:.2g}" for c in numbers["correction"])
        words = f"a search with the numerical solution would move the unknowns by {steps}"
        if numbers["excess_correction"] > 1.0 or data.chi_squared(finished.u) is not None:
            return Check(name, numbers["excess_correction"] <= 1.0, words)
        # the known noise would tell a wrong minimum; without it other starts have to
        other = elsewhere(problem, data, params)
        if other is not None:
            numbers["other_minimum"] = problem.named(other.theta)
            there = ", ".join(f"{v:.3g}" for v in other.theta)
            words = f"the numerical solution has a better minimum, at {there}"
        return Check(name, other is None, words)
    # where bounds hold values a gradient is left at the minimum, too
    held = any(isinstance(k, CellFunction) for k in problem.functions)
    if judged and isinstance(data, LeastSquares) and not held:
        found = left(problem, data, params, finished.w_reg)
        if found is None:
            return Check(name, None, "neighbouring functions have no numerical solution")
        numbers |= found.numbers
        return found.check(name, "the objective of the numerical solution")
    if finished.J is not None and isinstance(data, SeparableObjective) and not problem.functions:
        return rest(problem, data, finished.u, finished.J, params)
    if finished.stationary and finished.left is not None:
        numbers |= finished.left.numbers
        return finished.left.check("rest", "the objective by the weak form")
    if finished.stationary:  # they may rest anywhere
        return Check("rest", None, "the unknowns came to rest; no step that is left was tested")
    return Check("rest", False, "the unknowns were still moving when finetune_steps ended")


def _at_the_data(finished: FinishedRun, data: Objective) -> list[Check]:
    problem = finished.run.network.problem
    parameters = None if problem.functions else len(problem.scalars)
    found = [noise(data, finished.u, parameters), structure(data, finished.u)]
    if finished.J is not None and not problem.functions:
        sd = data.local_sd(finished.u, finished.J, finished.nuisance)
        if sd is not None:
            plain = shown(problem, finished.u, finished.J, finished.params)
            sd = torch.where(plain, sd, torch.inf)
        found.append(seen([k.name for k in problem.scalars], sd))
    return found


def _confirmed(finished: FinishedRun, checks: list[Check]) -> bool:
    """By the numerical solution and its optimum; or by the noise, the equation and rest.

    A weak form's derivative is exact: where the field is that of the numerical solution, so is the
    optimum.
    """
    passed = {c.name for c in checks if c.passed}
    optimum = "optimum" if finished.weak_residual is None else "rest"
    if {"numerical solution", optimum} <= passed:
        return True
    return finished.J is not None and {"noise", "equation", "rest"} <= passed
