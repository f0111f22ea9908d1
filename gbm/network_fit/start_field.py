"""What a network is given at its start: where it lives, the solution there, the tissue's ways.

All of it is tabulated at the cells of the network's grid, before anything is trained.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from gbm.domain.domain import Domain
from gbm.growth.finite_volume import FULL, TAILS, full_steps, solve
from gbm.growth.grids import Grids
from gbm.growth.growth_map import GrowthMap, coarsen
from gbm.growth.parameters import Growth
from gbm.network_fit.lifts import (
    SpreadingSeed,
    clipped,
    ease,
    heat_values,
    time_slices,
    tissue_distance,
)
from gbm.network_fit.tabulated import CharacteristicTable, Neighbourhood, single
from gbm.network_fit.walls import TISSUE, walls

EDGE, WIDER, MARGIN_MM = 2e-3, 4.0, 5.0
"""The network lives on a disc or ball: where phi u exceeds `EDGE` at the start's parameters, or
with `WIDER` times their diffusivity, and a margin. Theta travels far."""
REACH = 0.25
"""Screening length of the tissue's distance as an input of the network, in units of L,"""
SHARP_REACH = 0.125
"""and of the distance in the heat field, which follows the tissue more closely."""


@dataclass(frozen=True)
class StartField:
    """The surroundings of a tumour as a network sees them.

    Attributes
    ----------
    grid : GrowthMap
        Of the network.
    grids : Grids
    inside : ndarray (n_1, .., n_d), bool
        Cells that the network lives on.
    table : CharacteristicTable
        The start's solution at all times.
    known : dict of Tensor (cells,)
        Coordinates, coefficients of the equation, distance d and ease q with their derivatives.
    final, greatest : ndarray
        On the cells of the objective: the start's density at the scan, and the greatest of it and
        that of a much wider front.
    on_objective : dict of ndarray
        d and q there.
    """

    grid: GrowthMap
    grids: Grids
    inside: np.ndarray
    table: CharacteristicTable
    known: dict[str, Tensor]
    final: np.ndarray
    greatest: np.ndarray
    on_objective: dict[str, np.ndarray]

    @classmethod
    def of(cls, domain: Domain, start: Growth, seed: SpreadingSeed, grids: Grids) -> StartField:
        """Solve and tabulate."""
        grid, length = GrowthMap.of(domain, grids.network), domain.numbers["radius_WT_mm"]
        times = time_slices(start.DT, seed)
        r2, q = ease(grid, SHARP_REACH * length, seed)
        u = _solved(grid, start, seed, times)
        wide = _solved(grid, Growth(WIDER * start.DT, start.rhoT), seed, (1.0,))[0]
        greatest, r = np.maximum(u[-1], wide), np.sqrt(r2)
        reached = (grid.phi * greatest > EDGE) | (r < 2 * grid.h)
        # Beyond the tissue nothing grows; through the walls in it the equation has to pass.
        inside = (grid.phi > TISSUE) | walls(grid)
        inside &= r < float(r[reached].max()) + MARGIN_MM
        cells = np.flatnonzero(inside)
        near = Neighbourhood.of(grid, cells)
        fields = (heat_values(r2, q, float(t), seed, start) for t in times)
        rows = [clipped(v, H).ravel()[near.used] for v, H in zip(u, fields, strict=True)]
        at = torch.as_tensor(times).float()
        table = CharacteristicTable(at, torch.from_numpy(np.stack(rows)), near, start)
        distance = tissue_distance(grid, seed.x0, REACH * length) / length
        places = np.meshgrid(*grid.axes, indexing="ij")
        known = {x: v.ravel()[cells] for x, v in zip(near.axes, places, strict=True)}
        known |= {k: v for k, v in near.coefficients.items() if k[0] in "Pb"}
        known = single(known | near.field("d", distance) | near.field("q", q))
        final, most, d, ways = (coarsen(v, grids.per_cell) for v in (u[-1], greatest, distance, q))
        return cls(grid, grids, inside, table, known, final, most, {"d": d, "q": ways})

    def observed(self, u: np.ndarray) -> np.ndarray:
        """Means over the cells of the objective."""
        return coarsen(u, self.grids.per_cell)


def _solved(
    grid: GrowthMap, growth: Growth, seed: SpreadingSeed, times: Sequence[float] | np.ndarray
) -> np.ndarray:
    """Finite volumes down to the tails."""
    steps, arithmetic = full_steps(grid, growth), FULL if grid.dimensions == 2 else TAILS
    return solve(grid, growth, seed, times=times, steps=steps, arithmetic=arithmetic)
