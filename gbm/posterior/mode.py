"""The modes of the posterior: from several starts, with the noise level of the best of them.

The starts, the best of a table, climb on cells of 2 mm, where a solve costs little, each with the
noise level of its own misfit. The end that misses the outlines least goes on, with that noise level
and, where it leads nearer, with the least one: a large one may owe itself to the prior. This first
mode fixes the noise level. Then all ends climb again, and the best of them, and those nearly as
good, on the posterior's own cells.

The noise level b of an outline is max(floor, factor rms(limited(delta) / s)) at the first mode. Its
marginal likelihood is no use: the rough modes of an outline rule it, and smooth errors look small.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from bilo.posterior.gauss_newton import Descent, Mode, levenberg_marquardt
from gbm.growth.grids import Grids
from gbm.posterior.growth_posterior import LogPosterior
from gbm.search.coarse_search import Candidate, densities, origins
from gbm.search.coarse_search import distinct as apart

if TYPE_CHECKING:
    from gbm.domain.domain import Domain

_CELL_MM = 2.0
"""Cells of the first climbs; coarser ones led a volume into modes that finer ones do not have."""
_LEVELS = (-0.12, 0.0, 0.12)
"""Thresholds of the table, about the prior's means."""
_LATTICE_MM = {2: (7.5, 22.6), 3: (10.0, 10.0)}
"""Spacing and reach of the table's origins, by dimension: 29 and 7 of them, where all is tissue."""
_STARTS, _APART_MM, _APART = {2: 6, 3: 3}, 6.0, 0.3
"""Entries of the table to climb from, and how far apart they are in x0 or in ln lambda: less than
two lambdas of the table are, the best of each of which is the first choice."""
_SAME_BASIN, _SAME_MODE = 0.4, 0.1
"""How near two ends are one, in natural units: 1 of ln lambda and ln rho T, 10 mm of the origin."""
_COMPARABLE = 3.0
"""Log density within which another basin is worth a climb on the posterior's own cells."""
_FIRST = {2: (25, 0.01), 3: (15, 0.1)}
_FINAL = {2: (40, 1e-3), 3: (40, 0.01)}
"""Most steps of the first and the last climbs, by dimension, and the gain of log p at which they
end: samples need no mode to the digit, and a step in space costs some half a second."""
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
        With its noise level fixed, near the highest mode.
    first : ndarray (n,)
        The mode from which the noise level was fixed.
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
        With a noise level of 1 mm, as `LogPosterior.of` makes it: ends are judged with it.
    starts : sequence of ndarray (n,)
    floor_mm, factor : float
        Least noise level, and noise level over misfit.
    """

    def own(posterior: LogPosterior, theta: np.ndarray) -> LogPosterior:
        return with_noise_of(posterior, theta, floor_mm, factor)

    def nearness(end: Mode[np.ndarray]) -> float:
        return float(coarse.far_off(end.theta[None], end.seen[None])[0])

    coarse = posterior.on(_CELL_MM)
    ends = [climb(own(coarse, start), start) for start in starts]
    first = max(ends, key=nearness).theta
    free = with_noise_of(coarse, first, floor_mm, 0.0)
    first = max(climb(own(coarse, first), first), climb(free, first), key=nearness).theta
    final = _FINAL[posterior.forward.grid.dimensions]
    first = climb(own(posterior, first), first, final).theta
    known = own(posterior, first)
    coarse = known.on(_CELL_MM)
    ends = distinct([climb(coarse.near(m.theta), m.theta) for m in ends], coarse, _SAME_BASIN)
    leading = [m.theta for m in ends if m.log_density > ends[0].log_density - _COMPARABLE]
    found = [climb(known.near(theta), theta, final) for theta in (first, *leading)]
    found = distinct(found, known, _SAME_MODE)
    return Modes(known.near(found[0].theta), first, tuple(found))


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
    posterior: LogPosterior, start: np.ndarray, ends: tuple[int, float] | None = None
) -> Mode[np.ndarray]:
    """The mode near a start, after so many steps or with so little gain, see `Descent`."""
    n, (most, tolerance) = posterior.growth.stop, ends or _FIRST[posterior.forward.grid.dimensions]
    reach = np.repeat([_REACH, LEVEL_REACH], [n, len(start) - n])
    within = partial(posterior.prior.towards, by=NEAREST)
    descent = Descent(posterior.scale, reach, most, tolerance, within)
    return levenberg_marquardt(posterior, start, descent)


def starts(domain: Domain, posterior: LogPosterior) -> list[np.ndarray]:
    """The best of each lambda in a coarse table of origins, growths and thresholds, and a few more.

    On a real head log p has many modes, most of them far below the highest; and most of the table
    is far off.
    """
    n, prior = posterior.growth.stop, posterior.prior
    coarse, inverse = posterior.on(Grids.of(domain.dimensions).screen), posterior.forward.inverse
    spacing, reach = _LATTICE_MM[domain.dimensions]
    lattice = [domain.x0] if posterior.held else origins(domain, reach, spacing)
    theta = np.tile(prior.mean, (len(_LEVELS) ** (len(prior.mean) - n), 1))
    theta[:, n:] += list(itertools.product(_LEVELS, repeat=len(prior.mean) - n))
    theta = np.array([prior.inside(row) for row in theta])
    table = []
    for lambda_mm, rhoT, x0, u in densities(coarse.forward.grid, lattice, inverse):
        theta[:, :n] = np.log(lambda_mm), np.log(rhoT), *x0
        value = coarse.far_off(theta, np.tile(coarse.forward.read(u), (len(theta), 1)))
        best = int(np.argmax(value))
        levels = theta[best, n:].copy()
        table.append(Candidate(lambda_mm, rhoT, x0, levels, -float(value[best])))
    table.sort(key=lambda candidate: candidate.objective)
    of_lambda = apart(table, np.inf, _APART)
    leading = apart([*of_lambda, *table], _APART_MM, _APART, _STARTS[domain.dimensions])
    return [start_of(candidate, posterior) for candidate in leading]


def start_of(candidate: Candidate, posterior: LogPosterior) -> np.ndarray:
    """A direct fit as a start, moved into the support where its thresholds are not."""
    levels = posterior.levels_of(candidate.thresholds)
    growth = np.log([candidate.lambda_mm, candidate.rhoT])
    return posterior.prior.inside(np.concatenate([growth, candidate.x0, levels]))
