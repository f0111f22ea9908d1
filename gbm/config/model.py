"""What all settings and results are made of: frozen values whose keys are all known."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Positive = Annotated[float, Field(gt=0)]
NonNegative = Annotated[float, Field(ge=0)]
Fraction = Annotated[float, Field(ge=0, le=1)]
Plane = Literal["axial", "coronal", "sagittal"]


class Model(BaseModel):
    """A frozen value whose keys are all known."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        allow_inf_nan=False,
        # Written values hold every key, those with a default too.
        json_schema_serialization_defaults_required=True,
    )
