"""The truth of a phantom, `*_truth_params.json`: plain numbers under the names of a result."""

from __future__ import annotations

from pathlib import Path

from pydantic import ConfigDict, Field

from gbm.config.settings import Model
from gbm.results.estimate import RegionNumbers
from gbm.results.references import WorldPoint


class PhantomTruth(Model):
    """What made a phantom, as far as a result has a number beside it; further keys are ignored."""

    model_config = ConfigDict(extra="ignore")

    DT_mm2: float = Field(description="diffusivity in white matter times T, mm^2")
    rhoT: float = Field(description="proliferation rate times T")
    lambda_mm: float = Field(description="infiltration length sqrt(D / rho), mm")
    thresholds: RegionNumbers = Field(description="densities at the outlines")
    x0_mm: WorldPoint = Field(description="origin in RAS world mm of the patient's space")


def read_truth(path: Path) -> PhantomTruth:
    """Read the truth of a phantom."""
    return PhantomTruth.model_validate_json(path.read_text(encoding="utf-8"))
