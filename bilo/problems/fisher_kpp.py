"""Fisher-KPP with two unknown scalars (paper, section 4.1): the tumour model's small sister."""

import math

from bilo.inverse import Box, Observation, Problem, Scalar, d
from bilo.solvers import fisher_kpp


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
    placement = "gauss"
    solver = fisher_kpp.Solution

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
