"""Inviscid Burgers equation with an unknown initial condition (paper, section 4.5)."""

import math

import torch

from bilo.inverse import Box, Function, Observation, Points, Problem, d, shapes, slope
from bilo.solvers import burgers

SMOOTH = shapes.of(lambda x: (1 - (2 * math.pi * x).cos()) / 2)
"""Smooth until t = 1.59."""
SINE = shapes.of(lambda x: (4 * math.pi * x).sin())
"""Shocks at 1/4 and 3/4 from t = 0.40, an expansion at 1/2."""
HAT = shapes.of(lambda x: ((x >= 0.3) & (x <= 0.6)).double())
"""1 on [0.3, 0.6], else 0: a shock and a rarefaction."""


class Burgers(Problem):
    """u_t + a u u_x = 0 on (0, 1) x (0, 1], a = 0.2, u = 0 at both ends, u(x, 0) = f(x)."""

    box = Box(t=(0, 1), x=(0, 1))
    unknowns = (
        Function(
            "f", ("x",), shapes.zero_at_ends, start=SMOOTH, truths=(SINE, HAT),
            regulariser=slope(101),
        ),
    )  # fmt: skip
    observation = Observation(t=1.0, x=101)
    keep_best_by_reference = True

    def principal(self, at):
        """M u = u_t."""
        return d("t")

    def transform(self, N, at):
        """u = N x (1 - x) t + f."""
        return N * at.vanishing("x", after="t") + at["f"]

    def residual(self, u, at):
        """r = u_t + a u u_x."""
        return at.apply(u) + u.d("1") * u.d("x") * burgers.SPEED

    def weight(self, u, at):
        """1 / (1 + (u_x)_-)^2: little where characteristics run into a shock.

        The strong form says nothing at a shock; what surrounds it decides where it is
        (Liu et al. 2024, J. Sci. Comput. 98).
        """
        return 1 / (1 + (-u.d("x").value).clamp(min=0)) ** 2

    def departure_points(self, points, u):
        """Feet of the characteristics, x - a t u at t = 0.

        u = f(x - a t u) where u is smooth, so that du = df(x - a t u) / (1 + a t f'): the factor is
        the derivative by a shift of f, which the operator knows.
        """
        t, x = (points.coordinates[c].to(u) for c in ("t", "x"))
        return Points({"t": torch.zeros_like(x), "x": (x - burgers.SPEED * t * u).clamp(0, 1)})

    def solve(self, theta):
        """Godunov's scheme on 1,001 cells."""
        return burgers.solve(theta["f"](Points({"x": torch.from_numpy(burgers.centres())})).numpy())

    def discretise(self, t, x):
        """f at 201 nodes, zero at the ends, |f| <= 2: Godunov's scheme on 1,001 cells."""
        return burgers.discretised(t, x)
