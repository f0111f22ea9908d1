"""Fisher-KPP with two unknown scalars (paper, section 4.1): the tumour model's small sister."""

import math

import numpy as np
import torch

from bilo.inverse.box import Box
from bilo.inverse.observation import Observation
from bilo.inverse.points import EXACT
from bilo.inverse.problem import Problem
from bilo.inverse.unknown import Scalar
from bilo.solvers import fisher_kpp
from bilo.taylor.streams import d


class FisherKPP(Problem):
    """u_t = 0.01 D u_xx + rho u (1 - u) on (0, 1) x (0, 1].

    u = 0 at both ends and u(x, 0) = sin^2(pi x) / 2.
    """

    box = Box(t=(0, 1), x=(0, 1))
    unknowns = (
        Scalar("D", start=1.0, truth=2.0, bounds=(0.1, 10.0), sampled=(0.8, 3.0)),
        Scalar("rho", start=1.0, truth=2.0, bounds=(0.1, 10.0), sampled=(0.8, 3.0)),
    )
    observation = Observation(t=1.0, x=11, exact_ends=True)

    def principal(self, at):
        """M u = u_t - 0.01 D u_xx."""
        return d("t") + at["D"] * -0.01 * d("x", "x")

    def transform(self, N, at):
        """u = u0 + N x (1 - x) t."""
        u0 = at.cached("u0", lambda at: (at["x"] * math.pi).sin() ** 2 * 0.5)
        return u0 + N * at.vanishing("x", after="t")

    def residual(self, u, at):
        """r = M u - rho u (1 - u)."""
        return at.apply(u) - at["rho"] * u * (1 - u)

    def collocation(self, n, generator):
        """A 51 x 51 grid [o], or about n points: the tensor product of two Gauss-Legendre rules."""
        return self.domain.gauss(n) if n else super().collocation(None, generator)

    def solve(self, theta):
        """The spectral solution, accurate to 1e-7."""
        return fisher_kpp.trajectory(theta["D"], theta["rho"])

    def solutions(self, thetas, points):
        """The spectral solutions as one batch, at the times and positions that the points share."""
        t, x = (points.to(EXACT).coordinates[c].numpy() for c in ("t", "x"))
        times, row = np.unique(t, return_inverse=True)
        nodes, column = np.unique(x, return_inverse=True)
        D, rho = ([theta[name] for theta in thetas] for name in ("D", "rho"))
        return torch.from_numpy(fisher_kpp.on_grid(D, rho, times, nodes)[:, row, column])

    def sensitivities(self, theta, points):
        """The spectral solution at points of one time, and its exact derivatives by D and rho."""
        t, x = (points.coordinates[c].numpy() for c in ("t", "x"))
        if (t != t[0]).any():
            return None
        # a quarter of the time of the full resolution, and 1e-8 as long as 0.2 < D and rho < 5
        D, rho = theta["D"], theta["rho"]
        u, J = fisher_kpp.sensitivities(D, rho, x, t[0], nodes=40, steps=240)
        return torch.from_numpy(u), torch.from_numpy(J).t()
