"""What results were made from, told beside them: nothing old may stand under new inputs.

A job leaves a note with digests of all it was made from (settings, the patient with the hashes of
the images, the code), with hashes of what other steps gave it, and with size and hash of what it
wrote. The note travels with the results:
the next command compares it with its own plan, wherever it is started and whoever made them.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from gbm.io.files import plain, read_json, sha256, write_json

FOLDER = "provenance"
"""Of all notes, in the root of the results."""
UNKNOWN = "an unknown origin"
"""Stands among the names of what differs for results without a note."""
EARLIER = "an earlier step"
"""Stands there where another step has written since what these were made from."""
ALTERED = "an altered file"
"""Stands there for a file that is not as it was written: cut, emptied or edited."""


def digest(value: Any) -> str:
    """First sixteen digits of a SHA-256 over a plain value.

    >>> digest({"a": 1, "b": (2, 3)}) == digest({"b": [2, 3], "a": 1})
    True
    """
    text = json.dumps(plain(value), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def digests(made_from: Mapping[str, Any]) -> dict[str, str]:
    """A digest for each param of a job; settings have one for each section.

    Where the patient file and the results lie, `file` and `root`, says nothing about them.
    """
    places = ("file", "root", "settings")
    parts = {name: value for name, value in made_from.items() if name not in places}
    parts |= made_from.get("settings", {})
    return {name: digest(value) for name, value in parts.items()}


@contextmanager
def noted(
    note: Path,
    made_from: Mapping[str, Any],
    outputs: Iterable[Path | str],
    inputs: Iterable[Path | str] = (),
) -> Iterator[None]:
    """Leave a note of what the enclosed work is made from; none where it fails.

    Parameters
    ----------
    note : Path
        Where it goes. What stands there is removed first.
    made_from : mapping
        Plain values by name.
    outputs : iterable of path
        What the work writes: files, and folders with all that is in them.
    inputs : iterable of path
        What it reads. Files outside the results are the patient's, whose contents are in
        `made_from`.
    """
    given = {_name(file, note): sha256(file) for file in map(Path, inputs) if _own(file, note)}
    told = digests(dict(made_from.items()))
    note.unlink(missing_ok=True)
    yield
    write_json(note, {"made_from": told, "inputs": given, "files": _contents(note, outputs)})


def rewritten(note: Path, outputs: Iterable[Path | str]) -> None:
    """Tell in a note, where there is one, that its files were written again from what is there."""
    if not note.is_file():
        return
    told = read_json(note)
    found = {name: Path(_path(name, note)) for name in told["inputs"]}
    inputs = {name: sha256(file) for name, file in found.items() if file.is_file()}
    write_json(note, {**told, "inputs": inputs, "files": _contents(note, outputs)})


def written(notes: Iterable[Path]) -> dict[str, str]:
    """SHA-256 of the files that notes tell of, by path; what cannot be read tells of none."""
    found = {}
    for note in notes:
        told = _told(note)
        for file, entry in {} if told is None else told[2].items():
            found[_path(file, note)] = entry[1]
    return found


def changed(
    note: Path,
    made_from: Mapping[str, str],
    content: Callable[[str], str | None] = sha256,
    known: Mapping[str, str] | None = None,
) -> tuple[str, ...]:
    """What differs from a note; empty where the results are those of this plan.

    Parameters
    ----------
    note : Path
        See `noted`.
    made_from : mapping
        The `digests` of this command.
    content : callable
        Gives the SHA-256 of a file; asked where one of the right size is newer than the note.
    known : mapping, optional
        What other steps have `written`. File times do not count: they may be anything.

    Returns
    -------
    tuple of str
        Names of what they are made from, `EARLIER` where a step before wrote something else since,
        and `ALTERED` where a file is not as it was written. One
        that is missing is no change.
    """
    told = _told(note)
    if told is None:
        return (UNKNOWN,)
    before, inputs, files, time = told
    names = [name for name in {**before, **made_from} if before.get(name) != made_from.get(name)]
    others = known or {}
    if any(others.get(_path(file, note), its) != its for file, its in inputs.items()):
        names.append(EARLIER)
    for file, (size, its) in files.items():
        path = _path(file, note)
        with suppress(OSError, ValueError):
            found = os.stat(path)
            same = found.st_size == size
            if not same or (found.st_mtime_ns > time and content(path) != its):
                return (*names, ALTERED)
    return tuple(names)


Told = tuple[dict[str, str], dict[str, str], dict[str, tuple[int, str]], int]
"""What a note says: digests, inputs, files with size and hash, and when it was written (ns)."""


def _told(note: Path) -> Told | None:
    """None where it cannot be read, whatever somebody has made of it."""
    try:
        told = json.loads(note.read_text(encoding="utf-8"))
        files = {file: (int(e["bytes"]), str(e["sha256"])) for file, e in told["files"].items()}
        made, inputs = dict(told["made_from"]), dict(told["inputs"])
        return made, inputs, files, note.stat().st_mtime_ns
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None


def _contents(note: Path, outputs: Iterable[Path | str]) -> dict[str, dict[str, Any]]:
    """Size and hash of all files of some outputs."""
    return {
        _name(file, note): {"bytes": file.stat().st_size, "sha256": sha256(file)}
        for output in outputs
        for file in _files(Path(output))
    }


def _own(file: Path, note: Path) -> bool:
    """Whether a file lies among the results that a note is about."""
    root = next(folder for folder in note.absolute().parents if folder.name == FOLDER).parent
    return file.absolute().is_relative_to(root) and file.is_file()


def _name(file: Path, note: Path) -> str:
    """How a note calls a file, wherever the results are."""
    return os.path.relpath(file, note.parent)


def _path(name: str, note: Path) -> str:
    """The file that a note calls so."""
    return os.path.normpath(os.path.join(note.parent.absolute(), name))


def _files(output: Path) -> list[Path]:
    if not output.is_dir():
        return [output]
    return [file for file in sorted(output.rglob("*")) if file.is_file()]
