"""The section `gates` of config.yaml: limits of the quality numbers."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from gbm.config.model import Fraction, Model, NonNegative, Positive


class GateSettings(Model):
    """Limits of the quality numbers; they set the verdict and never suppress outputs."""

    brain_dice_min: Fraction = Field(default=0.92, description="brain mask, atlas against patient")
    brain_dice_red: Fraction = Field(default=0.85, description="below this the verdict is red")
    correlation_min: Fraction = Field(default=0.4, description="T1, warped atlas against patient")
    wm_gm_contrast_min: NonNegative = Field(
        default=1.0, description="|mean WM - mean GM| / pooled sd"
    )
    brain_volume_ml: tuple[Positive, Positive] = Field(
        default=(800.0, 2200.0), description="brain volume, ml"
    )
    wm_fraction: tuple[Fraction, Fraction] = Field(
        default=(0.25, 0.65), description="white matter / (white + grey matter)"
    )
    csf_fraction_max: Fraction = Field(default=0.4, description="CSF / brain")
    wt_outside_tissue_max: Fraction = Field(
        default=0.25, description="WT with phi < 1/2 before filling"
    )
    wt_outside_tissue_red: Fraction = Field(
        default=0.5, description="above this the verdict is red"
    )
    wt_brain_max: Fraction = Field(
        default=0.4, description="WT / brain, volumes; above it the verdict is red"
    )
    wt_slice_max: Fraction = Field(
        default=0.5, description="WT / brain on the fitted slice; above it the verdict is red"
    )
    wt_area_mm2_min: NonNegative = Field(default=100.0, description="WT area on the fitted slice")
    tc_area_mm2_min: NonNegative = Field(default=50.0, description="TC area on the fitted slice")
    wt_volume_ml_min: NonNegative = Field(default=3.0, description="WT volume, in 3-D")
    tc_volume_ml_min: NonNegative = Field(default=1.0, description="TC volume, in 3-D")
    slice_thickness_mm_max: Positive = Field(
        default=3.0, description="greatest voxel size of the segmentation, in 3-D"
    )
    tc_fraction_min: Fraction = Field(default=0.1, description="TC / WT, of what is fitted")
    enhancing_fraction_min: Fraction = Field(
        default=0.02, description="enhancing volume / WT volume; below it the verdict is red"
    )
    second_focus_max: Fraction = Field(
        default=0.1, description="second largest connected part of WT or TC / the largest"
    )
    wt_at_border_max: Fraction = Field(
        default=0.0, description="part of WT in the outermost voxels of the field of view"
    )
    objective_rise_max: NonNegative | None = Field(
        default=None,
        description="objective of the fit minus that of the characteristic start; above it the "
        "verdict is red; null: what means nothing, 0.002 of an overlap and 1 of a posterior",
    )
    outline_rms_mm_max: Positive = Field(
        default=5.0, description="root mean square distance of the model from an outline, mm"
    )
    bound_margin: Annotated[float, Field(gt=0, lt=0.2)] = Field(
        default=0.01,
        description="closeness to a bound: relative for lambda and rho T, absolute for thresholds",
    )

    @model_validator(mode="after")
    def _ordered(self) -> GateSettings:
        for name in ("brain_volume_ml", "wm_fraction"):
            low, high = getattr(self, name)
            if not low < high:
                raise ValueError(f"{name}: the lower limit must be below the upper")
        if self.brain_dice_red > self.brain_dice_min:
            raise ValueError("brain_dice_red must not exceed brain_dice_min")
        if self.wt_outside_tissue_red < self.wt_outside_tissue_max:
            raise ValueError("wt_outside_tissue_red must not be below wt_outside_tissue_max")
        return self
