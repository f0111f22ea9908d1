"""Which patients a command means: found and named before any of their files is judged."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gbm.config.errors import InputError
from gbm.config.loading import load_patient
from gbm.config.patient import REPETITIVE, Patient
from gbm.config.yaml_file import read_yaml

ID = re.compile(r"[A-Za-z0-9]{1,64}")


@dataclass(frozen=True)
class Entry:
    """A patient of the command, perhaps one whose file is faulty.

    Attributes
    ----------
    key : str
        Name of the patient in paths: the id or, where the file has no usable one, its file name.
    file : Path
        The patient file.
    patient : Patient or None
        What the file says; None where it is faulty.
    fault : InputError or None
        Why it is faulty; ``check`` will say so.
    """

    key: str
    file: Path
    patient: Patient | None = None
    fault: InputError | None = None

    @property
    def images(self) -> dict[str, Path]:
        """Dotted key to image path."""
        return self.patient.paths() if self.patient else {}

    @property
    def refers(self) -> bool:
        """Whether there is a DICOM series that results refer to."""
        return self.patient is not None and self.patient.reference() is not None

    @property
    def has_tissue(self) -> bool:
        """Whether the patient brings tissue maps, so that nothing is registered."""
        return self.patient is not None and self.patient.tissue.given


def roster(patterns: object, folders: Sequence[Path]) -> dict[str, Entry]:
    """Find the patient files of a glob or a list of globs.

    Parameters
    ----------
    patterns : str or list of str
        Value of ``patients`` in the configuration.
    folders : sequence of Path
        Folders that relative globs refer to; the first with a match counts.

    Returns
    -------
    dict
        Entries by key, in the order of the globs, sorted within each.

    Raises
    ------
    InputError
        If ``patients`` is neither, a glob matches nothing, or two files have the same id.
    """
    wanted = [patterns] if isinstance(patterns, str) else patterns
    if (
        not isinstance(wanted, (list, tuple))
        or not wanted
        or not all(isinstance(pattern, str) for pattern in wanted)
    ):
        raise InputError("must be a glob or a list of globs", key="patients")
    files: dict[Path, Path] = {}
    for pattern in wanted:
        for match in _matches(pattern, folders):
            files.setdefault(match.resolve(), match)
    return entries(files.values())


def entries(files: Iterable[Path]) -> dict[str, Entry]:
    """Name every patient file; see `roster`."""
    found = [_peek(file) for file in files]
    named: dict[str, Entry] = {}
    for entry in found:
        if not entry.key:
            continue
        if entry.key in named:
            other = named[entry.key].file
            raise InputError(f"the id {entry.key!r} is also that of {other}", file=entry.file)
        named[entry.key] = entry
    ordered: dict[str, Entry] = {}
    for entry in found:
        key = entry.key or _free_name(entry.file, named, ordered)
        ordered[key] = replace(entry, key=key)
    return ordered


def patient_in(config_files: Iterable[Path]) -> Path | None:
    """Return the last of the configuration files that holds a ``patient`` of its own, if any."""
    holders = [file for file in config_files if file.is_file() and "patient" in read_yaml(file)]
    return holders[-1] if holders else None


def _matches(pattern: str, folders: Sequence[Path]) -> list[Path]:
    expanded = os.path.expanduser(pattern)
    for folder in folders:
        hits = sorted(glob.glob(str(expanded), root_dir=folder, recursive=True))
        files = [folder / hit for hit in hits if (folder / hit).is_file()]
        if files:
            return files
    raise InputError(f"no patient file matches {pattern!r}", key="patients")


def _peek(file: Path) -> Entry:
    """A patient file without judging it; the key is empty where it has no usable id."""
    try:
        patient = load_patient(file)
    except InputError as error:
        return Entry(_claimed_id(file), file, fault=error)
    return Entry(patient.id, file, patient)


def _claimed_id(file: Path) -> str:
    try:
        section: Any = read_yaml(file).get("patient")
    except InputError:
        return ""
    value = section.get("id") if isinstance(section, Mapping) else None
    name = "" if value is None else str(value)
    return name if ID.fullmatch(name) and not REPETITIVE.search(name) else ""


def _free_name(file: Path, *taken: Mapping[str, Entry]) -> str:
    base = re.sub(r"[^A-Za-z0-9]", "", file.stem)[:60]
    if not base or REPETITIVE.search(base):
        base = "patient"
    names = [base, *(f"{base}x{n}" for n in range(2, 10_000))]
    return next(name for name in names if not any(name in group for group in taken))
