"""Poisson with one unknown scalar: the problem of the theory check (paper, section 3)."""

import math

import numpy as np

from bilo.inverse import Box, Observation, Problem, Scalar, d


class PoissonScalar(Problem):
    """-D u'' = pi^2 sin(pi x) on (0, 1), u = 0 at both ends: u = sin(pi x) / D.

    Linear and elliptic, with a maximum principle and boundary values that know nothing of D: what
    the theorem on the approximate gradient asks for.
    """

    box = Box(x=(0, 1))
    unknowns = (Scalar("D", start=1.0, truth=2.0, bounds=(0.1, 10.0)),)
    observation = Observation(x=51, exact_ends=True)
    nodes = 101
    placement = "midpoints"

    def principal(self, at):
        """M u = -D u''."""
        return -at["D"] * d("x", "x")

    def transform(self, N, at):
        """u = N x (1 - x)."""
        return N * at.vanishing("x")

    def residual(self, u, at):
        """r = M u - pi^2 sin(pi x)."""
        return at.apply(u) - (at["x"] * math.pi).sin() * math.pi**2

    def solve(self, theta):
        """The exact solution."""
        return lambda x: np.sin(np.pi * x) / theta["D"]
