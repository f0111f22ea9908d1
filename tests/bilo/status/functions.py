"""Problems with unknown functions, solved by finite differences."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from scipy.interpolate import RegularGridInterpolator
from scipy.sparse import diags, eye, kron
from scipy.sparse.linalg import spsolve

from bilo.inverse import shapes
from bilo.inverse.box import Box
from bilo.inverse.function import Function
from bilo.inverse.problem import Problem
from bilo.inverse.regulariser import slope

CELLS = 200
SIDE = 40


def _nodal(f: Any) -> Any:
    return shapes.nodal_values(f, CELLS + 1)


class TwoFunctions(Problem):
    """-(a u')' + b u = 1 + 20 x on (0, 1), u = 0 at both ends."""

    box = Box(x=(0, 1))
    unknowns: Any = (
        Function(
            "a",
            ("x",),
            shapes.pinned_at_ends(1.0),
            start=shapes.everywhere(1.0),
            truths=(shapes.of(lambda x: 1 + 0.5 * (torch.pi * x).sin()),),
            width=16,
            regulariser=slope(101),
        ),
        Function(
            "b",
            ("x",),
            start=shapes.everywhere(2.0),
            truths=(shapes.of(lambda x: 4 + 3 * (2 * torch.pi * x).cos()),),
            width=16,
            scale=4.0,
            regulariser=slope(101),
        ),
    )
    nodes = 101

    def transform(self, N: Any, at: Any) -> Any:
        return N * at.vanishing("x")

    def residual(self, u: Any, at: Any) -> Any:
        a, b = at["a"], at["b"]
        flux = a.d("x") * u.d("x") + a.d("1") * u.d("x", "x")
        return b.d("1") * u.d("1") - flux - (at["x"] * 20.0 + 1).d("1")

    def solve(self, theta: Any) -> Any:
        a, b = _nodal(theta["a"]), _nodal(theta["b"])
        nodes = np.linspace(0, 1, CELLS + 1)
        middle, h = (a[1:] + a[:-1]) / 2, 1 / CELLS
        main = (middle[1:] + middle[:-1]) / h**2 + b[1:-1]
        other = -middle[1:-1] / h**2
        u = np.zeros(CELLS + 1)
        u[1:-1] = spsolve(diags([other, main, other], [-1, 0, 1]).tocsc(), 1 + 20 * nodes[1:-1])
        return lambda x: np.interp(x, nodes, u)


class DiscSource(Problem):
    """-(u_xx + u_yy) + u = f on the unit square, u = 0 around; f acts on a disc alone."""

    box = Box(x=(0, 1), y=(0, 1))
    unknowns: Any = (
        Function(
            "f",
            ("x", "y"),
            start=shapes.of(lambda x, y: 0 * x + 5.0),
            truths=(shapes.of(lambda x, y: 10 + 8 * (x - 0.5) * 4),),
            scale=10.0,
            width=16,
            regulariser=slope(11, ("x", "y")),
        ),
    )
    nodes = 21

    def transform(self, N: Any, at: Any) -> Any:
        return N * (at.vanishing("x") * at.vanishing("y"))

    def residual(self, u: Any, at: Any) -> Any:
        x, y = at["x"] - 0.5, at["y"] - 0.5
        inside = ((x * x + y * y - 0.09) * -100.0).sigmoid()
        return u - u.d("x", "x") - u.d("y", "y") - at["f"] * inside

    def solve(self, theta: Any) -> Any:
        axis = np.linspace(0, 1, SIDE + 1)
        x, y = np.meshgrid(axis, axis, indexing="ij")
        rows = {"x": torch.from_numpy(x.ravel()), "y": torch.from_numpy(y.ravel())}
        f = theta["f"](self.place(rows)).numpy().reshape(x.shape)
        inside = 1 / (1 + np.exp(100 * ((x - 0.5) ** 2 + (y - 0.5) ** 2 - 0.09)))
        n = SIDE - 1
        line = diags([-1.0, 2.0, -1.0], [-1, 0, 1], shape=(n, n)) * SIDE**2
        A = kron(line, eye(n)) + kron(eye(n), line) + eye(n * n)
        u = np.zeros_like(f)
        u[1:-1, 1:-1] = spsolve(A.tocsc(), (f * inside)[1:-1, 1:-1].ravel()).reshape(n, n)
        inner = RegularGridInterpolator((axis, axis), u, method="cubic")
        return lambda x, y: inner(np.stack([x, y], -1))
