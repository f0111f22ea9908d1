"""Patient files and settings, read from YAML and merged."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from gbm.config.errors import InputError
from gbm.config.merging import merge
from gbm.config.messages import in_words, nearest
from gbm.config.paths import map_paths
from gbm.config.patient import Patient, TissueMaps
from gbm.config.settings import Settings
from gbm.config.yaml_file import read_yaml

M = TypeVar("M", bound=BaseModel)

# Keys of the whole configuration that are no settings of the medical half.
FOREIGN_KEYS = frozenset({"patient", "patients", "benchmarks"})
# Parts of a patient that may stand beside its section, too.
PARTS = frozenset({"recurrence", "dicom"})
# A patient's own `tissue` names maps; the settings section of that name stands at the top level.
_NESTED_SECTIONS = frozenset(Settings.model_fields) - {"tissue"}


def load_patient(path: Path | str) -> Patient:
    """Read the `patient` section of a patient file; overrides are validated too.

    Parameters
    ----------
    path : path
        The patient file. Relative image paths are relative to it.

    Raises
    ------
    InputError
        On any fault of the file, with the dotted key.
    """
    path = Path(path)
    return _patient(read_yaml(path), path)


def load_job(path: Path | str, config: Mapping[str, Any]) -> tuple[Patient, Settings]:
    """Read a patient file once: its `patient` section, and the settings with its overrides.

    Parameters
    ----------
    path : path
        See `load_patient`.
    config : mapping
        See `load_settings`.
    """
    path = Path(path)
    content = read_yaml(path)
    # a fault of the file is told before one of the config
    return _patient(content, path), _overridden(config, content, path)


def _patient(content: Mapping[str, Any], path: Path) -> Patient:
    """The `patient` section of a patient file's content; its overrides are validated too."""
    section = _patient_section(content, path)
    if "file" in section:
        raise InputError("unknown key", file=path, key="patient.file")
    own = {key: value for key, value in section.items() if key not in _NESTED_SECTIONS}
    for key in sorted(PARTS & set(content)):
        if key in own:
            raise InputError("stands inside patient, too", file=path, key=key)
        own[key] = content[key]
    patient = _validate(Patient, own, "patient", path)
    _both_maps(patient.tissue, path)
    _overridden({}, content, path)
    base = path.resolve().parent
    absolute = map_paths(patient.model_dump(), lambda image: base / os.path.expanduser(image))
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
    if patient_file is None:
        return _validate(Settings, _own(config), "", None)
    path = Path(patient_file)
    return _overridden(config, read_yaml(path), path)


def _own(content: Mapping[str, Any]) -> dict[str, Any]:
    """The sections of settings among the keys of a file; those of a patient need a patient."""
    foreign = FOREIGN_KEYS | PARTS if "patient" in content else FOREIGN_KEYS
    return {key: value for key, value in content.items() if key not in foreign}


def _overridden(config: Mapping[str, Any], content: Mapping[str, Any], path: Path) -> Settings:
    """Settings with the overrides of a patient file's content; each is checked where it stands."""
    common = _own(config)
    _validate(Settings, common, "", None)
    section = _patient_section(content, path)
    nested = {key: value for key, value in section.items() if key in _NESTED_SECTIONS}
    top = _own(content)
    # A slope is refused for one objective and not for another: its name is the config's.
    named = {"objective": {"name": (common.get("objective") or {}).get("name")}}
    named = named if named["objective"]["name"] else {}
    _validate(Settings, merge(named, nested), "patient", path)
    _validate(Settings, merge(named, top), "", path)
    merged = merge(merge(common, nested), top)
    atlas = (top.get("tissue") or {}).get("atlas")
    if isinstance(atlas, dict):
        base = path.resolve().parent
        merged["tissue"]["atlas"] = {
            name: base / os.path.expanduser(value) for name, value in atlas.items()
        }
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
