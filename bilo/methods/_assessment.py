"""Self-assessment of a fit (method, section 7): how far may its numbers be trusted."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from bilo.classical.search import classical, optima
from bilo.inverse.objective import Objective, Pointwise
from bilo.inverse.problem import Problem
from bilo.inverse.regulariser import regularisation
from bilo.lower.losses import residual_loss
from bilo.training.loop import Run, peak_memory_mb
from bilo.training.settings import Settings
from bilo.training.solution import Solution, evaluate

HELD_OUT_POINTS = 2048
ON_BOUND = 1e-3
MAX_CORRECTION = 0.02
MAX_CORRECTION_SD = 0.2
"""Largest correction that still counts as converged: relative, and in local standard deviations."""
SMALL = 0.02
"""Part of the admissible range that an unknown close to zero counts as large."""


def assess(
    method: str,
    problem: Problem,
    data: Objective,
    settings: Settings,
    run: Run,
    status: str,
    u: Tensor,
    J: Tensor | None,
    *,
    stationary: bool,
) -> Solution:
    """Make the `Solution` of a training run.

    With e the difference of the represented field from the numerical solution at the inferred
    unknowns, at the data: the error of the unknowns is at most about |e| / sigma_min(J). The
    `correction` is what a search with the numerical solution, started at the answer, still moves.

    Parameters
    ----------
    u : Tensor (N,)
        The represented field at the data, float64.
    J : Tensor (m, N) or None
        Its derivative by the unknowns, where the network is an operator.
    stationary : bool
        Whether the unknowns had come to rest.
    """
    scalars_only = not problem.fields
    codes = run.codes.detach().double().cpu()
    auxiliary = run.auxiliary.detach().double().cpu()
    theta = problem.decode(codes)
    numbers: dict[str, Any] = {"held_out_residual": _held_out(problem, settings, run)}
    error_at_data, unsolvable = None, []
    try:
        reference = problem.reference(theta)
    except ValueError as error:
        reference, unsolvable = None, [f"no numerical solution at the inferred unknowns: {error}"]
    if reference is not None:
        everywhere = problem.collocation(None, torch.Generator())
        exact = reference(everywhere).double()
        found = evaluate(run.network, everywhere, codes).double()
        numbers["u_rel_l2_vs_numerical"] = float((found - exact).norm() / exact.norm())
        error_at_data = u - reference(data.points).double()
    if settings.w_reg:
        numbers["regulariser"] = float(regularisation(problem, codes))
    if J is not None and scalars_only:
        sigma = torch.linalg.svdvals(J)
        numbers["singular_values"] = sigma.tolist()
        sd = data.local_sd(u, J, auxiliary)
        if sd is not None:
            numbers["local_sd"] = {
                k.name: s * k.slope(theta[k.name])
                for k, s in zip(problem.scalars, sd.tolist(), strict=True)
            }
        if error_at_data is not None and sigma[-1] > 0:
            numbers["estimated_error"] = float(error_at_data.norm() / sigma[-1])
    if reference is not None and scalars_only and isinstance(data, Pointwise):
        numbers |= _correction(problem, data, codes)
    warnings = unsolvable + _warnings(problem, codes, numbers, settings, stationary)
    if run.recoveries:
        warnings.append(f"training recovered {run.recoveries} times from a non-finite loss")
    verdict = status if status != "finished" else "not converged" if warnings else "converged"
    return Solution(
        method=method,
        unknowns=theta,
        codes=codes,
        auxiliary=auxiliary,
        network=run.network,
        data_loss=(data.value(u, auxiliary) + data.prior(codes.double().cpu())).item(),
        converged=verdict == "converged",
        status=verdict,
        warnings=tuple(warnings),
        assessment=numbers,
        history=run.history,
        steps=run.step,
        seconds=run.seconds,
        seconds_per_step=run.seconds / max(run.step, 1),
        peak_memory_mb=peak_memory_mb(settings.torch_device()),
        device=str(settings.torch_device()),
        threads=settings.threads,
    )


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


def _held_out(problem: Problem, settings: Settings, run: Run) -> float:
    """Root mean square residual at points that training never saw."""
    generator = torch.Generator().manual_seed(settings.seed + 1_000_003)
    points = problem.collocation(HELD_OUT_POINTS, generator).to(run.network.like)
    with torch.no_grad():
        residual, _ = residual_loss(run.network, points, run.codes.detach().to(run.network.like))
    return residual.item() ** 0.5


def _warnings(
    problem: Problem, codes: Tensor, numbers: dict[str, Any], settings: Settings, stationary: bool
) -> list[str]:
    found = []
    error = numbers.get("u_rel_l2_vs_numerical")
    if error is not None and not error <= settings.tolerance:
        found.append(
            f"network and numerical solution differ by {error:.2g} (limit {settings.tolerance:g})"
        )
    if numbers.get("excess_correction", 0.0) > 1.0:
        steps = ", ".join(f"{c:.2g}" for c in numbers["correction"])
        found.append(f"the numerical solution is not at its optimum: it would move by {steps}")
    if not stationary and "correction" not in numbers:
        found.append("the unknowns were still moving when the budget ended")
    return found + on_bounds(problem, codes)


def on_bounds(problem: Problem, codes: Tensor) -> list[str]:
    """A warning for every unknown on a bound; optimiser coordinates (size,)."""
    found = []
    for k, part in zip(problem.unknowns, problem.split(codes), strict=True):
        low, high = k.code_bounds()
        if (torch.minimum(part - low, high - part) < ON_BOUND * (high - low)).any():
            found.append(f"{k.name} sits on a bound")
    return found
