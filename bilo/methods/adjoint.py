"""Adjoint method: discretise, then optimise with the exact gradient of the discrete objective.

    z* = argmin  mean (C u(z) - d)^2 + w_reg R(z),      low <= z <= high

by L-BFGS-B to a small projected gradient. One solution of the equation and one of its adjoint give
the whole gradient. The converged classical answer: what networks are measured against.

References: Vogel 2002, Computational Methods for Inverse Problems, ch. 6; Byrd, Lu, Nocedal and Zhu
1995, SIAM J. Sci. Comput. 16 (L-BFGS-B).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from scipy.optimize import minimize

from bilo.classical.nodal_search import Search
from bilo.inverse.nodal import Nodal
from bilo.inverse.objective import Objective
from bilo.methods._nodal_method import NodalMethod
from bilo.solvers.discretised import Array
from bilo.training.solution import Solution

GRADIENT = 1e-5
"""Converged: the largest entry of the projected gradient, relative to that at the start."""
STEPS = 5000
MEMORY = 30
"""Pairs of L-BFGS: a regulariser's many scales need more than the usual ten."""


@dataclass(frozen=True)
class Adjoint(NodalMethod):
    """L-BFGS-B with the adjoint gradient of the discretised inverse problem."""

    name: ClassVar[str] = "adjoint"

    def _solved(self, nodal: Nodal, data: Objective) -> Solution:
        search = Search(nodal, data, self.w_reg)
        start = search.start

        def scaled(z: Array) -> tuple[float, Array]:
            """In units of the start's gradient: scipy's tolerances know none."""
            J, gradient = nodal.objective(z.reshape(start.shape), self.w_reg)
            return J / search.scale, gradient.ravel() / search.scale

        found = minimize(
            scaled,
            start.ravel(),
            jac=True,
            method="L-BFGS-B",
            bounds=list(zip(nodal.low.ravel(), nodal.high.ravel(), strict=True)),
            callback=lambda intermediate_result: search.note(
                intermediate_result.fun * search.scale
            ),
            options={
                "maxiter": STEPS,
                "maxfun": 2 * STEPS,
                "maxcor": MEMORY,
                "ftol": 0.0,
                "gtol": GRADIENT,
            },
        )
        return search.solution("adjoint", found.x.reshape(start.shape), GRADIENT)
