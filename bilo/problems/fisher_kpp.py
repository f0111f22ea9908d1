"""Fisher-KPP with two unknown scalars (paper, section 4.1; the small sister of the tumour model)."""

from __future__ import annotations

import math

import torch

from bilo.frame import Frame
from bilo.jets import Jet
from bilo.points import Points, grid
from bilo.problem import Problem, Unknown
from bilo.streams import Operator


class FisherKPP(Problem):
    """u_t = 0.01 D u_xx + rho u (1 - u) on (0, 1) x (0, 1], u = 0 at both ends, u(x, 0) = sin^2(pi x) / 2."""

    name = "fisher_kpp"
    coordinates = ("t", "x")
    derivatives = ()
    unknowns = (
        Unknown("D", start=1.0, truth=2.0, bounds=(0.1, 10.0)),
        Unknown("rho", start=1.0, truth=2.0, bounds=(0.1, 10.0)),
    )

    def principal(self, at: Frame) -> Operator:
        """M u = u_t - 0.01 D u_xx."""
        return Operator("M", drift=(("t", 1.0),), diffusion=(("x", "x", (at["D"] * -0.01).weight),))

    def transform(self, N: Jet, at: Frame) -> Jet:
        """u = u0 + N x (1 - x) t."""
        t, x = at["t"], at["x"]
        u0 = (x * math.pi).sin() ** 2 * 0.5
        return u0 + N * x * (1 - x) * t

    def residual(self, u: Jet, at: Frame) -> Jet:
        """r = M u - rho u (1 - u)."""
        return at.apply(u) - at["rho"] * u * (1 - u)

    def collocation(self, n: int | None, generator: torch.Generator) -> Points:
        """A 51 x 51 grid, or n uniform points."""
        if n is None:
            axis = torch.linspace(0, 1, 51)
            return grid(t=axis, x=axis)
        tx = torch.rand(2, n, generator=generator)
        return Points({"t": tx[0], "x": tx[1]})
