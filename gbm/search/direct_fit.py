"""The direct fit: the segmentation objective minimised with the finite-volume solver itself.

It is what a practitioner would use for a handful of scalars, and the reference every network is
compared with. Unknowns are ln lambda, ln rho T, both thresholds and, unless fixed, the origin x0.
Coarse starts are screened at two gentle slopes k; the best of different basins descend on 2 mm,
then on 1 mm cells, where k doubles up to its final value, and the winners are finished on the
refined grid. The objective always lives on the 1 mm voxels, with cell means of the refined
solution.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from gbm.growth.characteristic import Characteristic
from gbm.growth.finite_volume import GrowthMap, coarsen, solve
from gbm.growth.inverse_problem import GrowthInverseProblem
from gbm.growth.parameters import Growth
from gbm.search.coarse_search import Candidate, distinct, halved, origins, screen
from gbm.search.local_search import LocalSearch

if TYPE_CHECKING:
    from gbm.domain.domain import Domain

# Basins go on to the next grid if their objective is within this of the best, and so many at most:
# the coarser grid errs by about as much.
_ON_VOXELS, _ON_REFINED = (0.03, 4), (0.003, 2)
_SAME_START = (6.0, 0.5)  # mm of x0 and ln lambda within which two starts share a basin
_SAME_END = (1.0, 0.1)


@dataclass(frozen=True)
class DirectFit(Growth):
    """Optimum of the objective with the finite-volume solver, D T in mm^2 and rho T.

    Attributes
    ----------
    thresholds : dict
        u_WT and u_TC.
    x0 : ndarray (2,)
        Origin in the plane, mm.
    objective : float
        At the final k, on the 1 mm voxels.
    objective_prior : float
        The priors' share of it.
    u : ndarray (nx, ny)
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
    """

    thresholds: dict[str, float]
    x0: np.ndarray
    objective: float
    objective_prior: float
    u: np.ndarray
    minima: tuple[dict[str, Any], ...]
    converged: bool
    warnings: tuple[str, ...]
    seconds: float

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
    refine: int = 2,
    descents: int = 3,
) -> DirectFit:
    """Fit growth parameters, thresholds and origin with the solver itself.

    Parameters
    ----------
    domain : Domain
        The patient's problem.
    characteristic : Characteristic
        One of the starts, with x0 of the domain.
    conditions : GrowthInverseProblem, optional
        Objective, slopes, bounds and seed; the defaults without it.
    origin : {"inferred", "fixed"}
        Whether the origin is an unknown.
    refine : int
        Cells per voxel and axis of the last descent.
    descents : int
        Screened starts, in different basins, that descend from each of the two gentle slopes.

    Returns
    -------
    DirectFit
        The lowest minimum found; the search is deterministic.
    """
    began = time.perf_counter()
    given = GrowthInverseProblem.of(domain) if inverse is None else inverse
    final, free = given.objective, origin == "inferred"
    descent = LocalSearch(domain, free, given)
    half_grid, half = halved(domain, given.steepened[0])
    soft = replace(half, k=given.k_start)
    lattice = origins(domain) if free else [domain.x0]
    gentle, steep = screen(half_grid, (soft, half), lattice, given)
    own = Candidate(
        characteristic.lambda_mm, characteristic.rhoT, domain.x0, np.array(final.prior_means)
    )
    starts = [own, *distinct(gentle, *_SAME_START, descents)]
    found = descent.run(half_grid, soft, starts, 0.3, 1e-4)
    starts = [*found, *distinct(steep, *_SAME_START, descents)]
    found = distinct(descent.run(half_grid, half, starts, 0.2, 1e-4), *_SAME_END)
    voxels, grid = GrowthMap.of(domain), GrowthMap.of(domain, refine)
    leading, left = _leading(found, *_ON_VOXELS)
    ends = distinct(descent.steepen(voxels, leading, 0.1, 2e-5), *_SAME_END)
    leading, others = _leading(ends, *_ON_REFINED)
    ends = descent.run(grid, final, leading, 0.1 / refine, 2e-5, refine)
    others += [descent.judged(voxels, candidate) for candidate in left]
    others.sort(key=lambda end: end.objective)
    found = [*distinct(ends, *_SAME_END), *others]
    best = found[0]
    # The descents freeze the number of time steps; what is reported uses the default one.
    u = coarsen(solve(grid, best.growth, given.seed(best.x0))[0], refine)
    warnings = given.on_bound(best.lambda_mm, best.rhoT, best.thresholds)
    if not best.converged:
        warnings += ("the last descent was cut short",)
    return DirectFit(
        best.growth.DT,
        best.rhoT,
        {"WT": float(best.thresholds[0]), "TC": float(best.thresholds[1])},
        best.x0,
        given.value(u, best.thresholds, best.lambda_mm, best.rhoT),
        given.prior(best.thresholds, best.lambda_mm, best.rhoT),
        u,
        tuple(_describe(end) for end in found),
        not warnings,
        warnings,
        time.perf_counter() - began,
    )


def _leading(
    found: list[Candidate], margin: float, most: int
) -> tuple[list[Candidate], list[Candidate]]:
    """The first ones within a margin of the best, `most` at most, and the others."""
    count = sum(end.objective < found[0].objective + margin for end in found[:most])
    return found[:count], found[count:]


def _describe(end: Candidate) -> dict[str, Any]:
    values = {"lambda_mm": end.lambda_mm, "rhoT": end.rhoT, "objective": end.objective}
    return {**values, "x0_plane_mm": end.x0.tolist(), "thresholds": end.thresholds.tolist()}
