"""Darcy flow in 2-D with an unknown permeability (paper, section 4.6)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from scipy.interpolate import RectBivariateSpline
from torch import Tensor

from bilo.inverse.chart import Chart
from bilo.inverse.frame import Frame
from bilo.inverse.function import Function
from bilo.inverse.nodal import Array, Nodal, Pull
from bilo.inverse.objective import LeastSquares
from bilo.inverse.points import Points, grid, lattice
from bilo.inverse.problem import Problem
from bilo.inverse.random_fields import sample_2d
from bilo.inverse.regulariser import Regulariser
from bilo.solvers import darcy
from bilo.taylor.jets import Jet
from bilo.taylor.streams import Operator

LOW, HIGH = 3.0, 12.0
S, LENGTH = 10.0, 0.2
"""Of the Gaussian random fields [o]."""
FINE = 5
"""Intervals of the reference solution in one of the grid's."""
SAMPLES = 10
FIRST_START = 1000
"""Seed of the field that the start is made of; the truths' are 0, 1, .."""
CORNER = 1.0
"""Slope of A below which total variation is rounded."""


@dataclass(frozen=True)
class Sample:
    """A Gaussian random field on the grid of 61 x 61.

    Attributes
    ----------
    seed : int
    two_phase : bool
        A = 12 where the field is at least 0, else 3, by the nearest node;
        else A = 3 + 9 sigmoid(field), the field by a bicubic spline.
    """

    seed: int
    two_phase: bool

    @cached_property
    def nodes(self) -> np.ndarray:
        """The field (61, 61)."""
        return sample_2d(darcy.NODES, S, LENGTH, 1, np.random.default_rng(self.seed))[0]

    def __call__(self, points: Points) -> Tensor:
        """A at points."""
        x, y = (points.coordinates[c].double().cpu() for c in ("x", "y"))
        last = darcy.NODES - 1
        if self.two_phase:
            i, j = ((v * last).round().long() for v in (x, y))
            inside = torch.from_numpy(self.nodes)[i, j] >= 0
            return torch.where(inside, HIGH, LOW).double()
        axis = np.linspace(0, 1, darcy.NODES)
        field = RectBivariateSpline(axis, axis, self.nodes)(x.numpy(), y.numpy(), grid=False)
        return LOW + (HIGH - LOW) * torch.from_numpy(field).sigmoid()


def _between(N: Jet, at: Chart) -> Jet:
    """A = 3 + 9 sigmoid(N)."""
    return N.sigmoid() * (HIGH - LOW) + LOW


def _nodes(n: int) -> Points:
    axis = torch.linspace(0, 1, n, dtype=torch.float64)
    return grid(x=axis, y=axis)


class Darcy(Problem):
    """-div(A grad u) = 1 on the unit square, u = 0 on its boundary."""

    name = "darcy"
    coordinates = ("x", "y")
    unknowns = (
        Function(
            "A",
            ("x", "y"),
            _between,
            start=Sample(FIRST_START, two_phase=False),
            truths=tuple(Sample(k, two_phase=True) for k in range(SAMPLES)),
            scale=HIGH / 2,
            fourier=3.0,
        ),
    )
    derivatives = ("x", "y")
    held_inputs = True
    fourier_coordinates = 2
    fourier_scale = 3.0
    regulariser = Regulariser(_nodes(darcy.NODES), corner=CORNER)

    def truth(self, seed: int = 0) -> dict[str, Any]:
        """The sample that the seed numbers."""
        (A,) = self.functions
        return {"A": A.truths[seed % len(A.truths)]}

    def principal(self, at: Frame) -> Operator:
        """M u = u_xx + u_yy."""
        return Operator("M", diffusion=(("x", "x", 1.0), ("y", "y", 1.0)))

    def transform(self, N: Jet, at: Frame) -> Jet:
        """u = N x (1 - x) y (1 - y) A_0 / A, with A_0 = A held.

        A_0 / A is 1 and its derivative by A is -1 / A. So du/dA begins at -u / A, what it is for a
        change in proportion, u(c A) = u(A) / c, and the network learns the rest.
        """
        x, y = at["x"], at["y"]
        edge = at.memo("edge", lambda at: x * (1 - x) * y * (1 - y))
        return N * edge * (at.held("A") / at["A"])

    def residual(self, u: Jet, at: Frame) -> Jet:
        """r = A_x u_x + A_y u_y + A M u + 1."""
        A = at["A"]
        flow = A.d("x") * u.d("x") + A.d("y") * u.d("y")
        return flow + A.d("1") * at.apply(u) + 1.0

    def collocation(self, n: int | None, generator: torch.Generator) -> Points:
        """The grid of 61 x 61, or n points of a randomly shifted lattice."""
        return _nodes(darcy.NODES) if n is None else lattice(("x", "y"), n, generator)

    def start_weight(self, known: Tensor, points: Points) -> Tensor | None:
        """1 / mean u^2: the misfit is a relative one, for u is small."""
        return 1 / (known**2).mean().expand(len(known))

    def reference(self, theta: Mapping[str, Any]) -> Callable[[Points], Tensor]:
        """Finite volumes on 301 x 301 nodes."""
        n = (darcy.NODES - 1) * FINE + 1
        u = darcy.solve(theta["A"](_nodes(n)).numpy().reshape(n, n))

        def at(points: Points) -> Tensor:
            x, y = (points.coordinates[c].double().cpu().numpy() for c in ("x", "y"))
            return torch.from_numpy(darcy.bilinear(u, x, y))

        return at

    def observe(self, theta: Mapping[str, Any], noise: float, seed: int) -> LeastSquares:
        """u on the grid of 61 x 61 with Gaussian noise."""
        points = _nodes(darcy.NODES)
        values = self.reference(theta)(points)
        generator = torch.Generator().manual_seed(seed)
        values += noise * torch.randn(len(values), generator=generator, dtype=torch.float64)
        return LeastSquares(points, values)

    def nodal(self, data: LeastSquares) -> Nodal:
        """3 <= A <= 12 at 61 x 61 nodes, constant about each: finite volumes on the same nodes.

        Raises
        ------
        ValueError
            If the data are not at all nodes, in order.
        """
        n, coordinates = darcy.NODES, _nodes(darcy.NODES).coordinates
        if not all(torch.equal(data.points.coordinates[c], coordinates[c]) for c in ("x", "y")):
            raise ValueError(f"Darcy's discretised inverse problem takes data at {n} x {n} nodes")

        def forward(A: Array) -> tuple[Array, Pull]:
            operator = darcy.factorise(A)
            u = operator.solve()
            return u.ravel(), lambda by_data: operator.adjoint(u, by_data.reshape(n, n))

        low, high = np.full((n, n), LOW), np.full((n, n), HIGH)
        (A,) = self.functions
        values = data.values.numpy()
        return Nodal(A, forward, values, low, high, corner=CORNER, between="nearest")
