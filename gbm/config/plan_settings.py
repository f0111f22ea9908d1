"""Settings of the plans that are drawn for comparison."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from gbm.config.model import Model


class PlanSettings(Model):
    """Plans of equal volume of a whole tumour; research use only."""

    ctv_margin_mm: Annotated[float, Field(gt=0, le=60)] = Field(
        default=15.0, description="margin of the standard plan around the core, mm"
    )
