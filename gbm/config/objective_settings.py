"""Settings of the objective: what a fit descends, and the priors that belong to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from gbm.config.merging import filled
from gbm.config.model import Model, NonNegative, Positive

ObjectiveName = Literal["soft_dice", "outline", "relative_l2"]
OVERLAP = {"k_start": 20.0, "k_final": 320.0, "prior_weight": 1e-3}
"""Defaults of what an overlap has and a posterior has not."""
LOWEST, GAP, HIGHEST = 0.03, 0.02, 0.97
"""Possible thresholds: LOWEST < WT < TC - GAP, TC < HIGHEST."""


def or_null(schema: dict[str, Any]) -> None:
    """In a file the value may be null: the default of the dimension, see `Settings`."""
    known = {key: schema.pop(key) for key in [*schema] if key not in ("default", "description")}
    schema["anyOf"] = [known, {"type": "null"}]


@dataclass(frozen=True)
class Scale:
    """In which units an objective counts.

    Attributes
    ----------
    margin : float
        Difference of two values that means nothing: grids and outlines make as much.
    on_voxels : float
        The same on the voxels of a volume, whose network learns on cells of 2 mm.
    decimals : int
        How many are shown.
    rises : tuple of float
        Above the least value, drawn as level lines; the first three as black ones.
    """

    margin: float
    on_voxels: float
    decimals: int
    rises: tuple[float, ...]


_OVERLAP_SCALE = Scale(2e-3, 5e-3, 4, (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5))
SCALES: Mapping[str, Scale] = {
    "soft_dice": _OVERLAP_SCALE,
    "relative_l2": _OVERLAP_SCALE,
    "outline": Scale(1.0, 2.5, 2, (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0)),
}


class ThresholdSettings(Model):
    """One number for each region."""

    WT: Annotated[float, Field(gt=0, lt=1)] = Field(description="whole tumour")
    TC: Annotated[float, Field(gt=0, lt=1)] = Field(description="tumour core")

    @model_validator(mode="after")
    def _ordered(self) -> ThresholdSettings:
        if not self.WT < self.TC:
            raise ValueError("WT must be smaller than TC: the core is denser")
        return self


class LogNormal(Model):
    """A prior of a positive number."""

    median: Positive = Field(description="median of the prior")
    log_sd: Positive = Field(description="standard deviation of the natural logarithm")


class GrowthPriorSettings(Model):
    """Weak priors of the growth parameters."""

    lambda_mm: LogNormal = Field(
        default=LogNormal(median=3.5, log_sd=0.6),
        description="sqrt(D/rho), mm",
        json_schema_extra=or_null,
    )
    rhoT: LogNormal = Field(
        default=LogNormal(median=7.5, log_sd=0.5),
        description="rho T",
        json_schema_extra=or_null,
    )


class ObjectiveSettings(Model):
    """The objective of direct fit and networks.

    An overlap of regions, ``soft_dice`` or ``relative_l2``, or ``outline``: minus the log posterior
    of the outlines, whose errors are those of `uncertainty.noise`.
    """

    name: ObjectiveName = Field(default="soft_dice", description="what a fit descends")
    k_start: Positive | None = Field(
        default=None, description="of an overlap: first slope of the soft threshold; 20"
    )
    k_final: Positive | None = Field(
        default=None, description="of an overlap: last slope; reported objectives use it; 320"
    )
    prior_weight: NonNegative | None = Field(
        default=None,
        description="of an overlap: cost of one standard deviation, the same for the priors of the "
        "thresholds (0.1), of lambda and of rho T; 0.001",
    )
    thresholds: ThresholdSettings = Field(
        default=ThresholdSettings(WT=0.35, TC=0.6), description="prior means"
    )
    growth_prior: GrowthPriorSettings = Field(
        default=GrowthPriorSettings(),
        description="log-normal priors of lambda and rho T",
        json_schema_extra=or_null,
    )

    @model_validator(mode="before")
    @classmethod
    def _of_the_name(cls, data: Any) -> Any:
        if not isinstance(data, Mapping):
            return data
        name = data.get("name", cls.model_fields["name"].default)
        if name != "outline":
            return filled(data, OVERLAP)
        given = [key for key in OVERLAP if data.get(key) is not None]
        if given:
            raise ValueError(
                f"{' and '.join(given)}: slopes of a threshold and a weight of priors belong to "
                "an overlap and mean nothing to the objective `outline`; leave them out, or null"
            )
        return data

    @model_validator(mode="after")
    def _continued(self) -> ObjectiveSettings:
        first, last, _ = self.overlap
        if last < first:
            raise ValueError("k_final must not be smaller than k_start")
        return self

    @property
    def scale(self) -> Scale:
        """In which units it counts."""
        return SCALES[self.name]

    @property
    def overlap(self) -> tuple[float, float, float]:
        """k_start, k_final and prior_weight; the defaults where nothing is descended by them."""
        given = (self.k_start, self.k_final, self.prior_weight)
        known = (v if w is None else w for v, w in zip(OVERLAP.values(), given, strict=True))
        first, last, weight = known
        return first, last, weight
