"""Patient files and run settings, read and checked in the user's words."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import (
    BaseModel,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from gbm.conventions import CONVENTIONS
from gbm.errors import InputError
from gbm.messages import in_words, nearest
from gbm.settings import Model, Settings
from gbm.yaml_file import read_yaml

M = TypeVar("M", bound=BaseModel)

# Keys of the whole configuration that are no settings of the medical half.
FOREIGN_KEYS = frozenset({"patient", "patients", "benchmarks"})
# A patient's own `tissue` names maps; the settings section of that name stands at the top level.
_NESTED_SECTIONS = frozenset(Settings.model_fields) - {"tissue"}


class LabelMap(Model):
    """Labels that make each region; ET, the enhancing part, only serves a quality number."""

    WT: tuple[Annotated[int, Field(gt=0)], ...] = Field(min_length=1)
    TC: tuple[Annotated[int, Field(gt=0)], ...] = ()
    ET: tuple[Annotated[int, Field(gt=0)], ...] = ()

    @property
    def labels(self) -> frozenset[int]:
        """Labels of the regions, without the background."""
        return frozenset({*self.WT, *self.TC})

    @model_validator(mode="after")
    def _not_swapped(self) -> LabelMap:
        if set(self.WT) < set(self.TC):
            raise ValueError("WT lies inside TC: the two are swapped")
        return self


class Masks(Model):
    """One file a region."""

    WT: Path
    TC: Path


class Segmentation(Model):
    """A label file with its convention, or one mask a region."""

    path: Path | None = None
    convention: LabelMap | None = None
    masks: Masks | None = None
    ignore: tuple[Annotated[int, Field(gt=0)], ...] = Field(
        default=(), description="labels outside the convention that count as background"
    )

    @field_validator("convention", mode="before")
    @classmethod
    def _preset(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        if value not in CONVENTIONS:
            raise ValueError(f"unknown convention {value!r}{nearest(value, CONVENTIONS)}")
        preset = CONVENTIONS[value]
        return LabelMap(
            WT=tuple(sorted(preset.WT)), TC=tuple(sorted(preset.TC)), ET=tuple(sorted(preset.ET))
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

    t1: Path | None = None
    t1c: Path | None = None
    flair: Path | None = None
    t2: Path | None = None


class TissueMaps(Model):
    """Tissue maps of the patient's own, which replace the registered atlas."""

    wm: Path | None = None
    gm: Path | None = None
    csf: Path | None = None
    fill_tumour: bool | None = None

    @property
    def given(self) -> bool:
        """Whether there are maps (and not only a choice about filling)."""
        return self.wm is not None


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
    file : Path or None
        The patient file, for messages.
    """

    id: Annotated[str, Field(pattern="^[A-Za-z0-9]+$", max_length=64)]
    segmentation: Segmentation
    images: Images = Images()
    tissue: TissueMaps = TissueMaps()
    file: Path | None = Field(default=None, exclude=True)

    @field_validator("id", mode="before")
    @classmethod
    def _quoted(cls, value: Any) -> Any:
        # YAML reads 007 as 7 and 1e5 as a number: an id must arrive as it was written.
        if isinstance(value, (int, float)):
            raise ValueError("an id of digits must be put in quotes")
        return value

    def paths(self) -> dict[str, Path]:
        """Return every image path under its dotted key."""
        found: dict[str, Path | None] = {"patient.segmentation.path": self.segmentation.path}
        if self.segmentation.masks is not None:
            found["patient.segmentation.masks.WT"] = self.segmentation.masks.WT
            found["patient.segmentation.masks.TC"] = self.segmentation.masks.TC
        for name in Images.model_fields:
            found[f"patient.images.{name}"] = getattr(self.images, name)
        for name in ("wm", "gm", "csf"):
            found[f"patient.tissue.{name}"] = getattr(self.tissue, name)
        return {key: path for key, path in found.items() if path is not None}


def load_patient(path: Path) -> Patient:
    """Read the `patient` section of a patient file; overrides are validated too.

    Parameters
    ----------
    path : Path
        The patient file. Relative image paths are relative to it.

    Raises
    ------
    InputError
        On any fault of the file, with the dotted key.
    """
    path = Path(path)
    content = read_yaml(path)
    section = _patient_section(content, path)
    if "file" in section:
        raise InputError("unknown key", file=path, key="patient.file")
    own = {key: value for key, value in section.items() if key not in _NESTED_SECTIONS}
    patient = _validate(Patient, own, "patient", path)
    _both_maps(patient.tissue, path)
    load_settings({}, path)
    base = path.resolve().parent
    absolute = _absolute(patient.model_dump(), base)
    return Patient.model_validate({**absolute, "file": path})


def load_settings(config: Mapping[str, Any], patient_file: Path | None = None) -> Settings:
    """Merge config and a patient file's overrides (which win) into checked settings.

    Parameters
    ----------
    config : mapping
        The content of ``config.yaml``; `patient`, `patients` and `benchmarks` are ignored.
    patient_file : Path, optional
        Its overrides stand at the top level or inside `patient`.

    Raises
    ------
    InputError
        On an unknown key, a wrong type or a value out of range, with the dotted key.
    """
    common = {key: value for key, value in config.items() if key not in FOREIGN_KEYS}
    settings = _validate(Settings, common, "", None)
    if patient_file is None:
        return settings
    path = Path(patient_file)
    content = read_yaml(path)
    section = _patient_section(content, path)
    nested = {key: value for key, value in section.items() if key in _NESTED_SECTIONS}
    top = {key: value for key, value in content.items() if key not in FOREIGN_KEYS}
    _validate(Settings, nested, "patient", path)
    _validate(Settings, top, "", path)
    merged = _merge(_merge(common, nested), top)
    atlas = (top.get("tissue") or {}).get("atlas")
    if isinstance(atlas, dict):
        base = path.resolve().parent
        merged["tissue"]["atlas"] = {name: base / value for name, value in atlas.items()}
    # Next to the maps they are about, the choice of filling is the patient's, too.
    own = section.get("tissue")
    if isinstance(own, dict) and isinstance(own.get("fill_tumour"), bool):
        merged["tissue"] = {**(merged.get("tissue") or {}), "fill_tumour": own["fill_tumour"]}
    return _validate(Settings, merged, "", path)


def _both_maps(tissue: TissueMaps, path: Path) -> None:
    given = {name for name in ("wm", "gm", "csf") if getattr(tissue, name) is not None}
    for name in ("wm", "gm"):
        if given and name not in given:
            raise InputError(
                "the key is missing: white and grey matter are both needed",
                file=path,
                key=f"patient.tissue.{name}",
            )


def _patient_section(content: Mapping[str, Any], path: Path) -> dict[str, Any]:
    if "patient" not in content:
        hint = nearest(next(iter(content), ""), ["patient"])
        raise InputError(f"the key is missing{hint}", file=path, key="patient")
    section = content["patient"]
    if not isinstance(section, dict):
        raise InputError("must hold keys and values", file=path, key="patient")
    return section


def _validate(model: type[M], data: Any, prefix: str, file: Path | None) -> M:
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise in_words(error, model, data, prefix, file) from error


def _merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Merge nested mappings; anything that is no mapping is replaced."""
    merged = dict(base)
    for key, value in over.items():
        old = merged.get(key)
        if isinstance(old, Mapping) and isinstance(value, Mapping):
            value = _merge(old, value)
        merged[key] = value
    return merged


def _absolute(value: Any, base: Path) -> Any:
    """Make every path of a dumped model absolute."""
    if isinstance(value, Path):
        return base / value.expanduser()
    if isinstance(value, dict):
        return {key: _absolute(item, base) for key, item in value.items()}
    return value
