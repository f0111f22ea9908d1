"""The direct fit: the segmentation objective minimised with the finite-volume solver itself.

It is what a practitioner would use for a handful of scalars, and the reference every network is
compared with. Unknowns are ln lambda, ln rho T, both thresholds and, unless fixed, the origin x0.
Coarse starts are screened at two gentle slopes k; the best of different basins descend on 2 mm,
then on 1 mm cells, where k doubles up to its final value, and the winners are finished on the
refined grid. The objective always lives on the 1 mm voxels, with cell means of the refined
solution. A volume is dear: k doubles on 2 mm already, and only the winners are finished on 1 mm.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from gbm.growth.characteristic import Characteristic
from gbm.growth.finite_volume import solve
from gbm.growth.grids import Grids
from gbm.growth.growth_map import GrowthMap, coarsen
from gbm.growth.inverse_problem import GrowthInverseProblem
from gbm.growth.parameters import Growth
from gbm.search.coarse_search import Candidate, distinct, origins, screen
from gbm.search.local_search import LocalSearch

if TYPE_CHECKING:
    from gbm.domain.domain import Domain

# Basins go on to the next grid if their objective is within this of the best, and so many at most:
# the coarser grid errs by about as much.
_ON_VOXELS, _ON_REFINED = (0.03, 4), (0.003, 2)
_FINISHED = (0.003, 2)
"""Of a volume, on 1 mm."""
_SAME_START = (6.0, 0.5)  # mm of x0 and ln lambda within which two starts share a basin
_SAME_END = (1.0, 0.1)
_DESCENTS = {2: 3, 3: 2}
"""Screened starts, in different basins, that descend from each of the two gentle slopes."""


@dataclass(frozen=True)
class DirectFit(Growth):
    """Optimum of the objective with the finite-volume solver, D T in mm^2 and rho T.

    Attributes
    ----------
    thresholds : dict
        u_WT and u_TC.
    x0 : ndarray (d,)
        Origin, mm.
    objective : float
        At the final k, on the 1 mm voxels.
    objective_network_grid : float
        The least on the cells that a network learns on; that of the voxels in the plane.
    objective_prior : float
        The priors' share of `objective`.
    u : ndarray (n_1, .., n_d)
        Final density on the 1 mm voxels.
    minima : tuple of dict
        The distinct minima found, best first: lambda_mm, rhoT, x0 and objective. Those that were
        not among the best are judged on the 1 mm grid, the first ones on the refined grid.
    converged : bool
        Whether the last descent converged off the bounds.
    warnings : tuple of str
        Which number sits on a bound, or that the descent was cut short.
    seconds : float
        Wall time.
    first_mode : tuple of float, optional
        Where the objective is a posterior: the mode with the noise level of the outlines unknown,
        (ln lambda, ln rho T, x0, thresholds), whose misfit fixes that level.
    """

    thresholds: dict[str, float]
    x0: np.ndarray
    objective: float
    objective_network_grid: float
    objective_prior: float
    u: np.ndarray
    minima: tuple[dict[str, Any], ...]
    converged: bool
    warnings: tuple[str, ...]
    seconds: float
    first_mode: tuple[float, ...] | None = None

    @property
    def candidate(self) -> Candidate:
        """The optimum as a candidate for further descents."""
        thresholds = np.array([self.thresholds["WT"], self.thresholds["TC"]])
        growth = (self.lambda_mm, self.rhoT, self.x0)
        return Candidate(*growth, thresholds, self.objective, self.converged)


def direct_fit(
    domain: Domain,
    characteristic: Characteristic,
    inverse: GrowthInverseProblem | None = None,
    *,
    origin: Literal["inferred", "fixed"] = "inferred",
    refine: int | None = None,
) -> DirectFit:
    """Fit growth parameters, thresholds and origin with the solver itself.

    Parameters
    ----------
    domain : Domain
        The patient's problem.
    characteristic : Characteristic
        One of the starts, with x0 of the domain.
    inverse : GrowthInverseProblem, optional
        Objective, slopes, bounds and seed; the defaults without it.
    origin : {"inferred", "fixed"}
        Whether the origin is an unknown.
    refine : int
        Cells per voxel and axis of the last descent; by default those of the dimension.

    Returns
    -------
    DirectFit
        The lowest minimum found; the search is deterministic.
    """
    began = time.perf_counter()
    given = GrowthInverseProblem.of(domain) if inverse is None else inverse
    grids = Grids.of(domain.dimensions, refine)
    found, on_network_grid = _search(domain, characteristic, given, origin == "inferred", grids)
    best = found[0]
    # The descents freeze the number of time steps; what is reported uses the default one.
    grid, seed = GrowthMap.of(domain, grids.reported), given.seed(best.x0)
    u = coarsen(solve(grid, best.growth, seed)[0], grids.per_voxel)
    warnings = given.on_bound(best.lambda_mm, best.rhoT, best.thresholds)
    if not best.converged:
        warnings += ("the last descent was cut short",)
    objective = given.value(u, best.thresholds, best.lambda_mm, best.rhoT)
    return DirectFit(
        best.growth.DT,
        best.rhoT,
        {"WT": float(best.thresholds[0]), "TC": float(best.thresholds[1])},
        best.x0,
        objective,
        objective if on_network_grid is None else on_network_grid,
        given.prior(best.thresholds, best.lambda_mm, best.rhoT),
        u,
        tuple(describe(end) for end in found),
        not warnings,
        warnings,
        time.perf_counter() - began,
    )


def _search(
    domain: Domain,
    characteristic: Characteristic,
    given: GrowthInverseProblem,
    free: bool,
    grids: Grids,
) -> tuple[list[Candidate], float | None]:
    """Distinct minima, best first, and the least objective on the network's grid of a volume."""
    coarse = given.coarsened(grids.descent)
    gentle, steep = _screened(domain, given, free, grids.screen)
    descent, grid = LocalSearch(domain, free, coarse), GrowthMap.of(domain, grids.descent)
    levels = given.first_thresholds
    own = Candidate(characteristic.lambda_mm, characteristic.rhoT, domain.x0, levels)
    count = _DESCENTS[domain.dimensions]
    first, soft = coarse.steepened[0], replace(coarse.objective, k=given.k_start)
    ends = descent.run(grid, soft, [own, *distinct(gentle, *_SAME_START, count)], 0.3, 1e-4)
    starts = [*ends, *distinct(steep, *_SAME_START, count)]
    ends = distinct(descent.run(grid, first, starts, 0.2, 1e-4), *_SAME_END)
    on_voxels = LocalSearch(domain, free, given)
    if domain.dimensions == 2:
        return _refined(on_voxels, ends, grids.per_voxel), None
    leading, left = _leading(ends, *_ON_VOXELS)
    ends = distinct(descent.steepen(grid, leading, 0.1, 2e-5), *_SAME_END)
    leading, others = _leading(ends, *_FINISHED)
    least, voxels = ends[0].objective, GrowthMap.of(domain)
    ends = on_voxels.run(voxels, given.objective, leading, 0.1, 2e-5, model=grid)
    others = [on_voxels.judged(voxels, candidate) for candidate in (*others, *left)]
    return _ranked(ends, others), least


def _screened(
    domain: Domain, given: GrowthInverseProblem, free: bool, cell_mm: int
) -> tuple[list[Candidate], list[Candidate]]:
    """The table on coarse cells at the two gentle slopes, best first."""
    steep = given.steepened[0].coarsened(cell_mm)
    lattice = origins(domain) if free else [domain.x0]
    grid, soft = GrowthMap.of(domain, cell_mm), replace(steep, k=given.k_start)
    tables = screen(grid, (soft, steep), lattice, given)
    return tables[0], tables[1]


def _refined(descent: LocalSearch, found: list[Candidate], refine: int) -> list[Candidate]:
    """Minima of a slice on the refined grid."""
    domain, final = descent.domain, descent.inverse.objective
    voxels, grid = GrowthMap.of(domain), GrowthMap.of(domain, 1 / refine)
    leading, left = _leading(found, *_ON_VOXELS)
    ends = distinct(descent.steepen(voxels, leading, 0.1, 2e-5), *_SAME_END)
    leading, others = _leading(ends, *_ON_REFINED)
    ends = descent.run(grid, final, leading, 0.1 / refine, 2e-5, refine)
    others += [descent.judged(voxels, candidate) for candidate in left]
    return _ranked(ends, others)


def _ranked(ends: list[Candidate], others: list[Candidate]) -> list[Candidate]:
    """The finished minima, then others, both best first."""
    return [*distinct(ends, *_SAME_END), *sorted(others, key=lambda end: end.objective)]


def _leading(
    found: list[Candidate], margin: float, most: int
) -> tuple[list[Candidate], list[Candidate]]:
    """The first ones within a margin of the best, `most` at most, and the others."""
    count = sum(end.objective < found[0].objective + margin for end in found[:most])
    return found[:count], found[count:]


def describe(end: Candidate) -> dict[str, Any]:
    """A minimum as plain values."""
    values = {"lambda_mm": end.lambda_mm, "rhoT": end.rhoT, "objective": end.objective}
    return {**values, "x0_grid_mm": end.x0.tolist(), "thresholds": end.thresholds.tolist()}
