"""The mode of the posterior: from several starts with the noise level unknown, then with it fixed.

The starts climb on cells of 2 mm, where a solve costs little; the best end goes on.

The noise level b of an outline is max(floor, factor rms(delta / s)) at the first mode. Its marginal
likelihood is no use: the rough modes of an outline rule it, and smooth errors look small to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from bilo.posterior.gauss_newton import Descent, Mode, levenberg_marquardt
from gbm.growth.finite_volume import solve
from gbm.growth.parameters import Growth
from gbm.posterior.growth_posterior import LogPosterior
from gbm.posterior.prior import GAP, HIGHEST, LOWEST
from gbm.search.coarse_search import Candidate

if TYPE_CHECKING:
    from gbm.domain.domain import Domain

_LAMBDAS = (0.51, 0.91, 1.57)
"""Starts, in medians of the prior: 1.8, 3.2 and 5.5 mm for 3.5 mm."""
_RHO_TS = np.geomspace(0.4, 3.33, 16)
"""Ladder of rho T, in medians of the prior: 3 to 25 for 7.5."""
_REACH = (0.3, 0.6)
"""Longest step of growth and origin, and of the thresholds, in natural units."""


def find_mode(
    posterior: LogPosterior, starts: Sequence[np.ndarray], floor_mm: float, factor: float
) -> tuple[LogPosterior, Mode[np.ndarray]]:
    """The posterior with its noise level fixed, and its mode.

    Parameters
    ----------
    posterior : LogPosterior
        With the noise level unknown.
    starts : sequence of ndarray (n,)
    floor_mm, factor : float
        Least noise level, and noise level over misfit.
    """
    coarse = posterior.coarse()
    ends = [climb(coarse.near(start), start) for start in starts]
    best = max(ends, key=lambda mode: mode.log_density).theta
    first = climb(posterior.near(best), best)
    known = posterior.near(first.theta).frozen(first.theta, first.seen, floor_mm, factor)
    return known, climb(known, first.theta)


def climb(posterior: LogPosterior, start: np.ndarray) -> Mode[np.ndarray]:
    """The mode near a start."""
    n = posterior.growth.stop
    reach = np.repeat(_REACH, [n, len(start) - n])
    return levenberg_marquardt(posterior, start, Descent(posterior.scale, reach))


def starts(domain: Domain, posterior: LogPosterior) -> list[np.ndarray]:
    """Three lambdas around the prior's, rho T by the sizes of the regions, the core's centre.

    One solve a lambda serves all rho T: the density for (D T, rho T) at the fraction t of the time
    is that for (D T t, rho T t) at the end.
    """
    n, forward, prior = posterior.growth.stop, posterior.forward, posterior.prior
    levels = prior.mean[n:]
    masks = [getattr(domain, term.region.name) for term in posterior.likelihoods]
    tissue, cell = forward.grid.phi > 0.5, (forward.grid.h / domain.spacing) ** domain.dimensions
    low, high = np.exp(prior.bounds) * [[1.01, 0.99]]
    found = []
    for lambda_mm in np.exp(prior.mean[0]) * np.array(_LAMBDAS):
        lambda_mm = float(np.clip(lambda_mm, low[0], low[1]))
        ladder = np.unique(np.clip(np.exp(prior.mean[1]) * _RHO_TS, high[0], high[1]))
        greatest = Growth.of_lambda(lambda_mm, float(ladder[-1]))
        seed = forward.inverse.seed(domain.x0)
        densities = solve(forward.grid, greatest, seed, times=ladder / ladder[-1])
        wrong = [
            sum(
                abs(cell * np.sum((u > level) & tissue) - mask.sum())
                for level, mask in zip(levels, masks, strict=True)
            )
            for u in densities
        ]
        rhoT = ladder[int(np.argmin(wrong))]
        found.append(np.array([np.log(lambda_mm), np.log(rhoT), *domain.x0, *levels]))
    return found


def start_of(candidate: Candidate, posterior: LogPosterior) -> np.ndarray:
    """A direct fit as a start, moved into the support where its thresholds are not."""
    regions, margin = len(posterior.likelihoods), 0.01
    whole = np.clip(candidate.thresholds[0], LOWEST + margin, HIGHEST - GAP - margin)
    core = np.clip(candidate.thresholds[1], whole + GAP + margin, HIGHEST + GAP - margin)
    bounds = posterior.prior.bounds + np.array([margin, -margin])
    growth = np.clip(np.log([candidate.lambda_mm, candidate.rhoT]), bounds[:, 0], bounds[:, 1])
    return np.concatenate([growth, candidate.x0, np.array([whole, core])[:regions]])
