"""What the registration of the atlas tried, and what it chose."""

from __future__ import annotations

from pydantic import Field

from gbm.config.model import Model
from gbm.results.estimate import Number


class RegistrationPose(Model):
    """One pose of the atlas with what judges it."""

    start: str = Field(description="where it came from")
    image: str = Field(description="image that was climbed")
    overlap: Number = Field(description="Dice of the brain masks")
    information: dict[str, Number] = Field(description="mutual information by image, nats")


class RegistrationStage(RegistrationPose):
    """One stage of an attempt."""

    stage: str = Field(description="rigid, affine or bspline")
    kept: bool = Field(description="whether it lost nothing against the stage before")


class RegistrationAttempt(Model):
    """One metric and seed."""

    metric: str = Field(description="what was climbed")
    seed: int = Field(description="of the metric's sampling")
    brain_dice: Number = Field(description="Dice of the brain masks at the end")
    correlation: Number = Field(description="of the intensities at the end")
    starts: tuple[RegistrationPose, ...] = Field(default=(), description="best first")
    stages: tuple[RegistrationStage, ...] = Field(default=(), description="in order")
    chosen: bool = Field(description="whether its warp is used")


class RegistrationRecord(Model):
    """The registration of the atlas to the patient."""

    atlas: str = Field(description="name of the atlas")
    image: str = Field(description="key of the patient's image")
    method: str = Field(description="none, affine or bspline")
    brain_dice: Number = Field(description="Dice of the brain masks, atlas and patient")
    correlation: Number = Field(description="of the intensities, atlas and patient")
    seconds: float = Field(description="wall time, s")
    seed: int = Field(description="given seed")
    attempts: tuple[RegistrationAttempt, ...] = Field(description="what was tried, in order")
    remarks: tuple[str, ...] = Field(description="on the second image")
