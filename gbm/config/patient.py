"""Patient files and run settings, read and checked in the user's words."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from gbm.config.conventions import CONVENTIONS
from gbm.config.messages import nearest
from gbm.config.model import Model
from gbm.config.source import ImagePath, Source

MAPS = ("wm", "gm", "csf")
"""Tissue maps that a patient file may name."""

REFERENCES = ("t1c", "t1", "flair", "t2")
"""Images that results refer to where they are DICOM and nothing is named, in this order."""

REPETITIVE = re.compile(r"(.+?)\1{19}$")
"""Ends of names that Snakemake takes for a rule that feeds itself."""


Label = Annotated[int, Field(gt=0)] | Annotated[str, Field(min_length=1)]
"""A number or, of a segment of a DICOM segmentation, its name."""


class LabelMap(Model):
    """Labels that make each region; ET, the enhancing part, only serves a quality number.

    Labels of `tissue` are of no region, such as a resection cavity.
    """

    WT: tuple[Label, ...] = Field(min_length=1)
    TC: tuple[Label, ...] = ()
    ET: tuple[Annotated[int, Field(gt=0)], ...] = ()
    tissue: tuple[Annotated[int, Field(gt=0)], ...] = ()

    @property
    def labels(self) -> frozenset[int | str]:
        """Labels of the regions, without the background."""
        return frozenset({*self.WT, *self.TC})

    @property
    def names(self) -> bool:
        """Whether there are names among them."""
        return any(isinstance(label, str) for label in self.labels)

    @model_validator(mode="after")
    def _not_swapped(self) -> LabelMap:
        if set(self.WT) < set(self.TC):
            raise ValueError("WT lies inside TC: the two are swapped")
        return self


class Masks(Model):
    """One file a region."""

    WT: ImagePath
    TC: ImagePath


def _names_too(schema: dict[str, Any]) -> None:
    """In a file the convention may be a name."""
    schema["anyOf"].insert(0, {"enum": sorted(CONVENTIONS)})


class Segmentation(Model):
    """A label file with its convention, or one mask a region."""

    path: ImagePath | None = None
    convention: LabelMap | None = Field(default=None, json_schema_extra=_names_too)
    masks: Masks | None = None
    ignore: tuple[Annotated[int, Field(gt=0)], ...] = Field(
        default=(), description="labels outside the convention that count as background"
    )

    @property
    def grid(self) -> Source:
        """The file whose grid is that of the regions."""
        if self.masks is not None:
            return Source.of("patient.segmentation.masks.WT", self.masks.WT)
        assert self.path is not None
        return Source.of("patient.segmentation.path", self.path)

    @field_validator("convention", mode="before")
    @classmethod
    def _preset(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        if value not in CONVENTIONS:
            raise ValueError(f"unknown convention {value!r}{nearest(value, CONVENTIONS)}")
        preset = CONVENTIONS[value]
        return LabelMap(
            **{name: tuple(sorted(getattr(preset, name))) for name in LabelMap.model_fields}
        )

    @field_validator("ignore", mode="before")
    @classmethod
    def _of_no_region(cls, value: Any, info: ValidationInfo) -> Any:
        labels = value if isinstance(value, (list, tuple)) else [None]
        if any(type(label) is not int or label < 1 for label in labels):
            raise ValueError("must be a list of positive integers")
        if labels and info.data.get("masks") is not None:
            raise ValueError("belongs to path, not to masks")
        convention = info.data.get("convention")
        if convention is not None and not convention.labels.isdisjoint(labels):
            shared = ", ".join(map(str, sorted(convention.labels.intersection(labels))))
            raise ValueError(f"holds labels of the convention: {shared}")
        return value

    @model_validator(mode="after")
    def _one_source(self) -> Segmentation:
        if (self.path is None) == (self.masks is None):
            raise ValueError("give either path and convention, or masks")
        if self.path is not None and self.convention is None:
            raise ValueError(f"convention is missing: one of {', '.join(CONVENTIONS)}, or a map")
        if self.masks is not None and self.convention is not None:
            raise ValueError("convention belongs to path, not to masks")
        return self


class Images(Model):
    """The patient's skull-stripped images; any subset."""

    t1: ImagePath | None = None
    t1c: ImagePath | None = None
    flair: ImagePath | None = None
    t2: ImagePath | None = None


class TissueMaps(Model):
    """Tissue maps of the patient's own, which replace the registered atlas."""

    wm: ImagePath | None = None
    gm: ImagePath | None = None
    csf: ImagePath | None = None
    fill_tumour: bool | None = None

    @property
    def given(self) -> bool:
        """Whether there are maps (and not only a choice about filling)."""
        return self.wm is not None


class Recurrence(Model):
    """A later recurrence, drawn in the space of the segmentation; plans are scored against it."""

    mask: ImagePath


class DicomOutput(Model):
    """Which DICOM series the results refer to."""

    reference: ImagePath


class Patient(Model):
    """One patient: identity and files, all paths absolute.

    Attributes
    ----------
    id : str
        Letters and digits only; it becomes part of file names.
    segmentation : Segmentation
        Label file or masks.
    images : Images
        Skull-stripped images.
    tissue : TissueMaps
        Tissue maps of the patient's own.
    recurrence : Recurrence or None
        What plans are scored against.
    dicom : DicomOutput or None
        What DICOM objects refer to.
    file : Path or None
        The patient file, for messages.
    """

    id: Annotated[str, Field(pattern="^[A-Za-z0-9]+$", max_length=64)]
    segmentation: Segmentation
    images: Images = Images()
    tissue: TissueMaps = TissueMaps()
    recurrence: Recurrence | None = None
    dicom: DicomOutput | None = None
    file: Path | None = Field(default=None, exclude=True)

    @field_validator("id", mode="before")
    @classmethod
    def _quoted(cls, value: Any) -> Any:
        # YAML reads 007 as 7, 1e5 as a number and no as false: an id must arrive as it was written.
        if isinstance(value, bool):
            raise ValueError("YAML reads this word as true or false: an id must be put in quotes")
        if isinstance(value, (int, float)):
            raise ValueError("an id of digits must be put in quotes")
        return value

    @field_validator("id")
    @classmethod
    def _no_repetition(cls, value: str) -> str:
        if REPETITIVE.search(value):
            raise ValueError("ends in the same characters 20 times over: choose another id")
        return value

    def sources(self) -> dict[str, Source]:
        """Every image that the growth is fitted to, under its dotted key."""
        segmentation, found = self.segmentation, {}
        if segmentation.masks is not None:
            found["patient.segmentation.masks.WT"] = segmentation.masks.WT
            found["patient.segmentation.masks.TC"] = segmentation.masks.TC
        elif segmentation.path is not None:
            found["patient.segmentation.path"] = segmentation.path
        for section, names in ((self.images, Images.model_fields), (self.tissue, MAPS)):
            part = "images" if section is self.images else "tissue"
            found |= {f"patient.{part}.{name}": getattr(section, name) for name in names}
        return {key: Source.of(key, given) for key, given in found.items() if given is not None}

    def later(self) -> dict[str, Source]:
        """What plans and DICOM objects need besides; no growth depends on it."""
        found = {}
        if self.recurrence is not None:
            found["patient.recurrence.mask"] = self.recurrence.mask
        if self.dicom is not None:
            found["patient.dicom.reference"] = self.dicom.reference
        return {key: Source.of(key, given) for key, given in found.items()}

    def reference(self) -> Source | None:
        """The DICOM series that results refer to: as named, or the first image that is one."""
        if self.dicom is not None:
            return Source.of("patient.dicom.reference", self.dicom.reference)
        given = self.sources()
        found = (given.get(f"patient.images.{name}") for name in REFERENCES)
        return next((source for source in found if source and source.dicom), None)

    def paths(self) -> dict[str, Path]:
        """Every path of `sources`."""
        return {key: source.path for key, source in self.sources().items()}
