"""Fisher-KPP with two unknown scalars (paper, section 4.1): the tumour model's small sister."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from bilo.inverse.frame import Frame
from bilo.inverse.objective import LeastSquares
from bilo.inverse.points import Points, grid
from bilo.inverse.problem import Problem
from bilo.inverse.unknown import Scalar
from bilo.solvers.fisher_kpp import on_grid, sensitivities, trajectory
from bilo.taylor.jets import Jet
from bilo.taylor.streams import Operator


class FisherKPP(Problem):
    """u_t = 0.01 D u_xx + rho u (1 - u) on (0, 1) x (0, 1].

    u = 0 at both ends and u(x, 0) = sin^2(pi x) / 2.
    """

    name = "fisher_kpp"
    coordinates = ("t", "x")
    derivatives = ()
    unknowns = (
        Scalar("D", start=1.0, truth=2.0, bounds=(0.1, 10.0), sampled=(0.8, 3.0)),
        Scalar("rho", start=1.0, truth=2.0, bounds=(0.1, 10.0), sampled=(0.8, 3.0)),
    )

    def principal(self, at: Frame) -> Operator:
        """M u = u_t - 0.01 D u_xx."""
        return Operator("M", drift=(("t", 1.0),), diffusion=(("x", "x", (at["D"] * -0.01).weight),))

    def transform(self, N: Jet, at: Frame) -> Jet:
        """u = u0 + N x (1 - x) t."""
        t, x = at["t"], at["x"]
        u0 = at.memo("u0", lambda at: (x * math.pi).sin() ** 2 * 0.5)
        return u0 + N * at.memo("x(1-x)t", lambda at: x * (1 - x) * t)

    def residual(self, u: Jet, at: Frame) -> Jet:
        """r = M u - rho u (1 - u)."""
        return at.apply(u) - at["rho"] * u * (1 - u)

    def collocation(self, n: int | None, generator: torch.Generator) -> Points:
        """A 51 x 51 grid [o], or about n points: the tensor product of two Gauss-Legendre rules.

        Fixed points at a smooth solution train better than random ones: nothing of the step is
        noise.
        """
        if n is None:
            axis = torch.linspace(0, 1, 51)
            return grid(t=axis, x=axis)
        nodes, _ = np.polynomial.legendre.leggauss(math.isqrt(n))
        axis = torch.from_numpy((nodes + 1) / 2).float()
        return grid(t=axis, x=axis)

    def reference(self, theta: Mapping[str, float]) -> Callable[[Points], Tensor]:
        """The spectral solution, accurate to 1e-7."""
        solution = trajectory(theta["D"], theta["rho"])

        def at(points: Points) -> Tensor:
            t, x = (points.coordinates[c].double().cpu().numpy() for c in ("t", "x"))
            return torch.from_numpy(solution(t, x))

        return at

    def solutions(self, thetas: Sequence[Mapping[str, float]], points: Points) -> Tensor:
        """The spectral solutions as one batch, at the times and positions that the points share."""
        t, x = (points.coordinates[c].double().cpu().numpy() for c in ("t", "x"))
        times, row = np.unique(t, return_inverse=True)
        nodes, column = np.unique(x, return_inverse=True)
        D, rho = ([theta[name] for theta in thetas] for name in ("D", "rho"))
        return torch.from_numpy(on_grid(D, rho, times, nodes)[:, row, column])

    def sensitivities(
        self, theta: Mapping[str, float], points: Points
    ) -> tuple[Tensor, Tensor] | None:
        """The spectral solution at points of one time, and its exact derivatives by D and rho."""
        t, x = (points.coordinates[c].double().cpu().numpy() for c in ("t", "x"))
        if (t != t[0]).any():
            return None
        # a quarter of the time of the full resolution, and 1e-8 as long as 0.2 < D and rho < 5
        u, J = sensitivities(theta["D"], theta["rho"], x, t[0], nodes=40, steps=240)
        return torch.from_numpy(u), torch.from_numpy(J).t()

    def observe(self, theta: Mapping[str, float], noise: float, seed: int) -> LeastSquares:
        """u at x = 0, 0.1, .., 1 at t = 1, with Gaussian noise on the nine inner points."""
        x = torch.linspace(0, 1, 11, dtype=torch.float64)
        points = Points({"t": torch.ones_like(x), "x": x})
        values = self.reference(theta)(points)
        generator = torch.Generator().manual_seed(seed)
        values[1:-1] += noise * torch.randn(9, generator=generator, dtype=torch.float64)
        return LeastSquares(points, values, informative=9)
