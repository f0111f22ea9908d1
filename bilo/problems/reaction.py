"""A reaction as an unknown function of the solution."""

import numpy as np
import torch

from bilo.inverse import shapes
from bilo.inverse.box import Box
from bilo.inverse.function import Function
from bilo.inverse.least_squares import LeastSquares
from bilo.inverse.points import Points, grid
from bilo.inverse.problem import Problem
from bilo.inverse.regulariser import Regulariser
from bilo.solvers import reaction as solver
from bilo.taylor.streams import d

DIFFUSIVITY = 0.01
RANGE = Box(u=solver.seen())
"""Of u in the truth's solution: where the data say anything of r."""


class Reaction(Problem):
    """u_t = 0.01 u_xx + r(u) on (0, 1) x (0, 1], no flux, u(x, 0) = 0.05 + 0.9 sin^2(pi x)."""

    box = Box(t=(0, 1), x=(0, 1))
    unknowns = (
        Function(
            "r", ("u",), box=RANGE, truths=(shapes.of(lambda u: _truth(u)),),
            regulariser=Regulariser(RANGE.grid(101)),
        ),
    )  # fmt: skip

    def principal(self, at):
        """M u = u_t - 0.01 u_xx."""
        return d("t") - DIFFUSIVITY * d("x", "x")

    def features(self, at):
        """t, and cos(pi x), whose slope is zero at both ends: no flux, whatever the network."""
        return [at["t"], at.cached("cos", lambda at: (at["x"] * np.pi).cos() * 0.5 + 0.5)]

    def transform(self, N, at):
        """u = u(x, 0) + N t."""
        start = at.cached("u0", lambda at: (at["x"] * np.pi).sin() ** 2 * 0.9 + 0.05)
        return start + N * at["t"]

    def residual(self, u, at):
        """M u - r(u)."""
        return at.apply(u) - at["r"].d("1")

    def solve(self, theta):
        """Collocation in cosines, Runge-Kutta in time."""

        def r(u):
            values = theta["r"](Points({"u": torch.from_numpy(np.ascontiguousarray(u)).flatten()}))
            return values.numpy().reshape(np.shape(u))

        return solver.solution(r)

    def observe(self, theta, noise, seed):
        """u at 51 places at each of 11 times, with Gaussian noise."""
        t, x = (torch.linspace(0, 1, n, dtype=torch.float64) for n in (11, 51))
        points = grid(t=t, x=x)
        values = self.solve(theta)(
            t=points.coordinates["t"].numpy(), x=points.coordinates["x"].numpy()
        )
        values = values + noise * np.random.default_rng(seed).standard_normal(len(values))
        return LeastSquares(points, torch.from_numpy(values), noise or None)


def _truth(u):
    return torch.from_numpy(solver.truth(u.numpy()))
