"""What one scan can identify: the objective over lambda and rho T.

The objective is no likelihood: how sure a number is says `gbm.posterior`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from gbm.growth.finite_volume import solve
from gbm.growth.grids import Grids
from gbm.growth.growth_map import GrowthMap
from gbm.growth.inverse_problem import GrowthInverseProblem
from gbm.growth.parameters import Growth, Seed
from gbm.search.coarse_search import Candidate, best_thresholds, seen
from gbm.search.local_search import LocalSearch
from gbm.search.trust_region import tangent_minimum

if TYPE_CHECKING:
    from gbm.domain.domain import Domain


def profile(
    domain: Domain,
    best: Candidate,
    inverse: GrowthInverseProblem | None = None,
    *,
    free: bool = True,
    factors: tuple[float, ...] = (1.25, 1.6, 2.2),
) -> dict[str, list[float]]:
    """Least objective for each lambda, the other unknowns fitted again.

    On the voxels of a slice, and cells of 2 mm of a volume.

    Parameters
    ----------
    domain : Domain
        The patient's problem.
    best : Candidate
        The optimum; its own lambda is part of the profile.
    inverse : GrowthInverseProblem, optional
        Objective, bounds and seed; the defaults without it.
    free : bool
        Whether the origin is fitted again too.
    factors : tuple of float
        Ascending ratios above 1 of lambda to the best one, used upwards and downwards.

    Returns
    -------
    dict
        Columns lambda_mm, objective, rhoT and without_prior_of_lambda, lambda ascending. The last
        is the objective less the prior of lambda: the least of the rest of J for that lambda,
        because a constant does not move the other unknowns.
    """
    given = GrowthInverseProblem.of(domain) if inverse is None else inverse
    cells = Grids.of(domain.dimensions).objective
    given, grid, rows = given.coarsened(cells), GrowthMap.of(domain, cells), []
    low, high = given.growth_bounds["lambda_mm"]
    for direction in (1.0, -1.0):
        start = best
        for factor in (1.0, *factors):
            lambda_mm = best.lambda_mm * factor**direction
            if not low <= lambda_mm <= high or (factor == 1.0 and direction < 0):
                continue
            # Along the valley lambda rho T is nearly constant, the way of the front; where it is
            # not, that start may lie on a plateau, so the neighbour's rho T is tried as well.
            guesses = {start.rhoT, start.rhoT * start.lambda_mm / lambda_mm}
            starts = [
                Candidate(lambda_mm, rhoT, start.x0, start.thresholds) for rhoT in sorted(guesses)
            ]
            bounds = {**given.growth_bounds, "lambda_mm": (lambda_mm, lambda_mm)}
            descent = LocalSearch(domain, free, replace(given, growth_bounds=bounds))
            start = descent.steepen(grid, starts, 0.2, 1e-4, most=1)[0]
            held = given.growth_prior.value(start.lambda_mm, given.growth_prior.rhoT.median)
            rows.append((start.lambda_mm, start.objective, start.rhoT, start.objective - held))
    names = ("lambda_mm", "objective", "rhoT", "without_prior_of_lambda")
    columns = zip(*sorted(rows), strict=True)
    return dict(zip(names, map(list, columns), strict=True))


def surface(
    domain: Domain,
    best: Candidate,
    inverse: GrowthInverseProblem | None = None,
    *,
    reach: tuple[float, float] = (0.7, 0.5),
    count: int = 11,
) -> dict[str, list[float] | list[list[float]]]:
    """Least objective for each pair of lambda and rho T, the thresholds fitted again.

    The origin stays where it is; on the grid of `profile`.

    Parameters
    ----------
    domain : Domain
        The patient's problem.
    best : Candidate
        The optimum, in the middle of the surface where the bounds allow.
    inverse : GrowthInverseProblem, optional
        Objective, bounds and seed; the defaults without it.
    reach : tuple of float
        How far ln lambda and ln rho T run to either side.
    count : int
        Points along each.

    Returns
    -------
    dict
        Axes lambda_mm and rhoT, ascending, and objective[i][j] at lambda_mm[i], rhoT[j].
    """
    given = GrowthInverseProblem.of(domain) if inverse is None else inverse
    cells = Grids.of(domain.dimensions).objective
    grid, goal = GrowthMap.of(domain, cells), given.objective.coarsened(cells)
    search = LocalSearch(domain, False, given).search(best.x0)
    no_box = np.empty((0, 2))

    def least(lambda_mm: float, rhoT: float, u: np.ndarray) -> float:
        ((small, v),) = seen([goal], u)
        levels = best_thresholds(small, v, given.threshold_bounds)[0]
        no_slopes = np.empty((0, *v.shape))
        value = tangent_minimum(small, v, no_slopes, levels, no_box, search)[2]
        return value + given.growth_prior.value(lambda_mm, rhoT)

    bounds = np.array([search.low, search.high]).T
    axes = axes_around(np.log([best.lambda_mm, best.rhoT]), reach, bounds, count)
    return tabulated(grid, given.seed(best.x0), axes, least)


def axes_around(
    ln_growth: np.ndarray, reach: tuple[float, float], bounds: np.ndarray, count: int
) -> tuple[np.ndarray, np.ndarray]:
    """Axes of lambda (mm) and rho T around (ln lambda, ln rho T), within bounds (2, 2) of both."""
    first, second = (
        np.exp(np.linspace(max(v - r, low), min(v + r, high), count))
        for v, r, (low, high) in zip(ln_growth, reach, bounds, strict=True)
    )
    return first, second


def tabulated(
    grid: GrowthMap,
    seed: Seed,
    axes: tuple[np.ndarray, np.ndarray],
    least: Callable[[float, float, np.ndarray], float],
) -> dict[str, list[float] | list[list[float]]]:
    """`least` of lambda (mm), rho T and their density, for each pair of two axes.

    One solve a lambda serves all rho T: the density for (D T, rho T) at the fraction t of the time
    is that for (D T t, rho T t) at the end.
    """
    lambdas, ladder = axes
    rows = []
    for lambda_mm in lambdas.tolist():
        greatest = Growth.of_lambda(lambda_mm, float(ladder[-1]))
        densities = solve(grid, greatest, seed, times=list(ladder / ladder[-1]))
        rows.append(
            [least(lambda_mm, rhoT, u) for rhoT, u in zip(ladder.tolist(), densities, strict=True)]
        )
    return {"lambda_mm": lambdas.tolist(), "rhoT": ladder.tolist(), "objective": rows}
