"""Heat equation with an unknown initial condition (paper, section 4.4)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bilo.inverse.chart import Chart
from bilo.inverse.frame import Frame
from bilo.inverse.function import Function
from bilo.inverse.nodal import Array, Nodal, Pull
from bilo.inverse.objective import LeastSquares
from bilo.inverse.points import Points, grid, lattice
from bilo.inverse.problem import Problem
from bilo.inverse.regulariser import Regulariser
from bilo.solvers import heat
from bilo.taylor.jets import Jet
from bilo.taylor.streams import Operator

CELLS = 1000
"""Of the reference solution's initial condition,"""
ROUNDING = 1e-9
"""and how far from zero its ends may be."""
NODAL = 100
"""Cells of the classical methods' initial condition."""


def _tent(points: Points) -> Tensor:
    """2 x, then 2 - 2 x."""
    x = points.coordinates["x"].double()
    return torch.minimum(2 * x, 2 - 2 * x)


def _sine(points: Points) -> Tensor:
    return (points.coordinates["x"].double() * torch.pi).sin()


def _positive(N: Jet, at: Chart) -> Jet:
    """f = softplus(N) x (1 - x)."""
    x = at["x"]
    return N.softplus() * (x * (1 - x))


class Heat(Problem):
    """u_t = 0.01 u_xx on (0, 1) x (0, 1], u = 0 at both ends, u(x, 0) = f(x)."""

    name = "heat"
    coordinates = ("t", "x")
    unknowns = (Function("f", ("x",), _positive, start=_sine, truths=(_tent,)),)
    regulariser = Regulariser(Points({"x": torch.linspace(0, 1, 101, dtype=torch.float64)}))

    def principal(self, at: Frame) -> Operator:
        """M u = u_t - 0.01 u_xx."""
        return Operator("M", drift=(("t", 1.0),), diffusion=(("x", "x", -heat.DIFFUSIVITY),))

    def transform(self, N: Jet, at: Frame) -> Jet:
        """u = N x (1 - x) t + f."""
        x, t = at["x"], at["t"]
        return N * at.memo("x(1-x)t", lambda at: x * (1 - x) * t) + at["f"]

    def residual(self, u: Jet, at: Frame) -> Jet:
        """r = M u."""
        return at.apply(u)

    def collocation(self, n: int | None, generator: torch.Generator) -> Points:
        """A grid of 51 x 51, or n points of a randomly shifted lattice."""
        if n is None:
            axis = torch.linspace(0, 1, 51)
            return grid(t=axis, x=axis)
        return lattice(("t", "x"), n, generator)

    def reference(self, theta: Mapping[str, Any]) -> Callable[[Points], Tensor]:
        """The sine series of f, linear between 1,001 nodes; exact in time."""
        nodes = Points({"x": torch.linspace(0, 1, CELLS + 1, dtype=torch.float64)})
        f = theta["f"](nodes).numpy().copy()
        if np.abs(f[[0, -1]]).max() > ROUNDING:
            raise ValueError("the initial condition f must be zero at both ends")
        f[[0, -1]] = 0.0

        def u(points: Points) -> Tensor:
            t, x = (points.coordinates[c].double().numpy() for c in ("t", "x"))
            return torch.from_numpy(heat.solve(f, t, x))

        return u

    def observe(self, theta: Mapping[str, Any], noise: float, seed: int) -> LeastSquares:
        """u(x, 1) at 51 equidistant points with Gaussian noise."""
        x = torch.linspace(0, 1, 51, dtype=torch.float64)
        points = Points({"t": torch.ones_like(x), "x": x})
        values = self.reference(theta)(points)
        generator = torch.Generator().manual_seed(seed)
        values += noise * torch.randn(51, generator=generator, dtype=torch.float64)
        return LeastSquares(points, values)

    def nodal(self, data: LeastSquares) -> Nodal:
        """f >= 0 at 101 nodes, zero at the ends: linear, u = K f."""
        t, x = (data.points.coordinates[c].double().numpy() for c in ("t", "x"))
        K = heat.propagator(NODAL, t, x)

        def forward(f: Array) -> tuple[Array, Pull]:
            return K @ f, lambda by_data: by_data @ K

        low, high = np.zeros(NODAL + 1), np.full(NODAL + 1, np.inf)
        high[[0, -1]] = 0.0
        (f,) = self.functions
        return Nodal(f, forward, data.values.numpy(), low, high, matrix=K)
