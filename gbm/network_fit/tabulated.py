"""Fields on a grid as jets: values and derivatives at some cells, from cells and their neighbours.

With w the share of the upper face in P phi and d+, d- the differences across the faces along x,

    a_x = (w d+ + (1 - w) d-) / h,        a_xx = 4 w (1 - w) (d+ - d-) / h^2:

P a_xx + b a_x is then the finite-volume flux balance, P a_x the mean flux, and nothing is seen
through a wall of the tissue.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bilo.inverse.point_jets import PointJets
from bilo.taylor.jets import Jet
from bilo.taylor.streams import VALUE
from gbm.domain.domain import AXES
from gbm.growth.growth_map import GrowthMap, pairs
from gbm.growth.parameters import Growth


def coefficients(grid: GrowthMap) -> dict[str, np.ndarray]:
    """P, b = grad(P phi) / phi and the upper face's share w, by direction, at the cells.

    No flux at the outer box.
    """
    found = {}
    for axis, (name, face) in enumerate(zip(AXES, grid.faces, strict=False)):
        walled = np.pad(face.astype(float), [(int(axis == k),) * 2 for k in range(face.ndim)])
        below, above = pairs(walled, axis)
        found[f"w{name}"] = above / (above + below + 1e-30)
        found[f"P{name}"] = (above + below) / (2 * grid.phi)
        found[f"b{name}"] = (above - below) / (grid.h * grid.phi)
    return found


@dataclass(frozen=True)
class Neighbourhood:
    """Some cells of a grid with their neighbours, and the equation's coefficients there.

    Attributes
    ----------
    h : float
        Cell size, mm.
    used : ndarray (U,)
        Flat indices of all cells that are looked at.
    around : Tensor (1 + 2 d, cells)
        Places in `used` of each cell, then of its upper and lower neighbour along each axis. Beyond
        the outer box a cell is its own neighbour: no flux.
    coefficients : dict of Tensor (cells,)
        See `coefficients`.
    """

    h: float
    used: np.ndarray
    around: Tensor
    coefficients: dict[str, Tensor]

    @classmethod
    def of(cls, grid: GrowthMap, cells: np.ndarray) -> Neighbourhood:
        """The neighbourhood of cells given by flat indices."""
        shape = grid.phi.shape
        place = np.array(np.unravel_index(cells, shape))
        rows = [cells]
        for axis, n in enumerate(shape):
            for step in (1, -1):
                moved = place.copy()
                moved[axis] = np.clip(moved[axis] + step, 0, n - 1)
                rows.append(np.ravel_multi_index(tuple(moved), shape))
        used, inverse = np.unique(np.stack(rows), return_inverse=True)
        c = {k: torch.from_numpy(v.ravel()[cells]) for k, v in coefficients(grid).items()}
        around = torch.from_numpy(inverse.reshape(len(rows), len(cells)))
        return cls(grid.h, used, around, c)

    @property
    def axes(self) -> tuple[str, ...]:
        """Names of the axes."""
        return AXES[: len(self.around) // 2]

    def field(self, name: str, a: np.ndarray) -> dict[str, Tensor]:
        """A field (n_1, .., n_d) on the grid with its derivatives ``name_x``, .. at all cells."""
        values = torch.from_numpy(np.ascontiguousarray(a.ravel()[self.used], dtype=float))
        return self.derivatives(name, values[self.around], self.coefficients)

    def derivatives(self, name: str, around: Tensor, c: dict[str, Tensor]) -> dict[str, Tensor]:
        """Value and derivatives from the values (1 + 2 d, N) around some cells."""
        centre, found = around[0], {name: around[0]}
        for axis, x in enumerate(self.axes):
            above, below = around[1 + 2 * axis] - centre, centre - around[2 + 2 * axis]
            w = c[f"w{x}"]
            found[f"{name}_{x}"] = (w * above + (1 - w) * below) / self.h
            found[f"{name}_{x}{x}"] = 4 * w * (1 - w) * (above - below) / self.h**2
        return found


@dataclass(frozen=True)
class CharacteristicTable:
    """Logit of the finite-volume solution at the start, with derivatives.

    Attributes
    ----------
    times : Tensor (K,)
        Slices, dense where the seed still spreads.
    values : Tensor (K, U), float64
        The logit at the cells of the neighbourhood.
    near : Neighbourhood
    growth : Growth
        Of the start.
    """

    times: Tensor
    values: Tensor
    near: Neighbourhood
    growth: Growth

    @property
    def cells(self) -> int:
        """Number of cells that points may lie at."""
        return int(self.near.around.shape[1])

    @property
    def logit(self) -> Tensor:
        """The logit at all slices and cells, (K, cells)."""
        return self.values[:, self.near.around[0]]

    def slice_after(self, t: Tensor) -> Tensor:
        """Index of the first slice not before t (N,)."""
        return torch.searchsorted(self.times, t.contiguous()).clamp(max=len(self.times) - 1)

    def at(self, t: Tensor, cells: Tensor) -> dict[str, Tensor]:
        """The logit and its derivatives at times (N,) and cells (N,), linear in time."""
        k = self.slice_after(t).clamp(min=1)
        low, high = self.times[k - 1], self.times[k]
        share = ((t - low) / (high - low)).double()
        c = {name: v[cells] for name, v in self.near.coefficients.items()}
        around = self.near.around[:, cells]
        before, after = (self._slice(j, around, c) for j in (k - 1, k))
        return {n: ((1 - share) * before[n] + share * after[n]).float() for n in before}

    def _slice(self, k: Tensor, around: Tensor, c: dict[str, Tensor]) -> dict[str, Tensor]:
        """At slices k (N,): the derivatives, that by time from the equation."""
        d = self.near.derivatives("a", self.values[k, around], c)
        s = -torch.tanh(d["a"] / 2)  # 1 - 2u
        flux = [
            c[f"P{x}"] * (d[f"a_{x}{x}"] + s * d[f"a_{x}"] ** 2) + c[f"b{x}"] * d[f"a_{x}"]
            for x in self.near.axes
        ]
        return {**d, "a_t": self.growth.rhoT + self.growth.DT * sum(flux[1:], flux[0])}

    def jet(self, at: PointJets) -> Jet:
        """The tabulated logit as a jet; the points must carry the table's quantities."""
        return tabulated(at, "a", at.points.known.get("a_t"))


def tabulated(at: PointJets, name: str, rate: Tensor | None) -> Jet:
    """The jet of a field that the points carry with its derivatives, and its time derivative.

    Where only values are asked for, only the value need be there.
    """
    known = at.points.known
    if at.streams is VALUE:
        return Jet.known(known[name])
    assert rate is not None
    axes = [x for x in AXES if x in at.points.coordinates]
    first = {"t": rate} | {x: known[f"{name}_{x}"] for x in axes}
    second = {(x, x): known[f"{name}_{x}{x}"] for x in axes}
    return Jet.tabulated(known[name], first, second, at.streams)


def single(fields: dict[str, Any]) -> dict[str, Tensor]:
    """Fields in the precision of a network."""
    return {k: torch.as_tensor(v, dtype=torch.float32) for k, v in fields.items()}


def summed(jets: Sequence[Jet]) -> Jet:
    """The sum of some jets."""
    first, *others = jets
    for other in others:
        first = first + other
    return first
