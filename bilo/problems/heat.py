"""Heat equation with an unknown initial condition (paper, section 4.4)."""

import math

import numpy as np

from bilo.inverse import shapes
from bilo.inverse.box import Box
from bilo.inverse.function import Function
from bilo.inverse.observation import Observation
from bilo.inverse.problem import Problem
from bilo.inverse.regulariser import slope
from bilo.solvers import heat
from bilo.taylor.streams import d

CELLS = 1000
"""Of the reference solution's initial condition."""
ROUNDING = 1e-9
"""How far from zero its ends may be."""


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
        f = shapes.nodal_values(theta["f"], CELLS + 1)
        if np.abs(f[[0, -1]]).max() > ROUNDING:
            raise ValueError("the initial condition f must be zero at both ends")
        f[[0, -1]] = 0.0
        return lambda t, x: heat.solve(f, t, x)

    def discretise(self, t, x):
        """f >= 0 at 101 nodes, zero at the ends: linear, u = K f."""
        return heat.discretised(t, x)
