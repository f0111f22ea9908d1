"""Settings of the tissue maps, and of the atlas they come from."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from gbm.config.model import Model, Positive


class AtlasPaths(Model):
    """An atlas of the user's own: a skull-stripped T1 and its tissue maps on one grid."""

    t1: Path = Field(description="skull-stripped T1 of the atlas")
    gm: Path = Field(description="grey-matter map")
    wm: Path = Field(description="white-matter map")


class TissueSettings(Model):
    """Where tissue maps come from and how they become P and phi."""

    atlas: Literal["mni152"] | AtlasPaths = Field(
        default="mni152", description="atlas of tissue maps"
    )
    registration: Literal["none", "affine", "bspline"] = Field(
        default="bspline",
        description="atlas-to-patient registration; none: already in patient space",
    )
    fill_tumour: bool = Field(default=True, description="inside WT: no CSF, WM + GM = 1")
    white_to_grey: Positive = Field(default=10.0, description="ratio D_white : D_grey")
    interface_width_mm: Positive = Field(
        default=3.0, description="width of the phase field's interface"
    )
