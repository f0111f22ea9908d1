"""Minus the log posterior as the objective of a fit: `objective.name: outline`.

    J(theta) = -log p(theta | outlines),

up to a constant, for a density on the voxels or on cells of them, whoever has made it. One unit is
what one standard deviation and a half costs; the noise level of the outlines is fixed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import logit

from gbm.growth.growth_map import cell_axes
from gbm.growth.inverse_problem import GrowthInverseProblem
from gbm.posterior.growth_posterior import DENSITY_FLOOR, LogPosterior
from gbm.posterior.mode import with_noise_of
from gbm.posterior.region import Reader

if TYPE_CHECKING:
    from gbm.domain.domain import Domain


@dataclass(frozen=True)
class OutlineObjective:
    """Minus the log posterior of a density and its thresholds, a `FieldObjective`.

    Attributes
    ----------
    posterior : LogPosterior
        With its noise level known.
    readers : tuple of Reader
        One a region, on the cells that a density is given on.
    """

    posterior: LogPosterior
    readers: tuple[Reader, ...]

    @classmethod
    def of(cls, posterior: LogPosterior, parts: int = 1) -> OutlineObjective:
        """On cells of `parts` voxels along each axis."""
        axes = cell_axes(posterior.prior.domain.axes, parts)
        regions = posterior.outlines.regions
        return cls(posterior, tuple(Reader.of(region, axes) for region in regions))

    def coarsened(self, parts: int) -> OutlineObjective:
        """The same for a density on cells of `parts` voxels."""
        return self if parts == 1 else OutlineObjective.of(self.posterior, parts)

    def value(self, u: np.ndarray, thresholds: np.ndarray, lambda_mm: float, rhoT: float) -> float:
        """J of the density u (cells), thresholds (2,) and growth, the latter for its prior."""
        features = self.features(logit(np.clip(u, DENSITY_FLOOR, 1 - DENSITY_FLOOR)).ravel())
        levels = self.posterior.levels_of(thresholds)
        likelihood = self.posterior.outlines.log(features[None], levels[:, None])[0]
        return self.prior(thresholds, lambda_mm, rhoT) - float(likelihood)

    def prior(self, thresholds: np.ndarray, lambda_mm: float, rhoT: float) -> float:
        """The priors' share: half the squared deviations of thresholds, ln lambda and ln rho T."""
        prior = self.posterior.prior
        growth, levels = np.log([lambda_mm, rhoT]), self.posterior.levels_of(thresholds)
        theta = np.concatenate([growth, prior.domain.x0, levels])
        return float(prior.penalty(theta[None])[0])

    def features(self, logit_u: np.ndarray) -> np.ndarray:
        """What the likelihoods look at, (F,), of logit u on the cells, flattened."""
        return np.concatenate([reader(logit_u) for reader in self.readers])


def with_outlines(
    domain: Domain, inverse: GrowthInverseProblem, first_mode: Sequence[float] | np.ndarray | None
) -> GrowthInverseProblem:
    """The inverse problem of a patient, its objective complete.

    Parameters
    ----------
    domain : Domain
    inverse : GrowthInverseProblem
        That of the settings.
    first_mode : (n,)
        What fixes the noise level of the outlines, see `DirectFit.first_mode`; nothing where the
        objective is no posterior.

    Raises
    ------
    ValueError
        If the objective is a posterior, and the mode is not given.
    """
    if inverse.noise is None:
        return inverse
    if first_mode is None:
        raise ValueError("the objective `outline` takes the direct fit's `first_mode`")
    known = with_noise_of(
        LogPosterior.of(domain, inverse), np.array(first_mode, dtype=float), *inverse.noise
    )
    return replace(inverse, outlines=OutlineObjective.of(known))
