"""An unknown function by its values at the nodes of an equidistant grid, constant around each.

A function that jumps has no network of a few smooth features, and one whose equation is stated in
its weak form needs no derivatives: its values themselves are the params, with bounds.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, fields, replace

import torch
from torch import Tensor

from bilo.inverse.coordinate_jets import CoordinateJets
from bilo.inverse.function import Function
from bilo.inverse.points import Points
from bilo.inverse.problem import Problem
from bilo.inverse.unknown import PointFunction
from bilo.taylor.jets import Jet


@dataclass(frozen=True)
class Cells:
    """A grid, and the bounds of the values at its nodes.

    Parameters
    ----------
    nodes : int
        Along every axis, ends included.
    low, high : float

    Raises
    ------
    ValueError
        If that is no number of nodes, or no interval.
    """

    nodes: int
    low: float
    high: float

    def __post_init__(self) -> None:
        if not isinstance(self.nodes, int) or self.nodes < 2:
            raise ValueError(
                f"cells: {self.nodes!r} nodes an axis is no whole number of at least 2, its ends: "
                "Cells(nodes, low, high)"
            )
        if not self.low < self.high:
            raise ValueError(
                f"cells: ({self.low:g}, {self.high:g}) is no interval: Cells(nodes, low, high)"
            )


@dataclass(frozen=True)
class CellProducts:
    """A number a point made from a cellwise function's jet, by its products with the params.

    Attributes
    ----------
    f : CellFunction
    at : CoordinateJets
    by_jets : Tensor (P, N)
        Derivative of the number by the function's value and slopes there.
    """

    f: CellFunction
    at: CoordinateJets
    by_jets: Tensor

    def times(self, v: Tensor) -> Tensor:
        """J v (N,) of v (size,)."""
        return (self.by_jets * self.f.input(v, self.at)[0]).sum(0) * self.f.scale

    def transposed(self, w: Tensor) -> Tensor:
        """J^T w (size,) of w (N,)."""
        with torch.enable_grad():
            v = w.new_zeros(self.f.size).requires_grad_()
            (found,) = torch.autograd.grad(self.times(v) @ w, v)
        return found


@dataclass(frozen=True, eq=False)
class CellFunction(Function):
    """f at x is the value at the nearest node; its slopes are differences over the cell of x.

    The cell of x lies between neighbouring nodes, and its slope along a coordinate is that along
    the edge at its low corner. Params are the values over the scale.

    Parameters
    ----------
    cells : Cells
    """

    @property
    def _grid(self) -> Cells:
        assert self.cells is not None
        return self.cells

    @property
    def size(self) -> int:
        """Nodes."""
        return int(self._grid.nodes ** len(self.coordinates))

    @property
    def nodes(self) -> Points:
        """The grid, the last coordinate running fastest."""
        return self.domain.grid(self._grid.nodes)

    def start_params(self, seed: int) -> Tensor:
        """The first guess at the nodes."""
        return self.fitted(self.start, torch.empty(0))

    def fitted(self, function: PointFunction, params: Tensor) -> Tensor:
        """A function at the nodes, inside the bounds."""
        low, high = self.param_bounds()
        return self.read(function, self.nodes).clamp(low, high)

    def random_params(self, seed: int) -> Tensor:
        """The first guess: there is nothing to draw."""
        return self.start_params(seed)

    def param_bounds(self) -> tuple[Tensor, Tensor]:
        """Bounds of the values, over the scale."""
        one = torch.ones(self.size, dtype=torch.float64) / self.scale
        return self._grid.low * one, self._grid.high * one

    def input(self, params: Tensor, at: CoordinateJets) -> Tensor:
        """Value and slopes over the scale, (1, P, N)."""
        last = self._grid.nodes - 1
        relative = self.domain.relative({c: at[c].value.detach() for c in self.coordinates})
        places = torch.stack([relative[c] * last for c in self.coordinates])
        rows = [params[self._index(places.round())]]
        corner = places.floor().clamp(max=last - 1)
        for name in at.streams.names[1:]:
            if name not in at.streams.first:
                raise ValueError(f"{self.name} has no derivative {name!r}: it is one of values")
            if name not in self.coordinates:
                rows.append(torch.zeros_like(rows[0]))
                continue
            along = torch.zeros_like(corner)
            along[self.coordinates.index(name)] = 1
            low, high = self.domain.intervals[name]
            rise = params[self._index(corner + along)] - params[self._index(corner)]
            rows.append(rise * (last / (high - low)))
        return torch.stack(rows)[None]

    def _index(self, node: Tensor) -> Tensor:
        """Positions (N,) of nodes (d, N)."""
        found = torch.zeros_like(node[0])
        for row in node:
            found = found * self._grid.nodes + row
        return found.long()

    def factored(
        self, params: Tensor, at: CoordinateJets, form: Callable[[Jet], Tensor]
    ) -> CellProducts:
        """The transpose of `rows` by its products."""
        with torch.enable_grad():
            data = (self.input(params.detach(), at) * self.scale).requires_grad_()
            (by_jets,) = torch.autograd.grad(form(Jet(data, at.streams)).sum(), data)
        return CellProducts(self, at, by_jets[0])

    def rows(self, params: Tensor, at: CoordinateJets, form: Callable[[Jet], Tensor]) -> Tensor:
        """Derivative by the values of one number (N,) a point: (size, N)."""
        J = self.factored(params, at, form)
        return torch.stack([J.times(e) for e in torch.eye(self.size).to(params)])


def on_cells(problem: Problem) -> Problem:
    """The same problem with the functions that state `Function.cells` by their values there.

    A regulariser is taken at the midpoints of the cells, as discretised problems have it (`Nodal`).
    """
    other = copy.copy(problem)
    other.unknowns = tuple(
        _by_values(k) if isinstance(k, Function) and k.cells else k for k in problem.unknowns
    )
    return other


def _by_values(f: Function) -> CellFunction:
    assert f.cells is not None
    own = {field.name: getattr(f, field.name) for field in fields(f)}
    if f.regulariser is not None:
        middles = f.domain.midpoints(f.cells.nodes - 1)
        own["regulariser"] = replace(f.regulariser, points=middles)
    return CellFunction(**own)
