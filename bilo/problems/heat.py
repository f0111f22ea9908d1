"""Heat equation with an unknown initial condition (paper, section 4.4)."""

import math

from bilo.inverse import Box, Function, Observation, Problem, d, shapes, slope
from bilo.solvers import heat


class Heat(Problem):
    """u_t = 0.01 u_xx on (0, 1) x (0, 1], u = 0 at both ends, u(x, 0) = f(x)."""

    box = Box(t=(0, 1), x=(0, 1))
    unknowns = (
        Function(
            "f", ("x",), shapes.positive_zero_at_ends,
            start=shapes.of(lambda x: (math.pi * x).sin()), truths=(shapes.tent(1.0),),
            regulariser=slope(101),
        ),
    )  # fmt: skip
    observation = Observation(t=1.0, x=51)

    def principal(self, at):
        """M u = u_t - 0.01 u_xx."""
        return d("t") - heat.DIFFUSIVITY * d("x", "x")

    def transform(self, N, at):
        """u = N x (1 - x) t + f."""
        return N * at.vanishing("x", after="t") + at["f"]

    def residual(self, u, at):
        """r = M u."""
        return at.apply(u)

    def solve(self, theta):
        """The sine series of f, linear between 1,001 nodes; exact in time."""
        f = shapes.nodal_values(theta["f"], 1001, vanishing=True)
        return lambda t, x: heat.solve(f, t, x)

    def discretise(self, t, x):
        """f >= 0 at 101 nodes, zero at the ends: linear, u = K f."""
        return heat.discretised(t, x)
