"""Direct fit: the classical solver and Levenberg-Marquardt, from several starts.

What a practitioner would use for a few scalars, and the reference that every network is compared
with. See `bilo.classical.search`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import torch

from bilo.classical.search import classical, optima
from bilo.classical.starts import STARTS, STARTS_OF_ONE, starts_of
from bilo.inverse.objective import Objective, SeparableObjective
from bilo.inverse.problem import Problem
from bilo.training.checks import CONVERGED, Check, status_of, warnings_of
from bilo.training.data_checks import bounds, noise, seen, structure
from bilo.training.linearised import Linearised
from bilo.training.loop import peak_memory_mb
from bilo.training.session import Session
from bilo.training.solution import Solution


@dataclass(frozen=True)
class DirectFit:
    """Numerical solution and Levenberg-Marquardt, from several starts.

    Attributes
    ----------
    starts : int
        Starts along each unknown, beside the problem's own; None: 12 where there is one unknown,
        else 3.
    """

    name: ClassVar[str] = "direct_fit"

    starts: int | None = None

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
        if not isinstance(data, SeparableObjective):
            raise ValueError(f"no direct fit for the objective {type(data).__name__}")
        alone = len(problem.scalars) == 1
        starts = starts_of(problem, self.starts or (STARTS_OF_ONE if alone else STARTS))
        found = optima(problem, data, starts)
        u, J = (torch.from_numpy(a) for a in classical(problem, data)(found.theta))
        sd = data.local_sd(u, J.t(), data.start)
        theta = problem.named(found.theta)
        assessment: dict[str, Any] = {
            "singular_values": torch.linalg.svdvals(J).tolist(),
            "minima": [m.to_json() for m in found.minima],
        }
        if sd is not None:
            assessment["local_sd"] = problem.named(sd)
        params = problem.to_params(theta)
        slopes = J.new_tensor([k.slope(theta[k.name]) for k in problem.scalars])
        checks = [
            Check("optimum", True, f"{len(found.minima)} minima from {len(starts)} starts"),
            noise(data, u, len(found.theta)),
            structure(data, u),
            seen([k.name for k in problem.scalars], sd),
            bounds(problem, params),
        ]
        status = status_of(checks, confirmed=True)
        return Solution(
            method=self.name,
            unknowns=theta,
            params=params,
            data_loss=found.data_loss,
            converged=status == CONVERGED,
            status=status,
            checks=tuple(checks),
            warnings=warnings_of(checks),
            assessment=assessment,
            steps=found.evaluations,
            seconds=found.seconds,
            seconds_per_step=found.seconds / found.evaluations,
            peak_memory_mb=peak_memory_mb(torch.device("cpu")),
            problem=problem,
            linearised=Linearised.of(data, u, (J * slopes).t()),
        )
