"""What one scan can identify: the objective over lambda and rho T, and the spread of every unknown.

The objective is no likelihood, so its curvature has no sampling distribution of its own, and on the
voxels it is too rough for a Hessian. The spread asks instead how far the unknowns can move while
the predicted regions change by no more than the border of a segmentation is uncertain anyway.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit

from gbm.growth.finite_volume import solve
from gbm.growth.grids import Grids
from gbm.growth.growth_map import GrowthMap
from gbm.growth.inverse_problem import GrowthInverseProblem
from gbm.growth.parameters import Growth
from gbm.growth.thresholds import PRIOR_SD
from gbm.search.coarse_search import Candidate, best_thresholds, seen
from gbm.search.local_search import LocalSearch
from gbm.search.trust_region import Point, sensitivities, tangent_minimum

if TYPE_CHECKING:
    from gbm.domain.domain import Domain

REDRAWN = 0.01
"""Loss of Dice between two drawings of one region that is taken as noise."""
_FLAT = 1e-8


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

    The origin stays where it is. One solve a lambda serves all rho T, on the grid of `profile`: the
    density for (D T, rho T) at the fraction t of the time is that for (D T t, rho T t) at the end.

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
    axes = [
        np.exp(np.linspace(max(np.log(v) - r, low), min(np.log(v) + r, high), count))
        for v, r, low, high in zip(
            (best.lambda_mm, best.rhoT), reach, search.low, search.high, strict=True
        )
    ]
    lambdas, ladder = axes
    no_box = np.empty((0, 2))
    rows = []
    for lambda_mm in lambdas:
        greatest, times = Growth.of_lambda(lambda_mm, ladder[-1]), list(ladder / ladder[-1])
        densities = solve(grid, greatest, given.seed(best.x0), times=times)
        row = []
        for rhoT, u in zip(ladder, densities, strict=True):
            ((small, v),) = seen([goal], u)
            levels = best_thresholds(small, v, given.threshold_bounds)[0]
            no_slopes = np.empty((0, *v.shape))
            least = tangent_minimum(small, v, no_slopes, levels, no_box, search)[2]
            row.append(least + given.growth_prior.value(float(lambda_mm), float(rhoT)))
        rows.append(row)
    return {"lambda_mm": lambdas.tolist(), "rhoT": ladder.tolist(), "objective": rows}


def local_spread(
    domain: Domain,
    best: Candidate,
    inverse: GrowthInverseProblem | None = None,
    *,
    free: bool = True,
    refine: int = 1,
) -> dict[str, float]:
    """Half-widths within which each unknown can move while the predicted regions hardly change.

    With S_r the derivatives of the soft mask s_r by all unknowns and the priors as further terms,

        H = 2 sum_r S_r' phi S_r / (sum phi s_r + sum phi y_r) + 2 w / sd^2 on the diagonal
            for the thresholds, ln lambda and ln rho T, each with the sd of its prior,

    half of d' H d is the loss of Dice between the regions predicted at the optimum and at a step d,
    and the half-width of unknown i is `sqrt(2 REDRAWN (H^-1)_ii)`: the others are free to follow.

    Returns
    -------
    dict
        ln_lambda, ln_rhoT, WT, TC, with a free origin x0_x_mm and x0_y_mm, and the correlation
        of ln lambda and ln rho T. A direction without any effect gives a width in the hundreds.
    """
    given = GrowthInverseProblem.of(domain) if inverse is None else inverse
    descent, grid = LocalSearch(domain, free, given), GrowthMap.of(domain, 1 / refine)
    goal = given.steepened[0]  # steeper borders hold too few voxels for the sums of H
    search, g = descent.search(best.x0), descent.pack(best)
    density = descent.density(grid, best, refine)
    u = density(g)
    slopes = sensitivities(density, Point(g, best.thresholds, u, best.objective), search)
    by_g = slopes.reshape(g.size, -1) * (u * (1 - u)).ravel()
    n, phi = g.size + 2, goal.phi.ravel()
    hessian = np.diag(np.append(given.growth_prior.curvature, np.zeros(n - 2)))
    for r in goal.regions:
        s = expit(goal.k * (u - best.thresholds[r])).ravel()
        rows = np.zeros((n, s.size))
        rows[: g.size], rows[g.size + r] = by_g, -1.0
        rows *= goal.k * s * (1 - s)
        size = float(phi @ s) + float(phi @ goal.masks[r].ravel())
        hessian += 2 * (rows * phi) @ rows.T / size
        hessian[g.size + r, g.size + r] += 2 * goal.prior_weight / PRIOR_SD**2
    covariance = _inverse(hessian, np.concatenate([search.scale, np.full(2, PRIOR_SD)]))
    widths = np.sqrt(2 * REDRAWN * np.diag(covariance))
    names = ("ln_lambda", "ln_rhoT", *(("x0_x_mm", "x0_y_mm") if free else ()), "WT", "TC")
    correlation = covariance[0, 1] / np.sqrt(covariance[0, 0] * covariance[1, 1])
    return {
        **dict(zip(names, widths.tolist(), strict=True)),
        "correlation_ln_lambda_ln_rhoT": float(correlation),
    }


def _inverse(hessian: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Inverse in unknowns scaled to natural size, eigenvalues at least `_FLAT`."""
    values, vectors = np.linalg.eigh(scale[:, None] * hessian * scale[None, :])
    inverse: np.ndarray = (vectors / np.maximum(values, _FLAT)) @ vectors.T
    return scale[:, None] * inverse * scale[None, :]
