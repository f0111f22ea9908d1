"""The other networks of a patient: `desc-comparison_params.json` as a value.

It stands beside the result of the main job and changes nothing in it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from gbm.config.model import Model
from gbm.config.settings import GrowthRunSettings
from gbm.results.fit_entry import FitEntry
from gbm.results.reading import read_model
from gbm.results.references import DirectReference


class Comparison(Model):
    """What the comparison found on one patient."""

    patient: str = Field(description="id of the patient")
    dimensions: Literal[2, 3] = Field(description="2: one slice; 3: the whole tumour")
    pinn: str | None = Field(description="name of the PINN with the best network DICE")
    fits: tuple[FitEntry, ...] = Field(description="its networks, by name")
    direct_fixed_fdm: DirectReference = Field(description="the direct fit with the origin fixed")
    versions: dict[str, str] = Field(description="of all that can change a number")
    settings: GrowthRunSettings = Field(
        description="effective settings of the run; paths are left out: `output` is the default"
    )
    digest: str = Field(description="hash of all else in this file; an edited one is refused")

    def models(self) -> dict[str, FitEntry]:
        """The networks that have rows in the metrics table, by the beginning of their models."""
        found = {}
        for fit in self.fits:
            if fit.name == self.pinn:
                found["pinn"] = fit
            elif fit.method == "bilo":
                found["bilo_fixed" if fit.x0 == "fixed" else f"bilo_{fit.lift}"] = fit
        return found


def read_comparison(path: Path) -> Comparison:
    """Read `desc-comparison_params.json`.

    Raises
    ------
    InputError
        If it is no comparison of this version.
    """
    return read_model(Comparison, path, "comparison", "`snakemake compare`")
