"""Direct fit: the classical solver and Levenberg-Marquardt, from several starts.

What a practitioner would use for a few scalars, and the reference that every network is compared
with. See `bilo.classical.search`.
"""

from __future__ import annotations

from typing import Any

import torch

from bilo.classical.search import classical, optima
from bilo.classical.starts import starts_of
from bilo.inverse.objective import Pointwise
from bilo.inverse.problem import Problem
from bilo.methods._assessment import on_bounds
from bilo.training.loop import peak_memory_mb
from bilo.training.settings import Settings
from bilo.training.solution import Solution

GRID = 3
"""Starts along each unknown, beside the problem's own."""


def fit(problem: Problem, data: Pointwise, settings: Settings | None = None) -> Solution:
    """Infer the unknowns of any problem that has a numerical solution.

    The Jacobian is the problem's own where it has one, else by central differences. `settings`,
    which every method takes, has nothing to say here.

    Raises
    ------
    ValueError
        If the problem has no numerical solution.
    """
    found = optima(problem, data, starts_of(problem, GRID))
    u, J = (torch.from_numpy(a) for a in classical(problem, data)(found.theta))
    sd = data.local_sd(u, J.t(), data.start)
    theta = problem.named(found.theta)
    assessment: dict[str, Any] = {
        "singular_values": torch.linalg.svdvals(J).tolist(),
        "minima": [m.to_json() for m in found.minima],
    }
    if sd is not None:
        assessment["local_sd"] = problem.named(sd)
    warnings = on_bounds(problem, problem.encode(theta))
    return Solution(
        method="direct_fit",
        unknowns=theta,
        codes=problem.encode(theta),
        data_loss=found.data_loss,
        converged=not warnings,
        status="not converged" if warnings else "converged",
        warnings=tuple(warnings),
        assessment=assessment,
        steps=found.evaluations,
        seconds=found.seconds,
        seconds_per_step=found.seconds / found.evaluations,
        peak_memory_mb=peak_memory_mb(torch.device("cpu")),
    )
