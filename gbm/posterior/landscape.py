"""What one scan can identify, where the objective is minus the log posterior.

On the cells of the posterior's samples; see `gbm.search.identifiability` for an overlap.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from bilo.posterior.gauss_newton import Mode
from gbm.posterior.growth_posterior import LogPosterior
from gbm.posterior.mode import climb
from gbm.search.identifiability import axes_around, tabulated

_LEVELS = 12
"""Thresholds of a table, between the bounds of a region, that a parabola is laid through."""


def profile(
    posterior: LogPosterior, best: np.ndarray, factors: Sequence[float] = (1.25, 1.6, 2.2)
) -> dict[str, list[float]]:
    """-log p at its least for each lambda, the other unknowns fitted again.

    Parameters
    ----------
    posterior : LogPosterior
        With its noise level known.
    best : ndarray (n,)
        Its mode; its own lambda is part of the profile.
    factors : sequence of float
        Ascending ratios above 1 of lambda to the best one, used upwards and downwards.

    Returns
    -------
    dict
        Columns lambda_mm, objective, rhoT and without_prior_of_lambda, lambda ascending.
    """
    held = replace(posterior, held=(0, *posterior.held))
    (low, high), prior, rows = posterior.prior.bounds[0], posterior.prior, []
    for direction in (1.0, -1.0):
        theta = best
        for factor in (1.0, *factors):
            ln_lambda = best[0] + direction * np.log(factor)
            if not low < ln_lambda < high or (factor == 1.0 and direction < 0):
                continue
            # Along the valley lambda rho T is nearly constant, the way of the front.
            start = theta.copy()
            start[:2] += np.array([1.0, -1.0]) * (ln_lambda - theta[0])
            mode = _climb(held, prior.inside(start))
            theta, objective = mode.theta, -mode.log_density
            known = 0.5 * prior.precision[0] * (theta[0] - prior.mean[0]) ** 2
            growth = np.exp(theta[:2]).tolist()
            rows.append((growth[0], objective, growth[1], float(objective - known)))
    names = ("lambda_mm", "objective", "rhoT", "without_prior_of_lambda")
    return dict(zip(names, map(list, zip(*sorted(rows), strict=True)), strict=True))


def _climb(posterior: LogPosterior, start: np.ndarray) -> Mode[np.ndarray]:
    return climb(posterior.near(start), start)


def surface(
    posterior: LogPosterior,
    best: np.ndarray,
    reach: tuple[float, float] = (0.7, 0.5),
    count: int = 11,
) -> dict[str, list[float] | list[list[float]]]:
    """-log p for each pair of lambda and rho T, the thresholds fitted again, the origin held.

    Parameters
    ----------
    posterior : LogPosterior
        With its noise level known.
    best : ndarray (n,)
        Its mode, in the middle of the surface where the bounds allow.
    reach : (float, float)
        How far ln lambda and ln rho T run to either side.
    count : int
        Points along each.

    Returns
    -------
    dict
        Axes lambda_mm and rhoT, ascending, and objective[i][j] at lambda_mm[i], rhoT[j].
    """
    forward, n = posterior.forward, posterior.growth.stop

    def least(lambda_mm: float, rhoT: float, u: np.ndarray) -> float:
        theta = np.append(np.log([lambda_mm, rhoT]), best[2:])
        return _least(posterior, theta, forward.read(u))

    axes = axes_around(best[:2], reach, posterior.prior.bounds, count)
    return tabulated(forward.grid, forward.inverse.seed(best[2:n]), axes, least)


def _least(posterior: LogPosterior, theta: np.ndarray, features: np.ndarray) -> float:
    """-log p of features (F,) at the best thresholds of a table, each region by itself."""
    n, prior = posterior.growth.stop, posterior.prior
    off = (theta - prior.mean)[:2]
    total = 0.5 * float(off**2 @ prior.precision[:2])
    parts = zip(posterior.likelihoods, posterior.split(features), prior.levels, strict=True)
    for r, (term, part, (low, high)) in enumerate(parts, start=n):
        tau = np.linspace(low, high, _LEVELS + 2)[1:-1]
        known = 0.5 * prior.precision[r] * (tau - prior.mean[r]) ** 2
        values = known - term.log(np.broadcast_to(part, (tau.size, part.size)), tau)
        total += _lowest(values)
    return total


def _lowest(values: np.ndarray) -> float:
    """The vertex of the parabola through the least of some values and its neighbours."""
    k = int(np.argmin(values))
    if not 0 < k < values.size - 1:
        return float(values[k])
    before, least, after = values[k - 1 : k + 2]
    bend = before - 2 * least + after
    return float(least - (after - before) ** 2 / (8 * bend)) if bend > 0 else float(least)
