"""The settings of a run: every section of ``config.yaml`` as a frozen model with defaults."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from gbm.config.gate_settings import GateSettings
from gbm.config.merging import filled, merge
from gbm.config.model import Fraction, Model, Plane, Positive
from gbm.config.objective_settings import GAP, HIGHEST, LOWEST, ObjectiveSettings, or_null
from gbm.config.plan_settings import PlanSettings
from gbm.config.tissue_settings import AtlasPaths, TissueSettings


class SliceSettings(Model):
    """Which slice of the segmentation is fitted."""

    plane: Plane = Field(default="axial", description="plane of the fitted slice")
    index: Annotated[int, Field(ge=0)] | None = Field(
        default=None, description="index in the segmentation file; null takes the largest WT area"
    )


class GrowthSettings(Model):
    """The initial density and, where known, the time since onset."""

    h0: Annotated[float, Field(gt=0, lt=1)] = Field(default=0.1, description="peak initial density")
    r0_per_mm2: Positive = Field(default=0.1, description="decay of the initial density, 1/mm^2")
    T_days: Positive | None = Field(default=None, description="days since onset; null: unknown")


LengthBound = Annotated[float, Field(ge=0.01, le=100)]
GrowthBound = Annotated[float, Field(ge=0.01, le=1000)]


class BoundSettings(Model):
    """Ranges of the unknowns; literature ranges are no bounds."""

    lambda_mm: tuple[LengthBound, LengthBound] = Field(
        default=(0.5, 15.0), description="sqrt(D/rho), mm"
    )
    rhoT: tuple[GrowthBound, GrowthBound] = Field(default=(1.0, 40.0), description="rho T")
    WT: tuple[Fraction, Fraction] = Field(default=(0.05, 0.6), description="threshold of WT")
    TC: tuple[Fraction, Fraction] = Field(default=(0.3, 0.95), description="threshold of TC")

    @model_validator(mode="after")
    def _increasing(self) -> BoundSettings:
        for name in ("lambda_mm", "rhoT", "WT", "TC"):
            low, high = getattr(self, name)
            if not low < high:
                raise ValueError(f"{name}: the lower bound must be below the upper")
        return self

    @model_validator(mode="after")
    def _possible(self) -> BoundSettings:
        low, core_low = (max(low, LOWEST) for low, _ in (self.WT, self.TC))
        high, core_high = (min(high, HIGHEST) for _, high in (self.WT, self.TC))
        if min(high - low, core_high - core_low, core_high - low - GAP) <= 0:
            raise ValueError(
                f"WT and TC leave no thresholds that are possible, {LOWEST} < WT < TC - {GAP} and "
                f"TC < {HIGHEST}"
            )
        return self


class FitSettings(Model):
    """What fits a patient, and how the networks are trained."""

    method: Literal["bilo", "direct"] = Field(
        default="bilo", description="of the headline; direct: by the solver itself, no network"
    )
    comparison: bool = Field(
        default=False, description="whether the main job asks for the comparison, too"
    )
    recipe: Literal["fast", "paper"] = Field(default="fast", description="optimisers")
    seeds: tuple[Annotated[int, Field(ge=0, lt=2**31)], ...] = Field(default=(0,), min_length=1)
    pinn_weights: tuple[Positive, ...] = Field(
        default=(1e-5, 1e-4, 1e-3), description="data weights of the PINN, of the comparison"
    )
    lifts: tuple[Literal["char", "heat"], ...] = Field(
        default=("char", "heat"),
        min_length=1,
        description="representations of BiLO; those besides char belong to the comparison",
    )
    width: Annotated[int, Field(ge=4)] = Field(default=64, description="neurons of a layer")
    layers: Annotated[int, Field(ge=1)] = Field(default=3, description="tanh layers")
    fourier: Annotated[int, Field(ge=0)] = Field(
        default=32, description="pairs of Fourier features"
    )
    pretrain_steps: Annotated[int, Field(ge=1)] = Field(
        default=700, description="500 in three dimensions", json_schema_extra=or_null
    )
    finetune_steps: Annotated[int, Field(ge=1)] = Field(
        default=2500, description="1500 in three dimensions", json_schema_extra=or_null
    )
    points: Annotated[int, Field(ge=16)] = Field(
        default=512, description="residual points of a step"
    )
    device: Literal["auto", "cpu", "cuda"] = Field(default="auto")


class VerifySettings(Model):
    """The finite-difference check of a fit."""

    refine: Annotated[int, Field(ge=1, le=8)] = Field(
        default=2,
        description="1 mm / refine is the grid of what is reported; 1 in three dimensions",
        json_schema_extra=or_null,
    )
    max_disagreement: Positive = Field(
        default=0.05,
        description="relative L2 between network and FDM above which nothing converged",
    )


class NoiseSettings(Model):
    """How far drawn outlines are trusted: their sd is max(floor, factor times the misfit)."""

    floor_mm: Positive = Field(default=1.2, description="least sd of an outline, mm")
    factor: Positive = Field(default=1.3, description="sd of an outline over its misfit")


class UncertaintySettings(Model):
    """The posterior of the growth, given the outlines."""

    enabled: bool = Field(default=True, description="whether it is made at all")
    samples: Annotated[int, Field(ge=40, le=1440)] = Field(
        default=200, description="solved samples; 40 to 1440"
    )
    noise: NoiseSettings = Field(default=NoiseSettings(), description="errors of the outlines")
    slices: bool = Field(
        default=True, description="of a slice: whether the scatter of its neighbours is added"
    )
    infiltrated_above: Annotated[float, Field(gt=0, lt=1)] = Field(
        default=0.01, description="density of the map of the probability of infiltration"
    )


class OutputSettings(Model):
    """Where results go."""

    root: Path = Field(default=Path("results"), description="folder of all results")


_PLANE: Mapping[str, Mapping[str, Any]] = {
    "objective": ObjectiveSettings().model_dump(include={"growth_prior"}),
    "fit": FitSettings().model_dump(include={"pretrain_steps", "finetune_steps"}),
    "verify": VerifySettings().model_dump(include={"refine"}),
}
_VOLUME: Mapping[str, Mapping[str, Any]] = {
    "objective": {
        "growth_prior": {
            "lambda_mm": {"median": 2.5, "log_sd": 0.7},
            "rhoT": {"median": 12.0, "log_sd": 0.5},
        },
    },
    "fit": {"pretrain_steps": 500, "finetune_steps": 1500},
    "verify": {"refine": 1},
}
BY_DIMENSION: Mapping[int, Mapping[str, Mapping[str, Any]]] = {
    2: _PLANE,
    3: merge(_PLANE, _VOLUME),
}
"""Defaults that depend on the dimension, for what is not given or null. One slice and the whole
tumour see other numbers: in a volume a seed thins out faster, and a slice's lambda is larger."""


class GrowthRunSettings(Model):
    """All that a result of the growth depends on.

    A null of `objective.growth_prior` or its parts, of `fit.pretrain_steps`, `fit.finetune_steps`
    or `verify.refine` stands for the default of the dimension.
    """

    dimensions: Literal[2, 3] = Field(default=2, description="2: one slice; 3: the whole tumour")
    slice: SliceSettings = SliceSettings()
    tissue: TissueSettings = TissueSettings()
    growth: GrowthSettings = GrowthSettings()
    objective: ObjectiveSettings = ObjectiveSettings()
    bounds: BoundSettings = BoundSettings()
    fit: FitSettings = FitSettings()
    verify: VerifySettings = VerifySettings()
    uncertainty: UncertaintySettings = UncertaintySettings()
    gates: GateSettings = GateSettings()
    output: OutputSettings = OutputSettings()

    @model_validator(mode="before")
    @classmethod
    def _of_the_dimension(cls, data: Any) -> Any:
        if not isinstance(data, Mapping):
            return data
        asked = data.get("dimensions", 2)
        return filled(data, BY_DIMENSION[asked if asked in (2, 3) else 2])

    def without_paths(self) -> Self:
        """What a result holds of them: folders, which may name a person, are no part of it."""
        atlas = self.tissue.atlas
        if isinstance(atlas, AtlasPaths):
            names = {key: Path(path.name) for key, path in atlas}
            atlas = atlas.model_copy(update=names)
        tissue = self.tissue.model_copy(update={"atlas": atlas})
        return self.model_copy(update={"output": OutputSettings(), "tissue": tissue})

    @model_validator(mode="after")
    def _affordable(self) -> Self:
        if self.dimensions == 3 and self.verify.refine > 1:
            raise ValueError(
                "verify.refine: is 1 in three dimensions: a head on cells of 0.5 mm takes some "
                f"{12 * (self.verify.refine / 2) ** 3:.0f} GB of memory and twenty times as long"
            )
        return self


class Settings(GrowthRunSettings):
    """All of ``config.yaml`` but the patients."""

    plan: PlanSettings = PlanSettings()
