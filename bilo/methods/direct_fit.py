"""Direct fit: the classical solver and Levenberg-Marquardt, from several starts.

What a practitioner would use for a few scalars, and the reference that every network is compared
with. See `bilo.classical.search`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import torch

from bilo.classical.search import classical, optima
from bilo.classical.starts import starts_of
from bilo.inverse.objective import Objective, Pointwise
from bilo.inverse.problem import Problem
from bilo.methods._assessment import on_bounds
from bilo.training.loop import peak_memory_mb
from bilo.training.session import Session
from bilo.training.solution import Solution


@dataclass(frozen=True)
class DirectFit:
    """Numerical solution and Levenberg-Marquardt, from several starts.

    Attributes
    ----------
    starts : int
        Starts along each unknown, beside the problem's own.
    """

    name: ClassVar[str] = "direct_fit"

    starts: int = 3

    def fit(self, problem: Problem, data: Objective, session: Session | None = None) -> Solution:
        """Infer the unknown scalars of any problem that has a numerical solution.

        The Jacobian is the problem's own where it has one, else by central differences. A session,
        which every method takes, has nothing to say here.

        Raises
        ------
        ValueError
            If the problem has no numerical solution, unknown functions, or an objective that is no
            sum over points.
        """
        problem.require_scalars("a direct fit")
        if not isinstance(data, Pointwise):
            raise ValueError(f"no direct fit for the objective {type(data).__name__}")
        found = optima(problem, data, starts_of(problem, self.starts))
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
            method=self.name,
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
