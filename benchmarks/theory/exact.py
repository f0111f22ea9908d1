"""The exact gradient of a data term by an unknown function: the adjoint of the discretised problem.

    G_i = dL/df_i = (du/df_i)^T dL/du,      f_i the nodal values,

of the scheme that classical methods use (`usual`), or of a finer one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bilo.inverse.box import Box
from bilo.inverse.objective import SeparableObjective
from bilo.inverse.points import EXACT, Points, grid
from bilo.inverse.problem import Problem
from bilo.inverse.shapes import nodal_values
from bilo.solvers import burgers, darcy, heat, poisson, source
from bilo.solvers.discretised import Array, Pull
from bilo.solvers.interpolation import interpolation

Theta = Mapping[str, Any]
Solved = tuple[Points, Array, Pull]
"""Nodes, u at the data, and cotangents of it -> gradient by the nodal values."""


@dataclass(frozen=True)
class NodalGradient:
    """A gradient by nodal values, and the quadrature of their grid.

    Attributes
    ----------
    nodes : Points
    weights : Tensor (N,)
        Of the L2 product over the domain.
    values : Tensor (N,)
        dL/df_i: the gradient in L2 is this over the weights.
    """

    nodes: Points
    weights: Tensor
    values: Tensor


def exact_gradient(
    problem: Problem, theta: Theta, data: SeparableObjective, *, usual: bool = False
) -> NodalGradient:
    """Of the data term at some unknowns, by the problem's one function."""
    points = {c: v.numpy() for c, v in data.points.to(EXACT).coordinates.items()}
    nodes, u, pull = SCHEMES[problem.name](theta, points, usual)
    by_data = data.gradient(torch.from_numpy(np.asarray(u)), data.start)[1]
    values = torch.from_numpy(np.asarray(pull(by_data.numpy())).ravel())
    return NodalGradient(nodes, _trapezoidal(nodes), values)


def _poisson(theta: Theta, at: Mapping[str, Array], usual: bool) -> Solved:
    n = poisson.NODAL if usual else 5 * poisson.NODAL
    D, C = nodal_values(theta["D"], n + 1), interpolation(n, at["x"])
    u = poisson.solve(D)
    return Box.unit(("x",)).grid(n + 1), C @ u, lambda c: poisson.adjoint(D, u, c @ C)


def _heat(theta: Theta, at: Mapping[str, Array], usual: bool) -> Solved:
    n = heat.NODAL if usual else 10 * heat.NODAL
    K = heat.propagator(n, at["t"], at["x"])
    return Box.unit(("x",)).grid(n + 1), K @ nodal_values(theta["f"], n + 1), lambda c: c @ K


def _burgers(theta: Theta, at: Mapping[str, Array], usual: bool) -> Solved:
    cells = burgers.CELLS if usual else 4 * burgers.CELLS
    nodes = Points({"x": torch.from_numpy(burgers.centres(cells))})
    C = burgers.observation(at["x"], cells)
    u, pull = burgers.pullback(theta["f"](nodes).numpy())
    return nodes, C @ u, lambda c: pull(c @ C)


def _darcy(theta: Theta, at: Mapping[str, Array], usual: bool) -> Solved:
    # odd, so that the data are at nodes and the squares about these hold whole ones
    k = 1 if usual else 3
    n = (darcy.NODES - 1) * k + 1
    nodes = Box.unit(("x", "y")).grid(n)
    operator = darcy.factorise(theta["A"](nodes).numpy().reshape(n, n))
    u = operator.solve()

    def pull(c: Array) -> Array:
        at_nodes = np.zeros((n, n))
        at_nodes[::k, ::k] = c.reshape(darcy.NODES, darcy.NODES)
        return operator.adjoint(u, at_nodes)

    return nodes, u[::k, ::k].ravel(), pull


def _source(theta: Theta, at: Mapping[str, Array], usual: bool) -> Solved:
    n, k = source.CELLS // 2 if usual else source.CELLS, theta["k"]
    nodes = Box.unit(("x", "y")).grid(n + 1)
    inside = source.nodes(n)[2]
    u = source.solve(theta["f"](nodes).numpy().reshape(n + 1, n + 1), k, at["x"], at["y"])
    return nodes, u, lambda c: inside * source.adjoint(n, k, at["x"], at["y"], c)


SCHEMES: dict[str, Callable[[Theta, Mapping[str, Array], bool], Solved]] = {
    "poisson": _poisson,
    "heat": _heat,
    "burgers": _burgers,
    "darcy": _darcy,
    "source": _source,
}


def _trapezoidal(nodes: Points) -> Tensor:
    """Half a cell where nodes stand at the ends of an axis; whole ones where they are centres."""
    parts = {}
    for name, x in nodes.coordinates.items():
        axis = x.unique()
        width = 1 / len(axis) if axis[0] > 0 else 1 / (len(axis) - 1)
        parts[name] = torch.full_like(axis, width)
        if axis[0] == 0:
            parts[name][[0, -1]] /= 2
    return torch.stack(list(grid(**parts).coordinates.values())).prod(0)
