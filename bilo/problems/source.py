"""A source confined to a disc, and the screening beside it."""

import numpy as np
import torch

from bilo.inverse import shapes
from bilo.inverse.box import Box
from bilo.inverse.function import Function
from bilo.inverse.least_squares import LeastSquares
from bilo.inverse.points import Points
from bilo.inverse.problem import Problem
from bilo.inverse.regulariser import Regulariser
from bilo.inverse.unknown import Scalar
from bilo.solvers import source as solver
from bilo.taylor.streams import d

SCALE = 30.0
"""Of f."""
AROUND = Box(
    x=(solver.CENTRE[0] - solver.RADIUS, solver.CENTRE[0] + solver.RADIUS),
    y=(solver.CENTRE[1] - solver.RADIUS, solver.CENTRE[1] + solver.RADIUS),
)
"""The disc's box."""
NODES = 81
"""Of the regulariser along each axis of that box. With 61 along the square's f grew ridges between
them: the mean over the nodes fell to half while that of all slopes rose threefold."""


def confined(N, at):
    """f = 30 N (1 - q^2) inside of the known disc, q the radius over its own; 0 outside."""
    x, y = at["x"] - solver.CENTRE[0], at["y"] - solver.CENTRE[1]
    inside = 1 - (x * x + y * y) * solver.RADIUS**-2
    return N * (SCALE * inside.positive())


class Source(Problem):
    """-lap u + k u = f + 1 on the unit square, u = 0 at the border, f = 0 outside a known disc."""

    box = Box(x=(0, 1), y=(0, 1))
    unknowns = (
        Function(
            "f", ("x", "y"), confined, truths=(shapes.of(lambda x, y: _truth(x, y)),), scale=SCALE,
            # weighted by the box's area, R is the mean over the square
            regulariser=Regulariser(AROUND.grid(NODES), weight=(2 * solver.RADIUS) ** 2),
            box=AROUND,
        ),
        Scalar("k", start=5.0, truth=solver.SCREENING, bounds=(0.1, 200.0)),
    )  # fmt: skip

    def principal(self, at):
        """M u = -(u_xx + u_yy)."""
        return -d("x", "x") - d("y", "y")

    def transform(self, N, at):
        """u = N x (1 - x) y (1 - y)."""
        return N * at.vanishing("x", "y")

    def residual(self, u, at):
        """r = M u + k u - f - 1."""
        return at.apply(u) + at["k"] * u.d("1") - at["f"].d("1") - 1

    def solve(self, theta):
        """The sine series of f, bilinear between its nodes."""
        n = solver.CELLS
        f = theta["f"](Box.unit(("x", "y")).grid(n + 1)).numpy().reshape(n + 1, n + 1)
        return lambda x, y: solver.solve(f, theta["k"], x, y)

    def observe(self, theta, noise, seed):
        """u at 20 x 20 inner points, with noise relative to the largest u."""
        axis = torch.arange(1, 21, dtype=torch.float64) / 21
        x, y = (v.flatten() for v in torch.meshgrid(axis, axis, indexing="ij"))
        values = self.solve(theta)(x.numpy(), y.numpy())
        sigma = noise * np.abs(values).max()
        values = values + sigma * np.random.default_rng(seed).standard_normal(len(values))
        return LeastSquares(Points({"x": x, "y": y}), torch.from_numpy(values), sigma or None)


def _truth(x, y):
    return torch.from_numpy(solver.truth(x.numpy(), y.numpy()))
