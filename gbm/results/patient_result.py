"""Everything a patient's run found: `desc-growth_params.json` as a value.

The top level is the headline: the network of `gbm.config.fit_names.headline_fit`, or the direct fit
where `fit.method` is `direct`. `fits` lists the networks of the main job.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from gbm.config.fit_names import Lift
from gbm.config.model import Model, Plane
from gbm.config.settings import GrowthRunSettings
from gbm.io.provenance import InputFile, RunCost
from gbm.results.estimate import Number
from gbm.results.fit_entry import DensityError, FitEntry, GrowthFit, HeadlineObjectives
from gbm.results.posterior_record import Uncertainty
from gbm.results.reading import read_model
from gbm.results.references import (
    CharacteristicStart,
    FlatRange,
    GrowthNumbers,
    References,
    WorldPoint,
)
from gbm.results.registration_record import RegistrationRecord
from gbm.results.verdict import Verdict

MODEL_OF = {"bilo": "bilo_fdm", "direct": "direct_fdm"}


class Fitted(Model):
    """The fitted problem."""

    wt_outside_tissue_fraction: float = Field(
        description="part of the whole tumour outside the tissue, before filling"
    )
    radius_WT_mm: float = Field(description="radius of a disc (ball) as large as WT, mm")
    radius_TC_mm: float = Field(description="radius of a disc (ball) as large as TC, mm")


class FittedPlane(Fitted):
    """The fitted slice and the sizes on it."""

    plane: Plane = Field(description="plane of the slice")
    slice: int = Field(description="index in the segmentation file")
    wt_area_mm2: float = Field(description="area of the whole tumour, mm^2")
    tc_area_mm2: float = Field(description="area of the core, mm^2; 0: it is empty")
    tissue_area_mm2: float = Field(description="area of the tissue, mm^2")
    second_focus: float = Field(description="second focus over the largest")


class FittedVolume(Fitted):
    """The fitted surroundings of the whole tumour, and the sizes in them."""

    wt_volume_ml: float = Field(description="volume of the whole tumour, ml")
    tc_volume_ml: float = Field(description="volume of the core, ml; 0: it is empty")
    tissue_volume_ml: float = Field(description="volume of the tissue in the crop, ml")
    slice_thickness_mm: float = Field(description="greatest voxel size of the segmentation, mm")


class GridSizes(Model):
    """Cells of the grids of a volume, mm."""

    network: float = Field(description="where the network learns and is compared with the solver")
    reported: float = Field(description="where all scores and densities come from")


class NetworkGridObjectives(Model):
    """The objective on the cells that the network of a volume knows."""

    network: Number = Field(description="of the network's density; null: no network")
    fdm: Number = Field(description="of finite volumes at its parameters; null: no network")
    direct_fit: Number = Field(description="the least that the direct fit found there")


class SliceFit(GrowthNumbers):
    """What the direct fit of one slice alone says of the same tumour."""

    x0_mm: WorldPoint = Field(description="its origin, RAS world mm")
    slice: int = Field(description="index in the segmentation file")
    plane: Plane = Field(description="plane of the slice")
    objective: Number = Field(description="segmentation objective of the slice")
    converged: bool = Field(description="whether it settled inside the bounds")
    warnings: tuple[str, ...] = Field(description="what sits on a bound, or was cut short")


class Quality(Model):
    """The numbers that gates judge, and others of their kind."""

    numbers: dict[str, Number] = Field(
        description="by name, see `gbm.judging.quality`; null where a number does not exist"
    )


class AbsoluteRates(Model):
    """Diffusivity and proliferation rate, where the time since onset is stated."""

    D_mm2_per_day: Number = Field(description="diffusivity in white matter, mm^2/day")
    rho_per_day: Number = Field(description="proliferation rate, 1/day")


class PatientResult(GrowthFit):
    """What a run found on one patient; the fields of the fit are those of the headline."""

    patient: str = Field(description="id of the patient")
    dimensions: Literal[2, 3] = Field(description="2: one slice; 3: the whole tumour")
    method: Literal["bilo", "direct"] = Field(
        description="of the headline; direct: by the solver itself, no network"
    )
    headline: str = Field(description="name of the headline in `fits`, or `direct_fdm`")
    lift: Lift | None = Field(description="representation of the density; null: no network")
    seed: int | None = Field(description="of the network and its points; null: no network")
    steps: int | None = Field(description="steps of the network; null: no network")
    device: str = Field(description="device of the fit")
    relative_error_u: DensityError | None = Field(
        description="network against finite volumes; null: no network"
    )
    objective: HeadlineObjectives = Field(description="segmentation objective")
    verdict: Verdict = Field(description="whether these numbers may be read")
    characteristic: CharacteristicStart = Field(description="the characteristic start")
    baselines: References = Field(description="what stands beside the networks")
    flat_lambda_mm: FlatRange | None = Field(description="lambda of an indistinct objective")
    uncertainty: Uncertainty | None = Field(
        description="what median, sd and intervals come from; null: none were asked for"
    )
    absolute: AbsoluteRates | None = Field(description="null: the time since onset is unknown")
    fits: tuple[FitEntry, ...] = Field(description="the networks of the main job, by name")
    domain: FittedPlane | FittedVolume = Field(description="the fitted slice, or volume")
    grid_mm: GridSizes | None = Field(description="of a volume; null in the plane")
    objective_network_grid: NetworkGridObjectives | None = Field(
        description="of a volume; null in the plane, where it is the objective itself"
    )
    slice_fit: SliceFit | None = Field(description="of a volume; null in the plane")
    quality: Quality = Field(description="what was judged")
    registration: RegistrationRecord | None = Field(
        description="null: the patient brought tissue maps"
    )
    input_warnings: tuple[str, ...] = Field(description="remarks of the check of the input")
    inputs: tuple[InputFile, ...] = Field(description="input files")
    versions: dict[str, str] = Field(description="of all that can change a number")
    cost: RunCost | None = Field(description="time and memory of the steps; null: not measured")
    settings: GrowthRunSettings = Field(
        description="effective settings of the run; paths are left out: `output` is the default"
    )
    digest: str = Field(description="hash of all else in this file; an edited one is refused")

    def fit(self, name: str) -> FitEntry:
        """The entry of `fits` of that name."""
        return next(entry for entry in self.fits if entry.name == name)

    @property
    def model(self) -> str:
        """The row of the metrics table that the headline is judged by: finite volumes."""
        return MODEL_OF[self.method]

    @property
    def network_error(self) -> float | None:
        """Relative L2 distance of network and finite volumes at the scan; None without either."""
        return None if self.relative_error_u is None else self.relative_error_u.final


def read_result(path: Path) -> PatientResult:
    """Read `desc-growth_params.json`.

    Raises
    ------
    InputError
        If it is no result of this version.
    """
    return read_model(PatientResult, path, "result", "the same command")
