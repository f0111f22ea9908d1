"""Two unknown functions from the answers to two loads."""

import numpy as np
import torch

from bilo.inverse import shapes
from bilo.inverse.box import Box
from bilo.inverse.function import Function
from bilo.inverse.least_squares import LeastSquares
from bilo.inverse.points import Points
from bilo.inverse.problem import Problem
from bilo.inverse.regulariser import slope
from bilo.solvers import two_functions as solver

CELLS = 1000
"""Of the reference solution."""
WEIGHT_OF_B = 1 / 300
"""Of the squared slope of b beside that of a: b varies by ten times as much."""


class TwoFunctions(Problem):
    """-(a u_s')' + b u_s = g_s on (0, 1), u_s = 0 at both ends; g_1 = 10, g_2 = 20 sin 3 pi x."""

    box = Box(x=(0, 1))
    fields = ("u1", "u2")
    unknowns = (
        Function(
            "a", ("x",), lambda N, at: N + 1.0, start=shapes.everywhere(1.0),
            truths=(shapes.of(lambda x: torch.from_numpy(solver.true_a(x.numpy()))),),
            regulariser=slope(101),
        ),
        Function(
            "b", ("x",), lambda N, at: N * 4.0 + 4.0, start=shapes.everywhere(4.0), scale=4.0,
            truths=(shapes.of(lambda x: torch.from_numpy(solver.true_b(x.numpy()))),),
            regulariser=slope(101, weight=WEIGHT_OF_B),
        ),
    )  # fmt: skip
    nodes = 201

    def transform(self, N, at):
        """u_s = N_s x (1 - x)."""
        return tuple(n * at.vanishing("x") for n in N)

    def residual(self, u, at):
        """r_s = -a' u_s' - a u_s'' + b u_s - g_s."""
        a, b = at["a"], at["b"]
        loads = (10.0, ((at["x"] * (3 * np.pi)).sin() * 20.0).d("1"))
        return tuple(
            b.d("1") * v.d("1") - a.d("x") * v.d("x") - a.d("1") * v.d("x", "x") - g
            for v, g in zip(u, loads, strict=True)
        )

    def solve(self, theta):
        """Linear finite elements on 1,000 cells."""
        u = solver.solve(*(shapes.nodal_values(theta[k], CELLS + 1) for k in ("a", "b")))
        nodes = np.linspace(0, 1, CELLS + 1)
        return lambda x: np.stack([np.interp(x, nodes, v) for v in u], -1)

    def observe(self, theta, noise, seed):
        """Both answers at 49 inner points with Gaussian noise."""
        x = np.arange(1, 50) / 50
        values = self.solve(theta)(x)
        values = values + noise * np.random.default_rng(seed).standard_normal(values.shape)
        points = Points({"x": torch.from_numpy(x)})
        return LeastSquares(points, torch.from_numpy(values), noise or None)
