"""What one scan can identify: a profile over lambda and the local spread of every unknown.

The objective is no likelihood, so its curvature has no sampling distribution of its own. Both
measures therefore use a rise of the objective by `RISE`, about what redrawing a noisy border
changes: values whose objective is within it of the best cannot be told apart.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from gbm.conditions import Conditions
from gbm.descent import Descent
from gbm.finite_volume import GrowthMap
from gbm.screen import Candidate
from gbm.thresholds import from_unconstrained, to_unconstrained
from gbm.trust_region import Point, sensitivities, tangent_model

if TYPE_CHECKING:
    from gbm.domain import Domain

RISE = 2e-3
_FLAT = 1e-8


def profile(
    domain: Domain,
    best: Candidate,
    conditions: Conditions | None = None,
    *,
    free: bool = True,
    factors: tuple[float, ...] = (1.25, 1.6, 2.2),
) -> dict[str, list[float]]:
    """Least objective for each lambda, the other unknowns fitted again, on the 1 mm grid.

    Parameters
    ----------
    domain : Domain
        The patient's problem.
    best : Candidate
        The optimum; its own lambda is part of the profile.
    conditions : Conditions, optional
        Objective, bounds and seed; the defaults without it.
    free : bool
        Whether the origin is fitted again too.
    factors : tuple of float
        Ascending ratios above 1 of lambda to the best one, used upwards and downwards.

    Returns
    -------
    dict
        Columns lambda_mm, objective and rhoT, lambda ascending.
    """
    given = Conditions.of(domain) if conditions is None else conditions
    grid, rows = GrowthMap.of(domain), []
    low, high = given.growth_bounds["lambda_mm"]
    for direction in (1.0, -1.0):
        start = best
        for factor in (1.0, *factors):
            lambda_mm = best.lambda_mm * factor**direction
            if not low <= lambda_mm <= high or (factor == 1.0 and direction < 0):
                continue
            # lambda rho T is nearly constant along the valley: the front has the same way to go
            rhoT = start.rhoT * start.lambda_mm / lambda_mm
            start = Candidate(lambda_mm, rhoT, start.x0, start.thresholds)
            bounds = {**given.growth_bounds, "lambda_mm": (lambda_mm, lambda_mm)}
            descent = Descent(domain, free, replace(given, growth_bounds=bounds))
            start = descent.run(grid, given.objective, [start], 0.2, 1e-4)[0]
            rows.append((start.lambda_mm, start.objective, start.rhoT))
    columns = zip(*sorted(rows), strict=True)
    return dict(zip(("lambda_mm", "objective", "rhoT"), map(list, columns), strict=True))


def local_spread(
    domain: Domain,
    best: Candidate,
    conditions: Conditions | None = None,
    *,
    free: bool = True,
    refine: int = 1,
) -> dict[str, float]:
    """Half-widths over which each unknown can move while the objective rises by at most `RISE`.

    With H the Hessian of the objective over all unknowns, `sqrt(2 RISE (H^-1)_ii)`: the others
    are free to follow. H comes from the tangent model of the solver.

    Returns
    -------
    dict
        ln_lambda, ln_rhoT, WT, TC, with a free origin x0_x_mm and x0_y_mm, and the correlation
        of ln lambda and ln rho T. A direction without curvature gives a width in the hundreds.
    """
    given = Conditions.of(domain) if conditions is None else conditions
    descent, grid = Descent(domain, free, given), GrowthMap.of(domain, refine)
    search, g = descent.search(best.x0), descent.pack(best)
    density = descent.density(grid, best, refine)
    u = density(g)
    slopes = sensitivities(density, Point(g, best.thresholds, u, best.objective), search)
    model = tangent_model(given.objective, u, slopes, search)
    q = to_unconstrained(best.thresholds, search.thresholds)
    z = np.concatenate([np.zeros(g.size), q])
    steps = 1e-3 * np.concatenate([search.scale, np.ones(2)])
    hessian = np.array(
        [
            (model(z + step)[1] - model(z - step)[1]) / (2 * size)
            for size, step in zip(steps, np.diag(steps), strict=True)
        ]
    )
    inverse = _inverse(hessian, np.concatenate([search.scale, np.ones(2)]))
    jacobian = np.eye(z.size)
    jacobian[-2:, -2:] = from_unconstrained(q, search.thresholds)[1]
    covariance = jacobian @ inverse @ jacobian.T
    widths = np.sqrt(2 * RISE * np.diag(covariance))
    names = ("ln_lambda", "ln_rhoT", *(("x0_x_mm", "x0_y_mm") if free else ()), "WT", "TC")
    correlation = covariance[0, 1] / np.sqrt(covariance[0, 0] * covariance[1, 1])
    return {
        **dict(zip(names, widths.tolist(), strict=True)),
        "correlation_ln_lambda_ln_rhoT": float(correlation),
    }


def _inverse(hessian: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Inverse of the symmetric part in scaled unknowns, its eigenvalues at least `_FLAT`."""
    scaled = scale[:, None] * 0.5 * (hessian + hessian.T) * scale[None, :]
    values, vectors = np.linalg.eigh(scaled)
    inverse: np.ndarray = (vectors / np.maximum(values, _FLAT)) @ vectors.T
    return scale[:, None] * inverse * scale[None, :]
