"""Unknown boundary values: the comparison with bi-level physics-informed networks (section 4.7)."""

from typing import Literal

from bilo.inverse import Box, Observation, Problem, Scalar, condition


class BoundaryValues(Problem):
    """y'' = 2 on (0, 1), y(0) = t0, y(1) = t1: y = t0 (1 - x) + t1 x + x^2 - x.

    The objective, int (y - x^2)^2 dx, is least at (0, 1) (Hao et al. 2023). A "hard" boundary is
    imposed by the transform; for a "soft" one losses ask, as in the source.
    """

    box = Box(x=(0, 1))
    unknowns = (
        Scalar("t0", start=1.0, truth=0.0, bounds=(-2.0, 2.0)),
        Scalar("t1", start=1.0, truth=1.0, bounds=(-2.0, 2.0)),
    )
    observation = Observation(midpoints=64)
    nodes = 64
    placement = "midpoints"

    def __init__(self, boundary: Literal["hard", "soft"] = "hard") -> None:
        self.boundary = boundary

    def transform(self, N, at):
        """y = t0 (1 - x) + t1 x + N x (1 - x), or N where the boundary is soft."""
        if self.boundary == "soft":
            return N
        line = at["t0"] * (1 - at["x"]) + at["t1"] * at["x"]
        return line + N * at.vanishing("x")

    def residual(self, y, at):
        """r = y'' - 2."""
        return y.d("x", "x") - 2.0

    def conditions(self):
        """y(0) = t0 and y(1) = t1, where the boundary is soft."""
        ends = (condition.value("t0", x=0.0), condition.value("t1", x=1.0))
        return ends if self.boundary == "soft" else ()

    def solve(self, theta):
        """The exact solution."""
        return lambda x: theta["t0"] * (1 - x) + theta["t1"] * x + x * x - x
