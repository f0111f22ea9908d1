"""Descents of the direct fit: from candidates to local minima on one grid."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from gbm.growth.finite_volume import default_steps, solve
from gbm.growth.growth_map import GrowthMap, coarsen, spread
from gbm.growth.inverse_problem import GrowthInverseProblem
from gbm.growth.parameters import Growth
from gbm.growth.region_loss import RegionLoss
from gbm.search.coarse_search import Candidate, in_tissue
from gbm.search.trust_region import (
    Density,
    Search,
    Trust,
    from_coarser,
    minimise,
    start_point,
)

if TYPE_CHECKING:
    from gbm.domain.domain import Domain

_ORIGIN_SCALE_MM = 10.0  # a move of the origin that changes as much as one unit of ln lambda
_STEPS_RESERVE = 1.2
Kept = Callable[[np.ndarray], np.ndarray]
_COARSER = 2
_VISIBLE = 1e-3
"""Density at the start of a descent in a volume below which a cell is not seen during it: with
lambda = 3 mm it lies 15 mm outside the outline."""


@dataclass(frozen=True)
class LocalSearch:
    """The objective as a function of g = (ln lambda, ln rho T[, x0]), its prior included.

    Attributes
    ----------
    domain : Domain
        The patient's problem.
    free : bool
        Whether x0 is an unknown; otherwise that of a candidate is kept.
    inverse : GrowthInverseProblem
        Bounds, seed and prior of the growth parameters.
    """

    domain: Domain
    free: bool
    inverse: GrowthInverseProblem

    def run(
        self,
        grid: GrowthMap,
        objective: RegionLoss,
        candidates: Iterable[Candidate],
        radius: float,
        tolerance: float,
        cells: int = 1,
        *,
        coarser: bool = False,
    ) -> list[Candidate]:
        """Local minima reached from the candidates, best first.

        Parameters
        ----------
        grid : GrowthMap
            Where the equation is solved.
        objective : RegionLoss
            On blocks of `cells` cells of the grid along each axis.
        candidates : iterable of Candidate
            Starts.
        radius, tolerance : float
            First trust radius and least predicted decrease, see `trust_region.minimise`.
        cells : int
            Cells of the grid along a voxel of the objective.
        coarser : bool
            Whether derivatives come from cells twice as large; the grid is that of the voxels.
        """
        trust = Trust(radius, tolerance)
        model = GrowthMap.of(self.domain, _COARSER) if coarser else None
        ends = [self._one(grid, objective, start, trust, cells, model) for start in candidates]
        return sorted(ends, key=lambda end: end.objective)

    def steepen(
        self,
        grid: GrowthMap,
        candidates: Iterable[Candidate],
        radius: float,
        tolerance: float,
        most: int | None = None,
    ) -> list[Candidate]:
        """Minima of the final objective on the voxels, through all slopes, best first.

        Of the minima at the first slope the best `most` go on, by default all.
        """
        first, *others = self.inverse.steepened
        ends = self.run(grid, first, candidates, radius, tolerance)[:most]
        for objective in others:
            ends = self.run(grid, objective, ends, radius / 2, tolerance)
        return ends

    def judged(self, grid: GrowthMap, candidate: Candidate) -> Candidate:
        """A candidate with its best thresholds for the final objective, and its value there."""
        search, density = self.search(candidate.x0), self.density(grid, candidate)
        g = np.clip(self.pack(candidate), search.low, search.high)
        objective: RegionLoss = self.inverse.objective
        kept: Kept = _everything
        if grid.dimensions == 3:
            objective, kept = _visible(density(g), objective)
        point = start_point(
            lambda at: kept(density(at)), objective, g, candidate.thresholds, search
        )
        return replace(candidate, thresholds=point.thresholds, objective=point.objective)

    def search(self, x0: np.ndarray) -> Search:
        """Bounds and scales of g; with a fixed origin every g belongs to `x0`."""
        bounds = self.inverse.growth_bounds
        limits = np.log([bounds["lambda_mm"], bounds["rhoT"]])
        scale = np.ones(2)
        if self.free:
            limits = np.vstack([limits, *([axis[0], axis[-1]] for axis in self.domain.axes)])
            scale = np.append(scale, np.full(self.domain.dimensions, _ORIGIN_SCALE_MM))
        return Search(
            limits[:, 0],
            limits[:, 1],
            scale,
            self.inverse.threshold_bounds,
            lambda g: in_tissue(self.domain, g[2:] if self.free else x0),
            self.inverse.growth_prior.along(np.zeros(2), np.eye(2, len(scale))),
        )

    def pack(self, candidate: Candidate) -> np.ndarray:
        """Growth parameters g of a candidate."""
        growth = np.log([candidate.lambda_mm, candidate.rhoT])
        return np.concatenate([growth, candidate.x0]) if self.free else growth

    def unpack(self, g: np.ndarray, x0: np.ndarray) -> tuple[float, float, np.ndarray]:
        """Return lambda (mm), rho T and the origin at g; `x0` is the origin when it is fixed."""
        return float(np.exp(g[0])), float(np.exp(g[1])), g[2:] if self.free else x0

    def density(self, grid: GrowthMap, candidate: Candidate, cells: int = 1) -> Density:
        """Final density on the objective's voxels as a function of g near a candidate.

        The number of time steps is that of the candidate, with a reserve: one that changed with g
        would spoil finite differences.
        """
        steps = int(_STEPS_RESERVE * default_steps(candidate.growth, grid.h, grid.dimensions))

        def u(g: np.ndarray) -> np.ndarray:
            lambda_mm, rhoT, x0 = self.unpack(g, candidate.x0)
            growth, seed = Growth.of_lambda(lambda_mm, rhoT), self.inverse.seed(x0)
            return coarsen(solve(grid, growth, seed, steps=steps)[0], cells)

        return u

    def _one(
        self,
        grid: GrowthMap,
        objective: RegionLoss,
        start: Candidate,
        trust: Trust,
        cells: int,
        model: GrowthMap | None,
    ) -> Candidate:
        search, density = self.search(start.x0), self.density(grid, start, cells)
        g = np.clip(self.pack(start), search.low, search.high)
        kept: Kept = _everything
        slopes = None
        if grid.dimensions == 3:
            objective, kept = _visible(density(g), objective)
        if model is not None:
            shape = grid.phi.shape
            slopes = from_coarser(
                self.density(model, start), search, lambda v: kept(spread(v, _COARSER, shape))
            )
        here = lambda at: kept(density(at))  # noqa: E731
        point = start_point(here, objective, g, start.thresholds, search)
        end, converged = minimise(here, objective, point, search, trust, slopes)
        growth = self.unpack(end.g, start.x0)
        return Candidate(*growth, end.thresholds, end.objective, converged)


def _everything(u: np.ndarray) -> np.ndarray:
    return u


def _visible(u: np.ndarray, objective: RegionLoss) -> tuple[RegionLoss, Kept]:
    """The objective on the cells that may show near a density, and how fields come onto them.

    The segmented cells stay; all others are lumped into one where u = 0.
    """
    small, cells = objective.kept(np.flatnonzero(u > _VISIBLE))
    return small, lambda field: np.append(field.ravel()[cells].astype(float), 0.0)
