"""The truth of a phantom, `*_truth_params.json`: plain numbers under the names of a result."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from pydantic import ConfigDict, Field

from gbm.io.provenance import InputFile
from gbm.results.estimate import RegionNumbers
from gbm.results.references import GrowthNumbers, WorldPoint


class PhantomTruth(GrowthNumbers):
    """What made a phantom, as far as a result has a number beside it; further keys are ignored."""

    model_config = ConfigDict(extra="ignore")

    thresholds: RegionNumbers = Field(description="densities at the outlines")
    x0_mm: WorldPoint = Field(description="origin in RAS world mm of the patient's space")
    segmentation_sha256: str = Field(description="hash of the segmentation that was made of it")


def read_truth(path: Path, inputs: Iterable[InputFile]) -> PhantomTruth | None:
    """Read the truth of a phantom; None without one, or where the inputs are not the phantom's."""
    if not path.exists():
        return None
    truth = PhantomTruth.model_validate_json(path.read_text(encoding="utf-8"))
    own = any(file.sha256 == truth.segmentation_sha256 for file in inputs)
    return truth if own else None
