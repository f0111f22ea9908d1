"""Numbers as a result holds them: one with its spread, or one for each region."""

from __future__ import annotations

import math
from typing import Annotated, Any, Generic, TypeVar

from pydantic import BeforeValidator, Field

from gbm.config.conventions import REGIONS
from gbm.config.model import Model

T = TypeVar("T")


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


Number = Annotated[float | None, BeforeValidator(_finite)]
"""A number; None where there is none, and for NaN and infinities, which JSON cannot write."""


class Estimate(Model):
    """An inferred number with what is known of its spread, all in the number's own unit."""

    value: Number = Field(description="what the fit found; null: no such number")
    median: Number = Field(description="median of the posterior")
    sd: Number = Field(description="standard deviation, all known sources together")
    sd_posterior: Number = Field(description="standard deviation that the outlines leave")
    sd_slices: Number = Field(description="standard deviation between fitted slices")
    interval90: tuple[float, float] | None = Field(description="90 % interval")

    @classmethod
    def of(cls, value: float | None) -> Estimate:
        """A value of which no spread is known."""
        return cls(
            value=value, median=None, sd=None, sd_posterior=None, sd_slices=None, interval90=None
        )


class PerRegion(Model, Generic[T]):
    """One value for each region."""

    WT: T = Field(description="whole tumour")
    TC: T = Field(description="tumour core")

    def __getitem__(self, region: str) -> T:
        """The value of a region by its name."""
        if region not in REGIONS:
            raise KeyError(region)
        value: T = getattr(self, region)
        return value


class RegionNumbers(PerRegion[Number]):
    """A number for each region; none for an empty one."""


class Thresholds(PerRegion[Estimate]):
    """Densities at the outlines, fractions of the carrying capacity."""

    def levels(self) -> dict[str, float | None]:
        """The values alone, by region."""
        return {region: self[region].value for region in REGIONS}


class RegionScore(Model):
    """How well a predicted region matches the segmented one, inside the tissue."""

    dice: Number = Field(description="Dice similarity coefficient")
    hd95_mm: Number = Field(description="95 % Hausdorff distance, mm")
    area_mm2: Number = Field(default=None, description="in the plane: predicted area, mm^2")
    volume_ml: Number = Field(default=None, description="in three dimensions: volume, ml")


class RegionScores(PerRegion[RegionScore]):
    """The scores of a solution, for each region."""
