"""Particles born at a point: a Poisson process with singular forcing (paper, section 4.2)."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import Tensor

from bilo.inverse.frame import Frame
from bilo.inverse.objective import PoissonProcess
from bilo.inverse.points import Points
from bilo.inverse.problem import Condition, Problem
from bilo.inverse.unknown import Scalar
from bilo.taylor.jets import Jet
from bilo.taylor.streams import Operator

BIRTH = 0.5
"""z, where particles are born."""
SNAPSHOTS = 100
SCALE = 250.0
"""Of the intensity: lambda at the start."""
NODES = 20
"""Gauss-Legendre nodes on each side of z: the integral of u is exact to rounding."""


class Particles(Problem):
    """u'' - mu u + lambda delta(x - z) = 0 on (0, 1), u(0) = u(1) = 0.

    u is the intensity of particles that are born at z at the rate lambda, diffuse, and switch off
    at the rate mu. The kink at z is an input of the network (cusp-capturing network, Tseng et al.
    2023): u(x) = v(x, s), s = |x - z|, with v smooth. The equation then holds on either side, and
    the birth is a condition on the jump, [u'](z) = 2 dv/ds(z, 0) = -lambda.
    """

    name = "particles"
    coordinates = ("x",)
    derivatives = ("x",)
    unknowns = (
        Scalar("lambda", start=250.0, truth=500.0, bounds=(25.0, 2500.0), scale=250.0),
        Scalar("mu", start=5.0, truth=10.0, bounds=(0.5, 50.0), scale=5.0),
    )

    def principal(self, at: Frame) -> Operator:
        """M u = u''."""
        return Operator("M", diffusion=(("x", "x", 1.0),))

    def features(self, at: Frame) -> list[Jet]:
        """x and s, both to (-1, 1)."""
        return [at["x"] * 2 - 1, at.memo("s", _distance) * 4 - 1]

    def feature_count(self) -> int:
        """Two."""
        return 2

    def transform(self, N: Jet, at: Frame) -> Jet:
        """u = 250 softplus(N) x (1 - x): an intensity is positive."""
        x = at["x"]
        return N.softplus() * at.memo("x(1-x)", lambda at: x * (1 - x) * SCALE)

    def residual(self, u: Jet, at: Frame) -> Jet:
        """r = (u'' - mu u) / 250, away from z."""
        return (at.apply(u) - at["mu"] * u) * (1 / SCALE)

    def conditions(self) -> tuple[Condition, ...]:
        """The jump at z."""
        z = torch.full((2,), BIRTH)
        return (Condition(Points({"x": z}, {"side": torch.tensor([1.0, -1.0])}), self._jump),)

    def _jump(self, u: Jet, at: Frame) -> Jet:
        """dv/ds(z, 0) + lambda / 2, in units of 250."""
        slope = u.d("x")
        jump = slope.part(slice(0, 1)) - slope.part(slice(1, 2))
        return (jump + at["lambda"].d("1")) * (0.5 / SCALE)

    def collocation(self, n: int | None, generator: torch.Generator) -> Points:
        """Midpoints of 100 cells, or of n: none lies on z."""
        n = n or 100
        return self.place({"x": (torch.arange(n) + 0.5) / n})

    def place(self, coordinates: Mapping[str, Tensor]) -> Points:
        """Points with the side of z they lie on."""
        x = coordinates["x"]
        return Points({"x": x}, {"side": torch.where(x < BIRTH, -1.0, 1.0).to(x)})

    def reference(self, theta: Mapping[str, float]) -> Callable[[Points], Tensor]:
        """The exact solution, a product of two hyperbolic sines, continued on the point's side."""
        root = math.sqrt(theta["mu"])

        def at(points: Points) -> Tensor:
            x, z = points.coordinates["x"].double(), torch.tensor(BIRTH).double()
            before = points.known["side"] < 0
            left, right = torch.where(before, x, z), 1 - torch.where(before, z, x)
            product = (root * left).sinh() * (root * right).sinh()
            return product * (theta["lambda"] / (root * math.sinh(root)))

        return at

    def observe(self, theta: Mapping[str, float], noise: float, seed: int) -> PoissonProcess:
        """All particles of 100 snapshots, of a Poisson number with density u / int u in each.

        Raises
        ------
        ValueError
            If noise is asked for: the particles are random by themselves.
        """
        if noise:
            raise ValueError("particles: a Poisson process has its own noise; ask for none")
        nodes, weights = _quadrature()
        u = self.reference(theta)
        total = SNAPSHOTS * float((weights * u(self.place({"x": nodes}))).sum())
        draw = np.random.default_rng(seed)
        found = _thinned(draw, draw.poisson(total), lambda x: u(self.place({"x": x})))
        points = self.place({"x": torch.cat([nodes, found])})
        return PoissonProcess(points, weights, SNAPSHOTS)


def _distance(at: Frame) -> Jet:
    """s = |x - z|, on the side that the point says."""
    return (at["x"] - BIRTH) * at.constant("side")


def _quadrature() -> tuple[Tensor, Tensor]:
    """Nodes and weights of two Gauss-Legendre rules, on (0, z) and (z, 1)."""
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    half = (nodes + 1) / 2
    x = np.concatenate([half * BIRTH, BIRTH + half * (1 - BIRTH)])
    w = np.concatenate([weights * BIRTH, weights * (1 - BIRTH)]) / 2
    return torch.from_numpy(x), torch.from_numpy(w)


def _thinned(draw: np.random.Generator, n: int, u: Callable[[Tensor], Tensor]) -> Tensor:
    """n positions with density ~ u, which is greatest at z, by rejection."""
    greatest = float(u(torch.tensor([BIRTH], dtype=torch.float64)))
    kept = torch.zeros(0, dtype=torch.float64)
    while len(kept) < n:
        x = torch.from_numpy(draw.random(2 * n + 16))
        kept = torch.cat([kept, x[torch.from_numpy(draw.random(len(x))) * greatest < u(x)]])
    return kept[:n]
