"""Poisson with one unknown scalar: the problem of the theory check (paper, section 3)."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from bilo.inverse.frame import Frame
from bilo.inverse.objective import LeastSquares
from bilo.inverse.points import Points
from bilo.inverse.problem import Problem
from bilo.inverse.unknown import Scalar
from bilo.taylor.jets import Jet
from bilo.taylor.streams import Operator


class PoissonScalar(Problem):
    """-D u'' = pi^2 sin(pi x) on (0, 1), u = 0 at both ends: u = sin(pi x) / D.

    Linear and elliptic, with a maximum principle and boundary values that know nothing of D: what
    the theorem on the approximate gradient asks for.
    """

    name = "poisson_scalar"
    coordinates = ("x",)
    unknowns = (Scalar("D", start=1.0, truth=2.0, bounds=(0.1, 10.0)),)

    def principal(self, at: Frame) -> Operator:
        """M u = -D u''."""
        return Operator("M", diffusion=(("x", "x", (at["D"] * -1.0).weight),))

    def transform(self, N: Jet, at: Frame) -> Jet:
        """u = N x (1 - x)."""
        x = at["x"]
        return N * at.memo("x(1-x)", lambda at: x * (1 - x))

    def residual(self, u: Jet, at: Frame) -> Jet:
        """r = M u - pi^2 sin(pi x)."""
        return at.apply(u) - (at["x"] * math.pi).sin() * math.pi**2

    def collocation(self, n: int | None, generator: torch.Generator) -> Points:
        """101 equidistant points, or n midpoints."""
        x = torch.linspace(0, 1, 101) if n is None else (torch.arange(n) + 0.5) / n
        return Points({"x": x})

    def reference(self, theta: Mapping[str, float]) -> Callable[[Points], Tensor]:
        """The exact solution."""
        return lambda points: (points.coordinates["x"].double() * math.pi).sin() / theta["D"]

    def observe(self, theta: Mapping[str, float], noise: float, seed: int) -> LeastSquares:
        """u at 51 equidistant points, with Gaussian noise inside."""
        points = Points({"x": torch.linspace(0, 1, 51, dtype=torch.float64)})
        values = self.reference(theta)(points)
        generator = torch.Generator().manual_seed(seed)
        values[1:-1] += noise * torch.randn(49, generator=generator, dtype=torch.float64)
        return LeastSquares(points, values, informative=49)
