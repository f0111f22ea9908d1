"""Plain gradient descent of the discretised inverse problem, as in the literature.

    z <- P(z - s grad J),      J(new) <= J - c |new - z|^2 / s,      P the bounds

The step length s is halved until Armijo's condition holds, and doubled after a step. It shows what
`adjoint` is when nobody waits for it: the same objective, the same exact gradient.

Reference: Bertsekas 1976, IEEE Trans. Automat. Control 21 (Armijo's rule along the projection).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from bilo.classical.nodal_search import Search
from bilo.inverse.nodal import Nodal
from bilo.inverse.objective import Objective
from bilo.methods._nodal_method import NodalMethod
from bilo.training.solution import Solution

GRADIENT = 1e-3
"""Converged: the largest entry of the projected gradient, relative to that at the start."""
STEPS = 2000
ARMIJO = 1e-4
"""c."""
HALVINGS = 60
"""Most of them; then J cannot be decreased in its precision."""


@dataclass(frozen=True)
class Descent(NodalMethod):
    """Plain projected gradient descent of the discretised inverse problem."""

    name: ClassVar[str] = "descent"

    def _solved(self, nodal: Nodal, data: Objective) -> Solution:
        search = Search(nodal, data, self.w_reg)
        z, length = search.start, 1.0 / search.scale
        J, gradient = nodal.objective(z, self.w_reg)
        for _ in range(STEPS):
            if nodal.slope(z, gradient) <= GRADIENT * search.scale:
                break
            for _ in range(HALVINGS):
                there = nodal.admissible(z - length * gradient)
                lower, by_there = nodal.objective(there, self.w_reg)
                if lower <= J - ARMIJO * float(((there - z) ** 2).sum()) / length:
                    break
                length /= 2
            else:
                break
            z, J, gradient, length = there, lower, by_there, 2 * length
            search.note(J)
        return search.solution("descent", z, GRADIENT)
