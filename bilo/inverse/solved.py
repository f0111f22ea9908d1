"""The numerical solution of a problem, as it is declared and as everybody calls it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from bilo.inverse.parametrisation import Values
from bilo.inverse.points import EXACT, Points
from bilo.solvers.solution import NumericalSolution


class Solved:
    """What has a numerical solution: `solve`, or a `solver` of scalars, in plain numpy."""

    name: str
    coordinates: tuple[str, ...]
    solver: type[NumericalSolution] | None = None
    """The class of what `solve` returns, where that knows more than values: many solutions at once,
    derivatives by the scalars."""

    def solve(self, theta: Values) -> Callable[..., Any] | None:
        """The numerical solution at `theta` in plain numpy; None: the problem has none.

        A function of the coordinates by name, (N,) arrays each, to u (N,); (N, fields) for a
        system. By default that of `solver`, from the scalars by name.
        """
        return None if self.solver is None else self.solver(**theta)

    def reference(self, theta: Values) -> Callable[[Points], Any] | None:
        """The numerical solution at `theta`, a function of points; by default that of `solve`."""
        solution = self.solve(theta)
        if solution is None:
            return None
        return lambda points: solution(**self._rows(points))

    def numerical(self, theta: Values) -> Callable[[Points], Tensor] | None:
        """`reference` as everybody calls it: points of any device and type to float64 on the CPU.

        (N,), or (N, fields) for a system.
        """
        solution = self.reference(theta)
        if solution is None:
            return None
        return lambda points: torch.as_tensor(solution(points.to(EXACT))).double().cpu()

    def require_numerical(self, theta: Values, purpose: str) -> Callable[[Points], Tensor]:
        """`numerical`, for what cannot do without: to "observe", to "learn from".

        Raises
        ------
        ValueError
            If the problem has none.
        """
        solution = self.numerical(theta)
        if solution is None:
            raise ValueError(f"{self.name} has no numerical solution to {purpose}")
        return solution

    @property
    def has_reference(self) -> bool:
        """Whether the problem has a numerical solution."""
        own = type(self)
        said = own.reference is not Solved.reference or own.solve is not Solved.solve
        return said or self.solver is not None

    def solutions(self, thetas: Sequence[Values], points: Points) -> Tensor:
        """Numerical solutions (B, N) at B sets of unknowns, float64; the solver's way, if any.

        Raises
        ------
        ValueError
            If the problem has none.
        """
        if self.solver is not None and self._by_solver:
            found = [self.solve(theta) for theta in thetas]
            known = [one for one in found if isinstance(one, self.solver)]
            if len(known) == len(found):
                return torch.from_numpy(self.solver.together(known, **self._rows(points)))
        return torch.stack(
            [self.require_numerical(theta, "learn from")(points) for theta in thetas]
        )

    def sensitivities(self, theta: Values, points: Points) -> tuple[Tensor, Tensor] | None:
        """The numerical solution (N,) at points and its derivative by the unknowns (m, N), float64.

        None: the solver has none; a direct fit then takes differences of `reference`.
        """
        solution = self.solve(theta) if self._by_solver else None
        if not isinstance(solution, NumericalSolution):
            return None
        found = solution.sensitivities(**self._rows(points))
        if found is None:
            return None
        u, J = found
        return torch.from_numpy(u), torch.from_numpy(J)

    @property
    def _by_solver(self) -> bool:
        """Whether `solver` is what everybody calls, and no `reference` of one's own is."""
        return self.solver is not None and type(self).reference is Solved.reference

    def _rows(self, points: Points) -> dict[str, Any]:
        """Coordinates by name, float64 arrays."""
        rows = points.to(EXACT).coordinates
        return {c: rows[c].numpy() for c in self.coordinates}
