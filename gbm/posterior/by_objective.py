"""The direct fit of the objective that is asked for: overlap, or the outlines' posterior.

The mode of the posterior, -log p least, is climbed to with the solver on the posterior's own cells,
from the best of a coarse table (`gbm.posterior.mode`). What is reported is solved on the grid that
every reported solution has.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from bilo.posterior.gauss_newton import Mode
from gbm.config.conventions import REGIONS
from gbm.growth.characteristic import Characteristic
from gbm.growth.finite_volume import solve
from gbm.growth.grids import Grids
from gbm.growth.growth_map import GrowthMap, coarsen
from gbm.growth.inverse_problem import GrowthInverseProblem
from gbm.posterior.growth_posterior import LogPosterior, growth_of
from gbm.posterior.mode import find_modes, starts
from gbm.posterior.objective import OutlineObjective
from gbm.search import direct_fit as overlap
from gbm.search.coarse_search import Candidate
from gbm.search.direct_fit import DirectFit

if TYPE_CHECKING:
    from gbm.domain.domain import Domain


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
        One of the starts of a search for the best overlap.
    inverse : GrowthInverseProblem, optional
        Objective, bounds and seed; the defaults without it.
    origin : {"inferred", "fixed"}
        Whether the origin is an unknown.
    refine : int
        Cells per voxel and axis of what is reported; by default those of the dimension.

    Returns
    -------
    DirectFit
        The lowest minimum found; the search is deterministic.
    """
    given = GrowthInverseProblem.of(domain) if inverse is None else inverse
    if given.noise is None:
        return overlap.direct_fit(domain, characteristic, given, origin=origin, refine=refine)
    return _mode(
        domain, given, given.noise, origin == "inferred", Grids.of(domain.dimensions, refine)
    )


def _mode(
    domain: Domain,
    inverse: GrowthInverseProblem,
    noise: tuple[float, float],
    free: bool,
    grids: Grids,
) -> DirectFit:
    """The mode of the posterior."""
    began = time.perf_counter()
    posterior = LogPosterior.of(domain, inverse, held=() if free else origin_of(domain))
    found = find_modes(posterior, starts(domain, posterior), *noise)
    minima = tuple(_candidate(mode, found.posterior, inverse) for mode in found.all)
    best, given = minima[0], replace(inverse, outlines=OutlineObjective.of(found.posterior))
    at = (best.thresholds, best.lambda_mm, best.rhoT)
    seed, grid = given.seed(best.x0), GrowthMap.of(domain, grids.reported)
    u = coarsen(solve(grid, best.growth, seed)[0], grids.per_voxel)
    objective = given.value(u, *at)
    warnings = given.on_bound(best.lambda_mm, best.rhoT, best.thresholds)
    if not best.converged:
        warnings += ("the last climb was cut short",)
    if posterior.without_outline:
        warnings += (posterior.without_outline,)
    return DirectFit(
        best.growth.DT,
        best.rhoT,
        dict(zip(REGIONS, best.thresholds.tolist(), strict=True)),
        best.x0,
        objective,
        objective if grids.objective == 1 else best.objective,
        given.prior(*at),
        u,
        tuple(overlap.describe(end) for end in minima),
        not warnings,
        warnings,
        time.perf_counter() - began,
        tuple(found.first.tolist()),
    )


def origin_of(domain: Domain) -> tuple[int, ...]:
    """Where the origin stands among the unknowns."""
    return tuple(range(2, 2 + domain.dimensions))


def _candidate(
    mode: Mode[np.ndarray], posterior: LogPosterior, inverse: GrowthInverseProblem
) -> Candidate:
    """A mode as a minimum; the threshold of an empty core is its prior's mean."""
    growth, n = growth_of(mode.theta), posterior.growth.stop
    levels = np.array(inverse.objective.prior_means)
    levels[: len(mode.theta) - n] = mode.theta[n:]
    x0, value = mode.theta[2:n], -mode.log_density
    return Candidate(growth.lambda_mm, growth.rhoT, x0, levels, value, mode.settled)
