"""Inviscid Burgers equation with an unknown initial condition (paper, section 4.5)."""

from __future__ import annotations

import math
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
from bilo.solvers import burgers
from bilo.solvers.interpolation import interpolation
from bilo.taylor.jets import Jet
from bilo.taylor.streams import Operator

DATA = 101
"""Equidistant data points [o]."""
NODAL = 200
"""Cells of the classical methods' initial condition, linear in each,"""
LARGEST = 2.0
"""and its largest size."""


def _start(points: Points) -> Tensor:
    """(1 - cos 2 pi x) / 2: smooth until t = 1.59."""
    return (1 - (points.coordinates["x"].double() * 2 * math.pi).cos()) / 2


def _sine(points: Points) -> Tensor:
    """sin 4 pi x: shocks at 1/4 and 3/4 from t = 0.40, an expansion at 1/2."""
    return (points.coordinates["x"].double() * 4 * math.pi).sin()


def _hat(points: Points) -> Tensor:
    """1 on [0.3, 0.6], else 0: a shock and a rarefaction."""
    x = points.coordinates["x"].double()
    return ((x >= 0.3) & (x <= 0.6)).double()


def _zero_at_ends(N: Jet, at: Chart) -> Jet:
    """f = N x (1 - x)."""
    x = at["x"]
    return N * (x * (1 - x))


class Burgers(Problem):
    """u_t + a u u_x = 0 on (0, 1) x (0, 1], a = 0.2, u = 0 at both ends, u(x, 0) = f(x)."""

    name = "burgers"
    coordinates = ("t", "x")
    unknowns = (Function("f", ("x",), _zero_at_ends, start=_start, truths=(_sine, _hat)),)
    derivatives = ("x",)
    judged = True
    regulariser = Regulariser(Points({"x": torch.linspace(0, 1, 101, dtype=torch.float64)}))

    def principal(self, at: Frame) -> Operator:
        """M u = u_t."""
        return Operator("M", drift=(("t", 1.0),))

    def transform(self, N: Jet, at: Frame) -> Jet:
        """u = N x (1 - x) t + f."""
        x, t = at["x"], at["t"]
        return N * at.memo("x(1-x)t", lambda at: x * (1 - x) * t) + at["f"]

    def residual(self, u: Jet, at: Frame) -> Jet:
        """r = u_t + a u u_x."""
        return at.apply(u) + u.d("1") * u.d("x") * burgers.SPEED

    def weight(self, u: Jet, at: Frame) -> Tensor:
        """1 / (1 + (u_x)_-)^2: little where characteristics run into a shock.

        The strong form says nothing at a shock; what surrounds it decides where it is
        (Liu et al. 2024, J. Sci. Comput. 98).
        """
        return 1 / (1 + (-u.d("x").value).clamp(min=0)) ** 2

    def feet(self, points: Points, u: Tensor) -> Points:
        """Feet of the characteristics, x - a t u at t = 0.

        u = f(x - a t u) where u is smooth, so that du = df(x - a t u) / (1 + a t f'): the factor is
        the derivative by a shift of f, which the operator knows.
        """
        t, x = (points.coordinates[c].to(u) for c in ("t", "x"))
        return Points({"t": torch.zeros_like(x), "x": (x - burgers.SPEED * t * u).clamp(0, 1)})

    def collocation(self, n: int | None, generator: torch.Generator) -> Points:
        """A grid of 51 x 51, or n points of a randomly shifted lattice."""
        if n is None:
            axis = torch.linspace(0, 1, 51)
            return grid(t=axis, x=axis)
        return lattice(("t", "x"), n, generator)

    def reference(self, theta: Mapping[str, Any]) -> Callable[[Points], Tensor]:
        """Godunov's scheme on 1,001 cells."""
        centres = Points({"x": torch.from_numpy(burgers.centres())})
        solution = burgers.solve(theta["f"](centres).numpy())

        def u(points: Points) -> Tensor:
            t, x = (points.coordinates[c].double().cpu().numpy() for c in ("t", "x"))
            return torch.from_numpy(solution(t, x))

        return u

    def observe(self, theta: Mapping[str, Any], noise: float, seed: int) -> LeastSquares:
        """u(x, 1) at 101 equidistant points with Gaussian noise."""
        x = torch.linspace(0, 1, DATA, dtype=torch.float64)
        points = Points({"t": torch.ones_like(x), "x": x})
        values = self.reference(theta)(points)
        generator = torch.Generator().manual_seed(seed)
        values += noise * torch.randn(DATA, generator=generator, dtype=torch.float64)
        return LeastSquares(points, values)

    def nodal(self, data: LeastSquares) -> Nodal:
        """f at 201 nodes, zero at the ends, |f| <= 2: Godunov's scheme on 1,001 cells.

        The bound, twice the largest value of the start, makes one number of time steps stable.

        Raises
        ------
        ValueError
            If the data are not all at the time 1.
        """
        t, x = (data.points.coordinates[c].double().numpy() for c in ("t", "x"))
        if not (t == 1.0).all():
            raise ValueError("Burgers' discretised inverse problem takes data at t = 1 alone")
        cells = interpolation(NODAL, burgers.centres())
        steps = burgers.courant_steps([LARGEST] * burgers.CELLS)
        C = burgers.observation(x)

        def forward(f: Array) -> tuple[Array, Pull]:
            u, pull = burgers.pullback(cells @ f, steps=steps)
            return C @ u, lambda by_data: pull(by_data @ C) @ cells

        high = np.full(NODAL + 1, LARGEST)
        high[[0, -1]] = 0.0
        (f,) = self.functions
        return Nodal(f, forward, data.values.numpy(), -high, high)
