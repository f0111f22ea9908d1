"""Descents of the direct fit: from candidates to local minima on one grid."""

from __future__ import annotations

from collections.abc import Iterable
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
        model: GrowthMap | None = None,
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
        model : GrowthMap, optional
            Coarser cells, for the derivatives alone; the grid is then that of the voxels.
        """
        trust = Trust(radius, tolerance)
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
        u = density(g)
        objective, onto = self.inverse.objective.visible(u, _VISIBLE)
        point = start_point(onto(u), objective, g, candidate.thresholds, search)
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
        u, slopes = density(g), None
        objective, onto = objective.visible(u, _VISIBLE)
        if model is not None:
            parts, shape = round(model.h / grid.h), grid.phi.shape
            slopes = from_coarser(
                self.density(model, start), search, lambda v: onto(spread(v, parts, shape))
            )
        point = start_point(onto(u), objective, g, start.thresholds, search)
        end, converged = minimise(
            lambda at: onto(density(at)), objective, point, search, trust, slopes
        )
        growth = self.unpack(end.g, start.x0)
        return Candidate(*growth, end.thresholds, end.objective, converged)
