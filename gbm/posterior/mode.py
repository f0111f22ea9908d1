"""The mode of the posterior: from several starts with the noise level unknown, then with it fixed.

The starts climb on cells of 2 mm, where a solve costs little. The best end goes on to a first mode,
which fixes the noise level; from there, and from ends in other basins that are nearly as good, the
climb goes on with it.

The noise level b of an outline is max(floor, factor rms(delta / s)) at the first mode. Its marginal
likelihood is no use: the rough modes of an outline rule it, and smooth errors look small to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from bilo.posterior.gauss_newton import Descent, Mode, levenberg_marquardt
from gbm.growth.finite_volume import solve
from gbm.growth.parameters import Growth
from gbm.posterior.growth_posterior import LogPosterior
from gbm.search.coarse_search import Candidate

if TYPE_CHECKING:
    from gbm.domain.domain import Domain

_LAMBDAS = (0.51, 0.91, 1.57)
"""Starts, in medians of the prior: 1.8, 3.2 and 5.5 mm for 3.5 mm."""
_RHO_TS = np.geomspace(0.4, 3.33, 16)
"""Ladder of rho T, in medians of the prior: 3 to 25 for 7.5."""
_SAME_BASIN, _SAME_MODE = 0.4, 0.1
"""How near two ends are one, in natural units: 1 of ln lambda and ln rho T, 10 mm of the origin."""
_COMPARABLE = 3.0
"""Log density, the noise level unknown, within which another basin is worth a climb."""
_FINAL = (40, 1e-3)
"""Most steps of a climb on the posterior's own cells, and the gain of log p at which it ends."""
_REACH, LEVEL_REACH = 0.3, 0.6
"""Longest step of growth and origin, and of the thresholds, in natural units."""

NEAREST = 1e-5
"""How near to a bound a climb comes, in ln lambda, ln rho T and thresholds."""


@dataclass(frozen=True)
class Modes:
    """What the climbs found.

    Attributes
    ----------
    posterior : LogPosterior
        With its noise level fixed.
    first : ndarray (n,)
        The mode with the noise level unknown, from which it was fixed.
    all : tuple of Mode
        Distinct ones, the highest first.
    """

    posterior: LogPosterior
    first: np.ndarray
    all: tuple[Mode[np.ndarray], ...]


def find_modes(
    posterior: LogPosterior, starts: Sequence[np.ndarray], floor_mm: float, factor: float
) -> Modes:
    """The posterior with its noise level fixed, and its modes.

    Parameters
    ----------
    posterior : LogPosterior
        With the noise level unknown.
    starts : sequence of ndarray (n,)
    floor_mm, factor : float
        Least noise level, and noise level over misfit.
    """
    coarse = posterior.coarse()
    ends = distinct([climb(coarse.near(start), start) for start in starts], coarse, _SAME_BASIN)
    others = [m.theta for m in ends[1:] if m.log_density > ends[0].log_density - _COMPARABLE]
    first = climb(posterior.near(ends[0].theta), ends[0].theta, *_FINAL).theta
    known = with_noise_of(posterior, first, floor_mm, factor)
    found = [climb(known, theta, *_FINAL) for theta in (first, *others)]
    return Modes(known, first, tuple(distinct(found, known, _SAME_MODE)))


def with_noise_of(
    posterior: LogPosterior, first: np.ndarray, floor_mm: float, factor: float
) -> LogPosterior:
    """With the noise level of the outlines from their misfit at a first mode (n,)."""
    there = posterior.near(first)
    return there.frozen(first, there.forward(first), floor_mm, factor)


def distinct(
    modes: Sequence[Mode[np.ndarray]], posterior: LogPosterior, away: float
) -> list[Mode[np.ndarray]]:
    """The highest of all within a distance in growth and origin, in natural units, best first."""
    kept: list[Mode[np.ndarray]] = []
    for mode in sorted(modes, key=lambda mode: -mode.log_density):
        moves = ((mode.theta - other.theta) / posterior.scale for other in kept)
        if all(np.abs(move[posterior.growth]).max() > away for move in moves):
            kept.append(mode)
    return kept


def climb(
    posterior: LogPosterior, start: np.ndarray, most: int = 25, tolerance: float = 0.01
) -> Mode[np.ndarray]:
    """The mode near a start, see `Descent`."""
    n = posterior.growth.stop
    reach = np.repeat([_REACH, LEVEL_REACH], [n, len(start) - n])
    within = partial(posterior.prior.towards, by=NEAREST)
    descent = Descent(posterior.scale, reach, most, tolerance, within)
    return levenberg_marquardt(posterior, start, descent)


def starts(domain: Domain, posterior: LogPosterior) -> list[np.ndarray]:
    """Three lambdas around the prior's, rho T by the sizes of the regions, the core's centre.

    One solve a lambda serves all rho T: the density for (D T, rho T) at the fraction t of the time
    is that for (D T t, rho T t) at the end.
    """
    n, forward, prior = posterior.growth.stop, posterior.forward, posterior.prior
    levels = prior.mean[n:]
    masks = [getattr(domain, region.name) for region in posterior.outlines.regions]
    tissue, cell = forward.grid.phi > 0.5, (forward.grid.h / domain.spacing) ** domain.dimensions
    low, high = np.exp(prior.bounds)
    found = []
    for lambda_mm in np.exp(prior.mean[0]) * np.array(_LAMBDAS):
        lambda_mm = float(np.clip(lambda_mm, *low))
        ladder = np.unique(np.clip(np.exp(prior.mean[1]) * _RHO_TS, *high))
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
        start = np.array([np.log(lambda_mm), np.log(rhoT), *domain.x0, *levels])
        found.append(prior.inside(start))
    return found


def start_of(candidate: Candidate, posterior: LogPosterior) -> np.ndarray:
    """A direct fit as a start, moved into the support where its thresholds are not."""
    levels = posterior.levels_of(candidate.thresholds)
    growth = np.log([candidate.lambda_mm, candidate.rhoT])
    return posterior.prior.inside(np.concatenate([growth, candidate.x0, levels]))
