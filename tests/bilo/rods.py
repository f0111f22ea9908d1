"""A rod of two materials, by its weak form."""

from __future__ import annotations

from typing import Any

import torch

from bilo import Box, Cells, Function, LeastSquares, Points, Problem, Regulariser
from bilo.inverse.shapes import everywhere

NODES, CUT = 21, 0.525
"""Nodes of the cells, and the cut between two of them."""


class Rod(Problem):
    """-(a u')' = 10 on (0, 1), u = 0 at both ends: a = 1, and 3 behind the cut."""

    box = Box(x=(0, 1))
    nodes = NODES
    unknowns = (
        Function(
            "a",
            ("x",),
            start=everywhere(2.0),
            regulariser=Regulariser(box.grid(NODES), corner=0.1),
            cells=Cells(NODES, low=0.5, high=5.0),
        ),
    )

    def transform(self, N: Any, at: Any) -> Any:
        """u = N x (1 - x)."""
        return N * at.vanishing("x")

    def residual(self, u: Any, at: Any) -> Any:
        """r = (a u')' + 10."""
        return at["a"].d("x") * u.d("x") + at["a"].d("1") * u.d("x", "x") + 10

    def weak(self, u: Any, v: Any, at: Any) -> Any:
        """a u' v' - 10 v."""
        return at["a"] * u.d("x") * v.d("x") - 10 * v


def rod_data() -> LeastSquares:
    """The exact deflection at the nodes."""
    x = torch.linspace(0, 1, NODES, dtype=torch.float64)
    flux = (5 * CUT**2 + 5 * (1 - CUT**2) / 3) / (CUT + (1 - CUT) / 3)
    left, right = flux * x - 5 * x**2, (5 * (1 - x**2) - flux * (1 - x)) / 3
    return LeastSquares(Points({"x": x}), torch.where(x < CUT, left, right))
