"""Unknown boundary values: the comparison with bi-level physics-informed networks (section 4.7)."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Literal

import torch
from torch import Tensor

from bilo.inverse.frame import Frame
from bilo.inverse.objective import LeastSquares
from bilo.inverse.points import Points
from bilo.inverse.problem import Condition, Problem
from bilo.inverse.unknown import Scalar
from bilo.taylor.jets import Jet
from bilo.taylor.streams import Operator

Boundary = Literal["hard", "soft"]


class BoundaryValues(Problem):
    """y'' = 2 on (0, 1), y(0) = t0, y(1) = t1: y = t0 (1 - x) + t1 x + x^2 - x.

    The objective, int (y - x^2)^2 dx, is least at (0, 1) (Hao et al. 2023).

    Parameters
    ----------
    boundary : {"hard", "soft"}
        Whether the transform imposes the boundary values, or losses ask for them, as in the source.
    """

    name = "bpn"
    coordinates = ("x",)
    unknowns = (
        Scalar("t0", start=1.0, truth=0.0, bounds=(-2.0, 2.0)),
        Scalar("t1", start=1.0, truth=1.0, bounds=(-2.0, 2.0)),
    )

    def __init__(self, boundary: Boundary = "hard") -> None:
        self.boundary = boundary

    def principal(self, at: Frame) -> Operator:
        """M y = y''."""
        return Operator("M", diffusion=(("x", "x", 1.0),))

    def transform(self, N: Jet, at: Frame) -> Jet:
        """y = t0 (1 - x) + t1 x + N x (1 - x), or N where the boundary is soft."""
        if self.boundary == "soft":
            return N
        x = at["x"]
        line = at.memo("line", lambda at: at["t0"] * (1 - x) + at["t1"] * x)
        return line + N * at.memo("x(1-x)", lambda at: x * (1 - x))

    def residual(self, u: Jet, at: Frame) -> Jet:
        """r = y'' - 2."""
        return at.apply(u) - 2.0

    def conditions(self) -> tuple[Condition, ...]:
        """y(0) = t0 and y(1) = t1, where the boundary is soft."""
        if self.boundary == "hard":
            return ()
        return tuple(
            Condition(Points({"x": torch.tensor([x])}), functools.partial(_end, name))
            for name, x in (("t0", 0.0), ("t1", 1.0))
        )

    def collocation(self, n: int | None, generator: torch.Generator) -> Points:
        """64 equidistant points, or n midpoints."""
        x = torch.linspace(0, 1, 64) if n is None else (torch.arange(n) + 0.5) / n
        return Points({"x": x})

    def reference(self, theta: Mapping[str, float]) -> Callable[[Points], Tensor]:
        """The exact solution."""

        def at(points: Points) -> Tensor:
            x = points.coordinates["x"].double()
            return theta["t0"] * (1 - x) + theta["t1"] * x + x * x - x

        return at

    def observe(self, theta: Mapping[str, float], noise: float, seed: int) -> LeastSquares:
        """y at the midpoints of 64 cells: their mean square is the integral."""
        points = Points({"x": (torch.arange(64, dtype=torch.float64) + 0.5) / 64})
        generator = torch.Generator().manual_seed(seed)
        values = self.reference(theta)(points)
        values += noise * torch.randn(64, generator=generator, dtype=torch.float64)
        return LeastSquares(points, values)


def _end(name: str, u: Jet, at: Frame) -> Jet:
    """y - t at an end."""
    return u.d("1") - at[name].d("1")
