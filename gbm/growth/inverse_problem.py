"""What a fit of one patient has to respect: objective, slopes, bounds and the seed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

import numpy as np

from gbm.config.conventions import REGIONS
from gbm.config.objective_settings import GAP, OVERLAP
from gbm.config.settings import GrowthSettings, Settings
from gbm.growth.characteristic import (
    GROWTH_BOUNDS,
    Characteristic,
    characteristic,
    growth_on_bound,
)
from gbm.growth.growth_prior import GrowthPrior
from gbm.growth.parameters import Seed
from gbm.growth.region_loss import RegionLoss
from gbm.growth.thresholds import BOUNDS, Bounds, inside, on_bound

if TYPE_CHECKING:
    from gbm.domain.domain import Domain

GENTLE = 80.0
"""Slope k up to which the objective is smooth in the unknowns: the soft border of a region is about
a voxel wide. Steeper ones, whose minimum is less biased, are rough and approached from there."""


class FieldObjective(Protocol):
    """An objective of a density on cells, of thresholds (2,) and growth, whatever its form."""

    def value(self, u: np.ndarray, thresholds: np.ndarray, lambda_mm: float, rhoT: float) -> float:
        """At a density u (cells)."""

    def prior(self, thresholds: np.ndarray, lambda_mm: float, rhoT: float) -> float:
        """The priors' share of it."""

    def coarsened(self, parts: int) -> FieldObjective:
        """The same on cells of `parts` voxels."""


@dataclass(frozen=True)
class GrowthInverseProblem:
    """Objective at the final slope k and everything that limits the unknowns.

    What a fit minimises, and every reported objective, is `value`:

        J = sum_r (1 - soft Dice_r) + priors of the thresholds + prior of the growth parameters.

    Attributes
    ----------
    objective : RegionLoss
        The part that looks at density and thresholds, at the final k.
    k_start : float
        Slope of the soft threshold a fit begins with.
    growth_bounds, threshold_bounds : mapping
        Bounds of lambda_mm and rhoT, and of the thresholds WT and TC.
    h0, r0 : float
        Height and inverse width (1/mm^2) of the seed.
    growth_prior : GrowthPrior
        The part that looks at lambda and rho T.
    noise : (float, float), optional
        Where the objective is minus the log posterior of the outlines instead: least noise level
        of an outline (mm), and noise level over misfit. Tables that only choose where to begin
        still look at the overlap.
    outlines : FieldObjective, optional
        That objective, once the noise level is known (`gbm.posterior.objective.with_outlines`).
    """

    objective: RegionLoss
    k_start: float = OVERLAP["k_start"]
    growth_bounds: Mapping[str, tuple[float, float]] = field(default_factory=lambda: GROWTH_BOUNDS)
    threshold_bounds: Bounds = field(default_factory=lambda: BOUNDS)
    h0: float = GrowthSettings().h0
    r0: float = GrowthSettings().r0_per_mm2
    growth_prior: GrowthPrior = field(default_factory=GrowthPrior)
    noise: tuple[float, float] | None = None
    outlines: FieldObjective | None = None

    def seed(self, x0: np.ndarray) -> Seed:
        """The seed at an origin (mm)."""
        return Seed(x0, self.h0, self.r0)

    def value(self, u: np.ndarray, thresholds: np.ndarray, lambda_mm: float, rhoT: float) -> float:
        """J at the final k: density u on the objective's cells, thresholds (2,), lambda (mm).

        Raises
        ------
        ValueError
            If J is a posterior whose noise level is not known yet.
        """
        if self.outlines is not None:
            return self.outlines.value(u, thresholds, lambda_mm, rhoT)
        if self.noise is not None:
            raise ValueError("the noise level of the outlines is not known yet")
        return self.objective.value(u, thresholds) + self.growth_prior.value(lambda_mm, rhoT)

    def prior(self, thresholds: np.ndarray, lambda_mm: float, rhoT: float) -> float:
        """The priors' share of `value`: what the data do not decide."""
        if self.outlines is not None:
            return self.outlines.prior(thresholds, lambda_mm, rhoT)
        growth = self.growth_prior.value(lambda_mm, rhoT)
        return sum(self.objective.prior(r, thresholds[r]) for r in self.objective.regions) + growth

    def characteristic(self, domain: Domain) -> Characteristic:
        """The characteristic start of a patient, at the prior thresholds."""
        whole, core = (domain.numbers[f"radius_{region}_mm"] for region in REGIONS)
        thresholds = dict(zip(REGIONS, self.objective.prior_means, strict=True))
        seed = self.seed(domain.x0)
        return characteristic(whole, core, thresholds, self.growth_bounds, seed, domain.dimensions)

    @property
    def first_thresholds(self) -> np.ndarray:
        """The prior's means (2,), moved inside of the bounds."""
        return inside(np.array(self.objective.prior_means), self.threshold_bounds)

    def coarsened(self, parts: int) -> GrowthInverseProblem:
        """The same with the objective on cells of `parts` voxels."""
        outlines = None if self.outlines is None else self.outlines.coarsened(parts)
        return replace(self, objective=self.objective.coarsened(parts), outlines=outlines)

    @property
    def steepened(self) -> tuple[RegionLoss, ...]:
        """The objective at slopes that double up to the final one, from no less than `GENTLE`."""
        slopes = [self.objective.k]
        while slopes[0] >= 2 * GENTLE:
            slopes.insert(0, slopes[0] / 2)
        return tuple(replace(self.objective, k=k) for k in slopes)

    @classmethod
    def of(cls, domain: Domain, settings: Settings | None = None) -> GrowthInverseProblem:
        """The inverse problem of a patient under the settings of a run (defaults without them)."""
        if settings is None:
            return cls.of(domain, Settings())
        goal, bounds, noise = settings.objective, settings.bounds, settings.uncertainty.noise
        means = (goal.thresholds.WT, goal.thresholds.TC)
        first, last, weight = goal.overlap
        name = "soft_dice" if goal.name == "outline" else goal.name
        return cls(
            RegionLoss.of(domain, last, name, weight, means),
            first,
            {"lambda_mm": bounds.lambda_mm, "rhoT": bounds.rhoT},
            {"WT": (bounds.WT[0], min(bounds.WT[1], bounds.TC[1] - GAP)), "TC": bounds.TC},
            settings.growth.h0,
            settings.growth.r0_per_mm2,
            GrowthPrior(weight, goal.growth_prior.lambda_mm, goal.growth_prior.rhoT),
            (noise.floor_mm, noise.factor) if goal.name == "outline" else None,
        )

    def on_bound(self, lambda_mm: float, rhoT: float, thresholds: np.ndarray) -> tuple[str, ...]:
        """Sentences that name every number that sits on a bound."""
        regions = [REGIONS[r] for r in self.objective.regions]
        names = [
            *growth_on_bound(lambda_mm, rhoT, self.growth_bounds),
            *(
                f"threshold {name}"
                for name in on_bound(thresholds, self.threshold_bounds)
                if name in regions
            ),
        ]
        return tuple(f"{name} sits on a bound" for name in names)
