"""What a result says of the posterior given the outlines."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from gbm.config.model import Model
from gbm.results.estimate import Number, RegionNumbers

FLAGS = {
    "misfit": "the model does not describe this outline; the interval holds only if it did",
    "origin_at_walls": "the origin is not determined: most of an outline lies at walls",
    "at_bound": "the posterior ends at a bound of lambda or rho T: what lies beyond was not asked",
}
"""What each flag says beside an interval."""


class Spread(Model):
    """Median, standard deviation and 90 % interval of a number."""

    median: float = Field(description="half of the posterior lies below")
    sd: float = Field(description="standard deviation")
    interval90: tuple[float, float] = Field(description="5 and 95 % of the posterior")


class SliceOutcome(Model):
    """The mode of the posterior on one slice of a tumour."""

    offset_mm: float = Field(description="distance from the fitted slice along the file's axis, mm")
    slice: int = Field(description="index in the segmentation file")
    lambda_mm: float = Field(description="infiltration length, mm")
    rhoT: float = Field(description="proliferation rate times T")
    DT_mm2: float = Field(description="diffusivity in white matter times T, mm^2")
    thresholds: RegionNumbers = Field(description="densities at the outlines")


class Uncertainty(Model):
    """How sure the numbers are, and what that is conditional on."""

    method: Literal["outline"] = Field(description="likelihood of the drawn outlines")
    noise_mm: RegionNumbers = Field(
        description="sd of the errors of an outline, mm; up to twice that where its front is flat"
    )
    misfit_mm: RegionNumbers = Field(
        description="root mean square distance of the model from an outline, mm; null: no part of "
        "it is compared, being the whole tumour's edge or at walls"
    )
    effective_sample_size: Number = Field(
        description="of the samples, as a share of them; below .3 of the first ones, in place of "
        "which the solver itself was sampled; null: it was, as no model was as wide as its samples"
    )
    lost_outline: RegionNumbers = Field(
        description="share of an outline that lies at walls and tells nothing"
    )
    flags: tuple[Literal["misfit", "origin_at_walls", "at_bound"], ...] = Field(
        description="what restricts the intervals"
    )
    reason: str | None = Field(description="why there are no intervals; null: there are")
    slices: tuple[SliceOutcome, ...] | None = Field(
        description="the same tumour on neighbouring slices; null in three dimensions"
    )
