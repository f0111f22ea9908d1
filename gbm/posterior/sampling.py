"""The calibrated posterior of one patient, in two or three dimensions.

1. The mode, from the best of a coarse table and the direct fit; the noise level of the outlines
   from the misfit there, and the mode again.
2. A quadratic model of what is read of logit u, by secants; an ensemble of walkers on it.
3. Some of their samples are solved, and weighted by exact over modelled density. Where few of the
   weights count, the ensemble walks with the solver.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bilo.posterior.intervals import weighted_quantiles
from gbm.config.settings import Settings
from gbm.growth.inverse_problem import GrowthInverseProblem
from gbm.posterior.draw import MOST_SAMPLES, draw
from gbm.posterior.growth_posterior import LogPosterior
from gbm.posterior.maps import density_maps, extents
from gbm.posterior.mode import find_modes, start_of, starts
from gbm.posterior.prior import Prior
from gbm.posterior.result import OutlinePosterior, flags_of
from gbm.search.coarse_search import Candidate

if TYPE_CHECKING:
    from gbm.domain.domain import Domain


class NoOutlineError(ValueError):
    """No outline has a single point to compare with."""


LEAST_SAMPLES = 40
"""As many as there are walkers, should the solver itself have to be sampled."""


@dataclass(frozen=True)
class Sampling:
    """How the posterior is sampled.

    Attributes
    ----------
    samples : int
        Solved ones, no fewer than `LEAST_SAMPLES` and no more than `MOST_SAMPLES`.
    floor_mm, factor : float
        The noise level of an outline is max(floor, factor rms of its misfit).
    infiltrated_above : float
        Density of the map of the probability of infiltration.
    seed : int
        Of the random draws.

    Raises
    ------
    ValueError
        If there are too few samples, or too many.
    """

    samples: int = 200
    floor_mm: float = 1.2
    factor: float = 1.3
    infiltrated_above: float = 0.01
    seed: int = 0

    def __post_init__(self) -> None:
        if not LEAST_SAMPLES <= self.samples <= MOST_SAMPLES:
            raise ValueError(
                f"a posterior takes {LEAST_SAMPLES} to {MOST_SAMPLES} samples, not {self.samples}"
            )


def outline_posterior(
    domain: Domain,
    inverse: GrowthInverseProblem | None = None,
    fit: Candidate | None = None,
    sampling: Sampling | None = None,
) -> OutlinePosterior:
    """Sample growth, origin and thresholds given the outlines of WT and TC.

    Parameters
    ----------
    domain : Domain
        A slice, solved on 1 mm, or the whole tumour, solved on 2 mm.
    inverse : GrowthInverseProblem, optional
        Priors, bounds and seed; the defaults of the dimension without it.
    fit : Candidate, optional
        The direct fit, as a further start.
    sampling : Sampling, optional

    Raises
    ------
    NoOutlineError
        If all of every outline lies at walls, or around too few voxels.
    """
    began, by = time.perf_counter(), sampling or Sampling()
    if inverse is None:
        inverse = GrowthInverseProblem.of(domain, Settings(dimensions=domain.dimensions))
    posterior = LogPosterior.of(domain, inverse)
    if posterior.without_outline:
        raise NoOutlineError(posterior.without_outline)
    guesses = starts(domain, posterior) + ([start_of(fit, posterior)] if fit else [])
    found = find_modes(posterior, guesses, by.floor_mm, by.factor)
    known = found.posterior
    drawn = draw(known, found.all[0], by.samples, np.random.default_rng(by.seed))
    regions = {region.name: region for region in known.outlines.regions}
    misfit = known.misfit(drawn.mode.theta, drawn.mode.seen)
    lost = {name: region.outline.lost for name, region in regions.items()}
    n = known.growth.stop
    return OutlinePosterior(
        ln_lambda=drawn.theta[:, 0],
        ln_rhoT=drawn.theta[:, 1],
        x0=drawn.theta[:, 2:n],
        thresholds=dict(zip(regions, drawn.theta[:, n:].T, strict=True)),
        weights=drawn.weights,
        mode=drawn.mode.theta,
        maps=density_maps(domain, drawn.u, drawn.weights, by.infiltrated_above),
        extents=extents(domain, drawn.u, drawn.weights),
        noise_mm=dict(zip(regions, known.outlines.sd.tolist(), strict=True)),
        misfit_mm=misfit,
        lost_outline=lost,
        effective_sample_size=drawn.effective,
        sampler=drawn.sampler,
        flags=flags_of(misfit, lost, _to_bounds(drawn.theta, drawn.weights, known.prior)),
        seconds=time.perf_counter() - began,
    )


def _to_bounds(theta: np.ndarray, weights: np.ndarray, prior: Prior) -> np.ndarray:
    """How far the 90 % intervals of ln lambda and ln rho T lie inside of the bounds, (2, 2).

    Over their lengths: a wide density that a bound cuts ends further from it than a narrow one.
    """
    low, _, high = weighted_quantiles(theta[:, :2], weights)
    return np.array([low - prior.bounds[:, 0], prior.bounds[:, 1] - high]) / (high - low)
