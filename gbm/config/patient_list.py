"""Which patients a command means: found and named before any of their files is judged."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gbm.config.errors import InputError
from gbm.config.loading import load_patient
from gbm.config.yaml_file import read_yaml

ID = re.compile(r"[A-Za-z0-9]{1,64}")


@dataclass(frozen=True)
class Entry:
    """A patient of the command, perhaps one whose file is faulty.

    Parameters
    ----------
    key : str
        Name of the patient in paths: the id or, where the file has no usable one, its file name.
    file : Path
        The patient file.
    images : dict
        Dotted key to image path; empty where the file is faulty (``check`` will say why).
    has_tissue : bool
        Whether the patient brings tissue maps, so that nothing is registered.
    """

    key: str
    file: Path
    images: dict[str, Path] = field(default_factory=dict)
    has_tissue: bool = False


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
    found = [(file, *_peek(file)) for file in files]
    named: dict[str, Entry] = {}
    for file, key, images, has_tissue in found:
        if key is None:
            continue
        if key in named:
            raise InputError(f"the id {key!r} is also that of {named[key].file}", file=file)
        named[key] = Entry(key, file, images, has_tissue)
    ordered: dict[str, Entry] = {}
    for file, key, _, _ in found:
        entry = named[key] if key is not None else Entry(_free_name(file, named, ordered), file)
        ordered[entry.key] = entry
    return ordered


def patient_in(config_files: Iterable[Path]) -> Path | None:
    """Return the last of the configuration files that holds a ``patient`` of its own, if any."""
    holders = [file for file in config_files if file.is_file() and "patient" in read_yaml(file)]
    return holders[-1] if holders else None


def _matches(pattern: str, folders: Sequence[Path]) -> list[Path]:
    expanded = os.path.expanduser(pattern)
    for folder in folders:
        hits = sorted(glob.glob(str(folder / expanded), recursive=True))
        files = [Path(hit) for hit in hits if Path(hit).is_file()]
        if files:
            return files
    raise InputError(f"no patient file matches {pattern!r}", key="patients")


def _peek(file: Path) -> tuple[str | None, dict[str, Path], bool]:
    """Id, images and kind of tissue of a patient file, without judging it."""
    try:
        patient = load_patient(file)
    except InputError:
        return _claimed_id(file), {}, False
    return patient.id, patient.paths(), patient.tissue.given


def _claimed_id(file: Path) -> str | None:
    try:
        section: Any = read_yaml(file).get("patient")
    except InputError:
        return None
    name = section.get("id") if isinstance(section, Mapping) else None
    return str(name) if name is not None and ID.fullmatch(str(name)) else None


def _free_name(file: Path, *taken: Mapping[str, Entry]) -> str:
    base = re.sub(r"[^A-Za-z0-9]", "", file.stem)[:60] or "patient"
    names = [base, *(f"{base}x{n}" for n in range(2, 10_000))]
    return next(name for name in names if not any(name in group for group in taken))
