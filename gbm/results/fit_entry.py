"""What a result says of one fit: its parameters, its errors and what to call it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from gbm.config.fit_names import Lift
from gbm.config.model import Model
from gbm.results.estimate import Estimate, Number, RegionNumbers, Thresholds
from gbm.results.references import GridPoint, WorldPoint


class DensityError(Model):
    """Relative L2 distance of network and finite volumes at the same parameters."""

    final: Number = Field(description="at the time of the scan, over the tissue (phi > 1/2)")
    all_t: Number = Field(description="over all times, over the tissue")
    final_with_interface: Number = Field(description="at the time of the scan, over all phi")


class Objectives(Model):
    """The segmentation objective of one fit at its final slope, priors included."""

    network: Number = Field(description="of the network's density")
    fdm: Number = Field(description="of the finite-volume solution at the same parameters")


class HeadlineObjectives(Objectives):
    """The objective of the headline fit beside its references, all by finite volumes."""

    direct_fit: Number = Field(description="of the direct fit")
    characteristic: Number = Field(description="of the characteristic start")


class FitDice(Model):
    """Dice similarity coefficients of one fit."""

    network: RegionNumbers = Field(description="of the network's density")
    fdm: RegionNumbers = Field(description="of the finite-volume solution")


class FitStart(Model):
    """Where a network was pretrained."""

    DT: float = Field(description="diffusivity in white matter times T, mm^2")
    rhoT: float = Field(description="proliferation rate times T")
    source: Literal["characteristic", "table", "direct fit"] = Field(description="who found it")


class FirstStart(Model):
    """The first of two starts."""

    source: Literal["characteristic", "table", "direct fit"] = Field(description="who found it")
    objective_fdm: Number = Field(description="verified objective of the fit from there")


class GrowthFit(Model):
    """What `fits` and the top level say alike of a fit."""

    x0: Literal["inferred", "fixed"] = Field(description="where the origin comes from")
    DT_mm2: Estimate = Field(description="diffusivity in white matter times T, mm^2")
    rhoT: Estimate = Field(description="proliferation rate times the time T since onset")
    lambda_mm: Estimate = Field(description="infiltration length sqrt(D / rho), mm")
    rD: Estimate = Field(description="DT_mm2 over that of the characteristic start")
    rRHO: Estimate = Field(description="rhoT over that of the characteristic start")
    thresholds: Thresholds = Field(description="densities at the outlines")
    x0_mm: WorldPoint = Field(description="origin in RAS world mm of the patient's space")
    x0_grid_mm: GridPoint = Field(description="origin along the axes of the fitted grid, mm")
    x0_interval90_mm: tuple[tuple[float, float], ...] | None = Field(
        description="90 % interval of each coordinate of the origin, RAS world mm; of a slice "
        "without width across it"
    )
    objective_prior: Number = Field(description="the priors' share of the objective")
    start: FitStart | None = Field(description="where a network began")
    first_start: FirstStart | None = Field(description="where it began before, if twice")
    status: str = Field(description="converged, or in a word why not")
    converged: bool = Field(description="whether the fit may be read")
    warnings: tuple[str, ...] = Field(description="why not, in words")
    seconds: float = Field(description="time of the fit, s")


class FitEntry(GrowthFit):
    """One network: an entry of `fits`."""

    name: str = Field(description="name in files")
    method: Literal["bilo", "pinn"] = Field(description="how the network was trained")
    lift: Lift = Field(description="representation of the density")
    seed: int = Field(description="of the network and its points")
    relative_error_u: DensityError = Field(description="network against finite volumes")
    weight: float | None = Field(description="data weight of a PINN")
    behind_walls: Number = Field(
        description="part of the density (relative L2) that came through narrow gaps of the tissue"
    )
    objective: Objectives = Field(description="segmentation objective")
    dice: FitDice = Field(description="overlap with the segmentation")
