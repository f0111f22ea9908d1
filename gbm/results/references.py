"""What stands beside every network: disc, characteristic start, direct fits and their objective."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from pydantic import Field

from gbm.config.model import Model
from gbm.domain.domain import Domain
from gbm.results.estimate import Number, RegionNumbers, RegionScores

GridPoint = tuple[float, ...]
"""Along the axes of the fitted grid, mm: two numbers in the plane, three in a volume."""
WorldPoint = tuple[float, float, float]


class RadiusErrors(RegionNumbers):
    """Relative error of the radii of the radially symmetric solution; none for an empty core."""

    TC: Number = Field(default=None, description="tumour core")


class GrowthNumbers(Model):
    """Growth parameters as plain numbers."""

    DT_mm2: float = Field(description="diffusivity in white matter times T, mm^2")
    rhoT: float = Field(description="proliferation rate times T")
    lambda_mm: float = Field(description="infiltration length sqrt(D / rho), mm")


class CharacteristicStart(GrowthNumbers):
    """The two numbers for which a radially symmetric tumour has the patient's radii."""

    radius_error: RadiusErrors = Field(description="how far the radii are missed")
    reason: str | None = Field(description="why a radius is missed, or what replaced it")
    map_radii_mm: RegionNumbers | None = Field(
        default=None, description="radii of these parameters on the patient's own map, mm"
    )


class Disc(Model):
    """The disc, or ball, of each region's size at the centre of the core."""

    x0_grid_mm: GridPoint = Field(description="centre along the axes of the fitted grid, mm")
    x0_mm: WorldPoint = Field(description="centre in RAS world mm of the patient's space")
    metrics: RegionScores = Field(description="against the segmentation")


class SolvedReference(GrowthNumbers, Disc):
    """A solution by finite volumes, and its parameters as plain numbers."""

    thresholds: RegionNumbers = Field(description="densities at the outlines")
    objective: Number = Field(description="segmentation objective at the final slope")
    objective_prior: Number = Field(description="the priors' share of it")


Extent = dict[str, Number]
"""`extent_0.1_mm2` or `extent_0.1_ml`, `margin_0.1_mm`, .. : rows of the metrics table."""


class Minimum(Model):
    """One minimum of the direct search."""

    lambda_mm: float = Field(description="infiltration length, mm")
    rhoT: float = Field(description="proliferation rate times T")
    objective: Number = Field(description="segmentation objective")
    x0_grid_mm: GridPoint = Field(description="origin along the axes of the fitted grid, mm")
    thresholds: tuple[float, float] = Field(description="of WT and TC")


class DirectReference(SolvedReference):
    """A fit of the same objective by the solver itself and a classical optimiser."""

    objective_network_grid: Number = Field(
        description="least objective on the cells that a network learns on; in the plane the same"
    )
    extent: Extent = Field(description="what is infiltrated beyond the segmented tumour")
    x0_shift_mm: float = Field(description="distance of the origin from the centroid, mm")
    minima: tuple[Minimum, ...] = Field(
        min_length=1, description="distinct minima of the search, best first"
    )
    converged: bool = Field(description="whether it settled inside the bounds")
    warnings: tuple[str, ...] = Field(description="what sits on a bound, or was cut short")
    seconds: float = Field(description="wall time, s")
    first_mode: tuple[float, ...] | None = Field(
        default=None,
        description="where the objective is a posterior: ln lambda, ln rho T, origin and "
        "thresholds whose misfit fixes the noise level of the outlines",
    )


class ObjectiveProfile(Model):
    """Least objective along lambda, ascending, all other unknowns fitted again."""

    lambda_mm: tuple[float, ...] = Field(description="infiltration length, mm")
    objective: tuple[Number, ...] = Field(description="least objective")
    rhoT: tuple[Number, ...] = Field(description="proliferation rate times T there")
    without_prior_of_lambda: tuple[Number, ...] = Field(
        description="the objective less the prior of lambda"
    )


class ObjectiveSurface(Model):
    """Least objective over lambda and rho T, the thresholds fitted again."""

    lambda_mm: tuple[float, ...] = Field(description="first axis, mm")
    rhoT: tuple[float, ...] = Field(description="second axis")
    objective: tuple[tuple[Number, ...], ...] = Field(description="by first and second axis")


class References(Model):
    """All references of a patient."""

    characteristic_fdm: SolvedReference = Field(description="the start, nothing fitted")
    direct_fdm: DirectReference = Field(description="the direct fit, its origin inferred")
    disc: Disc = Field(description="discs or balls of equal size")
    profile: ObjectiveProfile = Field(description="the objective along lambda")
    surface: ObjectiveSurface = Field(description="the objective over lambda and rho T")

    @classmethod
    def of(cls, record: Mapping[str, Any], domain: Domain) -> References:
        """Read `baselines.json` with `identifiability.json`; origins are put into the world too."""
        return cls.model_validate(
            {
                name: placed(entry, domain) if entry and "x0_grid_mm" in entry else entry
                for name, entry in record.items()
            }
        )


def placed(entry: Mapping[str, Any], domain: Domain) -> dict[str, Any]:
    """A reference whose origin of the plane is put into the patient's space too."""
    return {**entry, "x0_mm": world(entry["x0_grid_mm"], domain)}


def world(point: Any, domain: Domain) -> tuple[float, float, float]:
    """A point of the plane in RAS world mm of the patient's space."""
    x, y, z = (float(v) for v in domain.to_world(np.asarray(point, dtype=float)))
    return x, y, z


class FlatRange(Model):
    """The range of lambda that an objective cannot tell apart."""

    low: float = Field(description="lower end, mm")
    high: float = Field(description="upper end, mm")
    open_low: bool = Field(description="whether the curve ends there before the objective rises")
    open_high: bool = Field(description="whether the curve ends there before the objective rises")
