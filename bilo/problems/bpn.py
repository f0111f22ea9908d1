"""Unknown boundary values: the comparison with bi-level physics-informed networks (section 4.7)."""

import functools
from typing import Literal

import torch

from bilo.inverse.box import Box
from bilo.inverse.condition import Condition
from bilo.inverse.least_squares import LeastSquares
from bilo.inverse.points import Points
from bilo.inverse.problem import Problem
from bilo.inverse.unknown import Scalar
from bilo.taylor.streams import d

CELLS = 64


class BoundaryValues(Problem):
    """y'' = 2 on (0, 1), y(0) = t0, y(1) = t1: y = t0 (1 - x) + t1 x + x^2 - x.

    The objective, int (y - x^2)^2 dx, is least at (0, 1) (Hao et al. 2023).

    Parameters
    ----------
    boundary : {"hard", "soft"}
        Whether the transform imposes the boundary values, or losses ask for them, as in the source.
    """

    box = Box(x=(0, 1))
    unknowns = (
        Scalar("t0", start=1.0, truth=0.0, bounds=(-2.0, 2.0)),
        Scalar("t1", start=1.0, truth=1.0, bounds=(-2.0, 2.0)),
    )
    nodes = CELLS

    def __init__(self, boundary: Literal["hard", "soft"] = "hard") -> None:
        self.boundary = boundary

    def principal(self, at):
        """M y = y''."""
        return d("x", "x")

    def transform(self, N, at):
        """y = t0 (1 - x) + t1 x + N x (1 - x), or N where the boundary is soft."""
        if self.boundary == "soft":
            return N
        x = at["x"]
        line = at.cached("line", lambda at: at["t0"] * (1 - x) + at["t1"] * x)
        return line + N * at.vanishing("x")

    def residual(self, u, at):
        """r = y'' - 2."""
        return at.apply(u) - 2.0

    def conditions(self):
        """y(0) = t0 and y(1) = t1, where the boundary is soft."""
        if self.boundary == "hard":
            return ()
        ends = (("t0", 0.0), ("t1", 1.0))
        return tuple(
            Condition(Points({"x": torch.tensor([x])}), functools.partial(_end, t)) for t, x in ends
        )

    def collocation(self, n, generator):
        """64 equidistant points, or n midpoints."""
        return self.domain.midpoints(n) if n else super().collocation(None, generator)

    def solve(self, theta):
        """The exact solution."""
        return lambda x: theta["t0"] * (1 - x) + theta["t1"] * x + x * x - x

    def observe(self, theta, noise, seed):
        """y at the midpoints of 64 cells: their mean square is the integral."""
        points = Points({"x": (torch.arange(CELLS, dtype=torch.float64) + 0.5) / CELLS})
        generator = torch.Generator().manual_seed(seed)
        values = torch.from_numpy(self.solve(theta)(points.coordinates["x"].numpy()))
        values += noise * torch.randn(CELLS, generator=generator, dtype=torch.float64)
        return LeastSquares(points, values)


def _end(name, u, at):
    """y - t at an end."""
    return u.d("1") - at[name].d("1")
