"""Poisson with an unknown diffusivity (paper, section 4.3)."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bilo.inverse.chart import Chart
from bilo.inverse.ensemble import Ensemble
from bilo.inverse.frame import Frame
from bilo.inverse.function import Function
from bilo.inverse.nodal import Array, Nodal, Pull
from bilo.inverse.objective import LeastSquares
from bilo.inverse.points import Points
from bilo.inverse.problem import Problem
from bilo.inverse.regulariser import Regulariser
from bilo.solvers import poisson
from bilo.solvers.interpolation import interpolate, interpolation
from bilo.taylor.jets import Jet
from bilo.taylor.streams import Operator

CELLS = 1000
"""Of the reference solution."""
NODAL = 200
"""Cells of the classical methods."""
POSITIVE = 0.01
"""Least D of the classical methods."""
LENGTHS = {f"length{length:g}": length for length in (0.1, 0.2, 0.3, 0.4)}
"""Of the functions D that a neural operator is trained on,"""
LEAST = 0.1
"""and their least value [o]."""


def _tent(points: Points) -> Tensor:
    """1 + x, then 2 - x: the peak is 3/2."""
    x = points.coordinates["x"].double()
    return torch.minimum(1 + x, 2 - x)


def _one(points: Points) -> Tensor:
    return torch.ones_like(points.coordinates["x"], dtype=torch.float64)


def _pinned(N: Jet, at: Chart) -> Jet:
    """D = N x (1 - x) + 1."""
    x = at["x"]
    return N * (x * (1 - x)) + 1.0


class Poisson(Problem):
    """-(D u')' = pi^2 sin(pi x) on (0, 1), u = 0 and D = 1 at both ends."""

    name = "poisson"
    coordinates = ("x",)
    unknowns = (
        Function(
            "D",
            ("x",),
            _pinned,
            start=_one,
            truths=(_tent,),
            sampled=Ensemble(1.0, 0.05, ends=(1.0, 1.0), lengths=LENGTHS, floor=LEAST),
        ),
    )
    derivatives = ("x",)
    regulariser = Regulariser(Points({"x": torch.linspace(0, 1, 101, dtype=torch.float64)}))

    def principal(self, at: Frame) -> Operator:
        """M u = u''."""
        return Operator("M", diffusion=(("x", "x", 1.0),))

    def transform(self, N: Jet, at: Frame) -> Jet:
        """u = N x (1 - x)."""
        x = at["x"]
        return N * at.memo("x(1-x)", lambda at: x * (1 - x))

    def residual(self, u: Jet, at: Frame) -> Jet:
        """r = D' u' + D u'' + pi^2 sin(pi x)."""
        D = at["D"]
        return D.d("x") * u.d("x") + D.d("1") * at.apply(u) + at.memo("f", _source)

    def collocation(self, n: int | None, generator: torch.Generator) -> Points:
        """101 equidistant points, or n random ones, one in each of n equal parts."""
        if n is None:
            return Points({"x": torch.linspace(0, 1, 101)})
        return Points({"x": (torch.arange(n) + torch.rand(n, generator=generator)) / n})

    def reference(self, theta: Mapping[str, Any]) -> Callable[[Points], Tensor]:
        """Finite elements on 1,000 cells."""
        u = poisson.solve(theta["D"](_nodes()).numpy())
        return lambda points: torch.from_numpy(
            interpolate(u, points.coordinates["x"].double().numpy())
        )

    def solutions(self, thetas: Sequence[Mapping[str, Any]], points: Points) -> Tensor:
        """Finite elements for all D at once."""
        D = torch.stack([theta["D"](_nodes()) for theta in thetas])
        u = interpolate(poisson.solve(D.numpy()), points.coordinates["x"].double().numpy())
        return torch.from_numpy(u)

    def observe(self, theta: Mapping[str, Any], noise: float, seed: int) -> LeastSquares:
        """u at 51 equidistant points with Gaussian noise."""
        points = Points({"x": torch.linspace(0, 1, 51, dtype=torch.float64)})
        values = self.reference(theta)(points)
        generator = torch.Generator().manual_seed(seed)
        values += noise * torch.randn(51, generator=generator, dtype=torch.float64)
        return LeastSquares(points, values)

    def nodal(self, data: LeastSquares) -> Nodal:
        """D at 201 nodes, D = 1 at the ends, D >= 0.01: finite elements on the same cells."""
        C = interpolation(NODAL, data.points.coordinates["x"].double().numpy())

        def forward(D: Array) -> tuple[Array, Pull]:
            u = poisson.solve(D)
            return C @ u, lambda by_data: poisson.adjoint(D, u, by_data @ C)

        low, high = np.full(NODAL + 1, POSITIVE), np.full(NODAL + 1, np.inf)
        low[[0, -1]] = high[[0, -1]] = 1.0
        (D,) = self.functions
        return Nodal(D, forward, data.values.numpy(), low, high)


def _nodes() -> Points:
    return Points({"x": torch.linspace(0, 1, CELLS + 1, dtype=torch.float64)})


def _source(at: Chart) -> Jet:
    return ((at["x"] * math.pi).sin() * math.pi**2).d("1")
