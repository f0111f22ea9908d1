"""Poisson with an unknown diffusivity (paper, section 4.3)."""

import math

from bilo.inverse import Box, Ensemble, Function, Observation, Problem, shapes, slope
from bilo.solvers import poisson


class Poisson(Problem):
    """-(D u')' = pi^2 sin(pi x) on (0, 1), u = 0 and D = 1 at both ends."""

    box = Box(x=(0, 1))
    unknowns = (
        Function(
            "D", ("x",), shapes.pinned_at_ends(1.0), start=shapes.everywhere(1.0),
            truths=(shapes.tent(1.5, ends=1.0),), regulariser=slope(101),
            sampled=Ensemble(1.0, 0.05, ends=(1.0, 1.0), lengths=(0.1, 0.2, 0.3, 0.4), floor=0.1),
        ),
    )  # fmt: skip
    observation = Observation(x=51)
    nodes = 101
    placement = "latin"
    solver = poisson.Solution

    def transform(self, N, at):
        """u = N x (1 - x)."""
        return N * at.vanishing("x")

    def residual(self, u, at):
        """r = D' u' + D u'' + pi^2 sin(pi x)."""
        D = at["D"]
        f = at.cached("f", lambda at: ((at["x"] * math.pi).sin() * math.pi**2).d("1"))
        return D.d("x") * u.d("x") + D.d("1") * u.d("x", "x") + f

    def solve(self, theta):
        """Finite elements on 1,000 cells."""
        return self.solver(shapes.nodal_values(theta["D"], 1001))

    def discretise(self, x):
        """D at 201 nodes, D = 1 at the ends, D >= 0.01: finite elements on the same cells."""
        return poisson.discretised(x)
