"""Self-assessment of a fit (method, section 7): how far may its numbers be trusted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bilo.classical.search import classical, optima
from bilo.inverse.objective import Objective, Pointwise
from bilo.inverse.points import Points
from bilo.inverse.problem import Problem
from bilo.inverse.regulariser import regularisation
from bilo.lower.losses import residual_loss
from bilo.methods._network_method import NetworkMethod
from bilo.training.loop import peak_memory_mb
from bilo.training.session import Session
from bilo.training.solution import Solution, evaluate
from bilo.training.state import Run

HELD_OUT_POINTS = 2048
ON_BOUND = 1e-3
MAX_CORRECTION = 0.02
MAX_CORRECTION_SD = 0.2
"""Largest correction that still counts as converged: relative, and in local standard deviations."""
SMALL = 0.02
"""Part of the admissible range that an unknown close to zero counts as large."""


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
    """

    method: NetworkMethod
    run: Run
    status: str
    u: Tensor
    J: Tensor | None
    stationary: bool

    @property
    def codes(self) -> Tensor:
        """The unknowns (m,) in optimiser coordinates, float64, on the CPU."""
        return self.run.codes.detach().double().cpu()

    @property
    def auxiliary(self) -> Tensor:
        """The objective's own parameters (q,), float64, on the CPU."""
        return self.run.auxiliary.detach().double().cpu()


def assess(finished: FinishedRun, data: Objective, session: Session) -> Solution:
    """Make the `Solution` of a training run.

    With e the difference of the represented field from the numerical solution at the inferred
    unknowns, at the data: the error of the unknowns is at most about |e| / sigma_min(J). The
    `correction` is what a search with the numerical solution, started at the answer, still moves.
    """
    run, u, problem = finished.run, finished.u, finished.run.network.problem
    codes, auxiliary = finished.codes, finished.auxiliary
    regularised = bool(getattr(finished.method, "w_reg", 0.0))
    theta = problem.decode(codes)
    numbers: dict[str, Any] = {"held_out_residual": _held_out(run, session.seed)}
    error_at_data, unsolvable = None, []
    try:
        reference = problem.reference(theta)
    except ValueError as error:
        reference, unsolvable = None, [f"no numerical solution at the inferred unknowns: {error}"]
    if reference is not None:
        numbers["u_rel_l2_vs_numerical"] = _difference(problem, run, codes, reference)
        error_at_data = u - reference(data.points).double()
    if regularised:
        numbers["regulariser"] = float(regularisation(problem, codes))
    if not problem.functions:
        numbers |= _uncertainty(finished, problem, data, error_at_data)
        if reference is not None and isinstance(data, Pointwise):
            numbers |= _correction(problem, data, codes)
    warnings = unsolvable + _warnings(finished, numbers)
    if run.recoveries:
        warnings.append(f"training recovered {run.recoveries} times from a non-finite loss")
    converged = finished.status == "finished" and not warnings
    ended = "not converged" if finished.status == "finished" else finished.status
    return Solution(
        method=finished.method.name,
        unknowns=theta,
        codes=codes,
        auxiliary=auxiliary,
        network=run.network,
        data_loss=(data.value(u, auxiliary) + data.prior(codes)).item(),
        converged=converged,
        status="converged" if converged else ended,
        warnings=tuple(warnings),
        assessment=numbers,
        history=run.history,
        steps=run.step,
        seconds=run.seconds,
        seconds_per_step=run.seconds / max(run.step, 1),
        peak_memory_mb=peak_memory_mb(session.torch_device()),
        device=str(session.torch_device()),
        threads=session.threads,
    )


def _difference(
    problem: Problem, run: Run, codes: Tensor, reference: Callable[[Points], Tensor]
) -> float:
    """Relative L2 difference of network and numerical solution, on the full fixed set of points."""
    everywhere = problem.collocation(None, torch.Generator())
    exact = reference(everywhere).double()
    found = evaluate(run.network, everywhere, codes).double()
    return float((found - exact).norm() / exact.norm())


def _uncertainty(
    finished: FinishedRun, problem: Problem, data: Objective, error_at_data: Tensor | None
) -> dict[str, Any]:
    """What the network's own derivative says of unknown scalars; nothing where it has none."""
    if finished.J is None:
        return {}
    sigma = torch.linalg.svdvals(finished.J)
    numbers: dict[str, Any] = {"singular_values": sigma.tolist()}
    sd = data.local_sd(finished.u, finished.J, finished.auxiliary)
    if sd is not None:
        theta = problem.decode(finished.codes)
        numbers["local_sd"] = {
            k.name: s * k.slope(theta[k.name])
            for k, s in zip(problem.scalars, sd.tolist(), strict=True)
        }
    if error_at_data is not None and sigma[-1] > 0:
        numbers["estimated_error"] = float(error_at_data.norm() / sigma[-1])
    return numbers


def _correction(problem: Problem, data: Pointwise, codes: Tensor) -> dict[str, Any]:
    """How far the classical search, started at the answer, still goes, and whether that is much."""
    theta = np.array(list(problem.decode(codes).values()))
    found = optima(problem, data, [theta])
    moved = problem.encode(problem.named(found.theta)) - codes
    low, high = problem.code_bounds()
    allowed = MAX_CORRECTION * torch.maximum(codes.abs(), SMALL * (high - low))
    u, J = (torch.from_numpy(a) for a in classical(problem, data)(found.theta))
    slopes = [k.slope(v) for k, v in zip(problem.scalars, found.theta.tolist(), strict=True)]
    sd = data.local_sd(u, J.t() * torch.tensor(slopes).unsqueeze(1), data.start)
    if sd is not None:
        allowed = torch.maximum(allowed, MAX_CORRECTION_SD * sd)
    return {
        "correction": (found.theta - theta).tolist(),
        "excess_correction": float((moved.abs() / allowed).max()),
    }


def _held_out(run: Run, seed: int) -> float:
    """Root mean square residual at points that training never saw."""
    generator = torch.Generator().manual_seed(seed + 1_000_003)
    points = run.network.problem.collocation(HELD_OUT_POINTS, generator).to(run.network.like)
    with torch.no_grad():
        residual, _ = residual_loss(run.network, points, run.codes.detach().to(run.network.like))
    return residual.item() ** 0.5


def _warnings(finished: FinishedRun, numbers: dict[str, Any]) -> list[str]:
    found, limit = [], finished.method.tolerance
    if finished.status == "interrupted":
        total = finished.method.budget.total
        found.append(f"training was interrupted at step {finished.run.step} of {total}")
    error = numbers.get("u_rel_l2_vs_numerical")
    if error is not None and not error <= limit:
        found.append(f"network and numerical solution differ by {error:.2g} (limit {limit:g})")
    if numbers.get("excess_correction", 0.0) > 1.0:
        steps = ", ".join(f"{c:.2g}" for c in numbers["correction"])
        found.append(f"the numerical solution is not at its optimum: it would move by {steps}")
    if not finished.stationary and "correction" not in numbers:
        found.append("the unknowns were still moving when the budget ended")
    return found + on_bounds(finished.run.network.problem, finished.codes)


def on_bounds(problem: Problem, codes: Tensor) -> list[str]:
    """A warning for every unknown on a bound; optimiser coordinates (size,)."""
    found = []
    for k, part in zip(problem.unknowns, problem.split(codes), strict=True):
        low, high = k.code_bounds()
        if (torch.minimum(part - low, high - part) < ON_BOUND * (high - low)).any():
            found.append(f"{k.name} sits on a bound")
    return found
