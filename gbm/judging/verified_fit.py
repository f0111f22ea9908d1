"""A network's fit beside what judges it, as results speak of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from gbm.config.conventions import REGIONS
from gbm.config.errors import InputError
from gbm.config.objective_settings import Scale
from gbm.domain.domain import Domain
from gbm.growth.records import FitResult, Verification
from gbm.io.files import read_sealed
from gbm.io.layout import Layout
from gbm.judging.outcome import Outcome, outcome
from gbm.judging.posterior import GrowthPosterior
from gbm.results.estimate import Estimate, Thresholds
from gbm.results.fit_entry import FitDice, FitEntry, Objectives
from gbm.results.references import (
    CharacteristicStart,
    DirectReference,
    GridPoint,
    world,
)

FACTOR_OF = {"rD": "DT_mm2", "rRHO": "rhoT"}
"""What the factors on the characteristic start multiply."""


@dataclass(frozen=True)
class VerifiedFit:
    """A fit by a network, its verification, the direct fit with the same origin, and the scale."""

    fit: FitResult
    verification: Verification
    reference: DirectReference
    scale: Scale

    @classmethod
    def read(
        cls, files: Layout, name: str, reference: DirectReference, scale: Scale
    ) -> VerifiedFit:
        """Read what the steps wrote.

        Raises
        ------
        InputError
            If the fit has no verification.
        """
        if not files.verified(name).exists():
            raise InputError(f"a fit without a verification: {name}")
        return cls(
            FitResult.from_json(read_sealed(files.fit(name))),
            Verification.from_json(read_sealed(files.verified(name))),
            reference,
            scale,
        )

    @property
    def outcome(self) -> Outcome:
        """What to call it, by its verification and the direct fit."""
        return outcome(self.fit, self.verification, self.reference, self.scale)

    def fields(self, domain: Domain, posterior: GrowthPosterior | None = None) -> dict[str, Any]:
        """What `fits` and, with intervals, the top level of a result say alike of it."""
        fit, verification = self.fit, self.verification
        return {
            **{key: getattr(fit, key) for key in ("method", "lift", "x0", "seed", "seconds")},
            **Found.by_network(fit).fields(domain, posterior),
            "relative_error_u": verification.relative_error_u,
            "objective_prior": verification.objective_prior,
            "start": fit.assessment.get("start"),
            "first_start": fit.assessment.get("first_start"),
            **asdict(self.outcome),
        }

    def entry(self, name: str, domain: Domain) -> FitEntry:
        """Its entry in `fits`."""
        return FitEntry(
            name=name,
            weight=self.fit.weight,
            behind_walls=self.fit.assessment.get("behind_walls"),
            objective=Objectives(**self.verification.objective),
            dice=FitDice.model_validate(self.verification.dice),
            **self.fields(domain),
        )


@dataclass(frozen=True)
class Found:
    """The parameters that a fit found, whoever made it.

    Attributes
    ----------
    growth : mapping
        `DT_mm2`, `rhoT`, `lambda_mm`, `rD` and `rRHO`.
    thresholds : mapping
        Of WT and TC.
    x0_grid_mm : tuple of float
    """

    growth: Mapping[str, float]
    thresholds: Mapping[str, float | None]
    x0_grid_mm: GridPoint

    @classmethod
    def by_network(cls, fit: FitResult) -> Found:
        """Those of a network."""
        names = ("DT_mm2", "rhoT", "lambda_mm", "rD", "rRHO")
        growth = {name: getattr(fit, name) for name in names}
        return cls(growth, fit.thresholds, tuple(fit.x0_grid_mm))

    @classmethod
    def by_direct_fit(cls, fit: DirectReference, start: CharacteristicStart, core: bool) -> Found:
        """Those of the direct fit; the threshold of an empty core means nothing."""
        growth = {name: getattr(fit, name) for name in ("DT_mm2", "rhoT", "lambda_mm")}
        factors = {"rD": fit.DT_mm2 / start.DT_mm2, "rRHO": fit.rhoT / start.rhoT}
        levels = {"WT": fit.thresholds.WT, "TC": fit.thresholds.TC if core else None}
        return cls(growth | factors, levels, fit.x0_grid_mm)

    def fields(self, domain: Domain, posterior: GrowthPosterior | None) -> dict[str, Any]:
        """The parameters with what the posterior knows of them, in the units of the results."""

        def estimate(name: str, value: float | None, unit: float = 1.0) -> Estimate:
            return (
                Estimate.of(value) if posterior is None else posterior.estimate(name, value, unit)
            )

        growth, levels = self.growth, self.thresholds
        of = {name: FACTOR_OF.get(name, name) for name in growth}
        return {
            **{n: estimate(of[n], v, growth[of[n]] / v) for n, v in growth.items()},
            "thresholds": Thresholds(**{r: estimate(r, levels.get(r)) for r in REGIONS}),
            "x0_mm": world(self.x0_grid_mm, domain),
            "x0_grid_mm": self.x0_grid_mm,
            "x0_interval90_mm": None if posterior is None else posterior.origin(),
        }
