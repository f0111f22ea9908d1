"""The direct fit that a network is compared with, as the steps wrote it."""

from __future__ import annotations

from typing import Any

from gbm.config.fit_names import FitSpec
from gbm.io.files import read_sealed
from gbm.io.layout import Layout


def direct_record(files: Layout, spec: FitSpec) -> dict[str, Any]:
    """The record of the direct fit with the origin of a network, see `gbm.steps.baselines`."""
    if spec.origin == "fixed":
        return dict(read_sealed(files.direct_fixed))
    return dict(read_sealed(files.baselines)["direct_fdm"])
