"""Poisson with an unknown diffusivity (paper, section 4.3)."""

import math

import numpy as np
import torch

from bilo.inverse import shapes
from bilo.inverse.box import Box
from bilo.inverse.ensemble import Ensemble
from bilo.inverse.function import Function
from bilo.inverse.observation import Observation
from bilo.inverse.points import EXACT, Points
from bilo.inverse.problem import Problem
from bilo.inverse.regulariser import slope
from bilo.solvers import poisson
from bilo.solvers.interpolation import interpolate
from bilo.taylor.streams import d

CELLS = 1000
"""Of the reference solution."""
LENGTHS = {f"length{length:g}": length for length in (0.1, 0.2, 0.3, 0.4)}
"""Of the functions D that a neural operator is trained on; their least value is .1 [o]."""


class Poisson(Problem):
    """-(D u')' = pi^2 sin(pi x) on (0, 1), u = 0 and D = 1 at both ends."""

    box = Box(x=(0, 1))
    unknowns = (
        Function(
            "D", ("x",), shapes.pinned_at_ends(1.0), start=shapes.everywhere(1.0),
            truths=(shapes.tent(1.5, ends=1.0),), regulariser=slope(101),
            sampled=Ensemble(1.0, 0.05, ends=(1.0, 1.0), lengths=LENGTHS, floor=0.1),
        ),
    )  # fmt: skip
    observation = Observation(x=51)
    nodes = 101

    def principal(self, at):
        """M u = u''."""
        return d("x", "x")

    def transform(self, N, at):
        """u = N x (1 - x)."""
        return N * at.vanishing("x")

    def residual(self, u, at):
        """r = D' u' + D u'' + pi^2 sin(pi x)."""
        D = at["D"]
        f = at.cached("f", lambda at: ((at["x"] * math.pi).sin() * math.pi**2).d("1"))
        return D.d("x") * u.d("x") + D.d("1") * at.apply(u) + f

    def collocation(self, n, generator):
        """101 equidistant points, or n random ones, one in each of n equal parts."""
        if n is None:
            return super().collocation(None, generator)
        return Points({"x": (torch.arange(n) + torch.rand(n, generator=generator)) / n})

    def solve(self, theta):
        """Finite elements on 1,000 cells."""
        u = poisson.solve(shapes.nodal_values(theta["D"], CELLS + 1))
        return lambda x: interpolate(u, x)

    def solutions(self, thetas, points):
        """Finite elements for all D at once."""
        D = np.stack([shapes.nodal_values(theta["D"], CELLS + 1) for theta in thetas])
        x = points.to(EXACT).coordinates["x"].numpy()
        return torch.from_numpy(interpolate(poisson.solve(D), x))

    def discretise(self, x):
        """D at 201 nodes, D = 1 at the ends, D >= 0.01: finite elements on the same cells."""
        return poisson.discretised(x)
