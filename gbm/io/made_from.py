"""What results were made from, told beside them: nothing old may stand under new inputs.

A job leaves a note with digests of all it was made from (settings, the patient with the hashes of
the images, the code) and with size and hash of what it wrote. The note travels with the results:
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

from gbm.io.files import plain, sha256, write_json

UNKNOWN = "an unknown origin"
"""Stands among the names of what differs for results without a note."""
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
    note: Path, made_from: Mapping[str, Any], outputs: Iterable[Path | str]
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
    """
    told = digests(dict(made_from.items()))
    note.unlink(missing_ok=True)
    yield
    files = [file for output in outputs for file in _files(Path(output))]
    written = {
        os.path.relpath(file, note.parent): {"bytes": file.stat().st_size, "sha256": sha256(file)}
        for file in files
    }
    write_json(note, {"made_from": told, "files": written})


def changed(
    note: Path, made_from: Mapping[str, str], content: Callable[[str], str | None] = sha256
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

    Returns
    -------
    tuple of str
        Names of what they are made from, and `ALTERED` where a file is not as it was written. One
        that is missing is no change.
    """
    try:
        told = json.loads(note.read_text(encoding="utf-8"))
        before, files = dict(told["made_from"]), dict(told["files"])
        time = note.stat().st_mtime_ns
    except (OSError, ValueError, TypeError, KeyError):
        return (UNKNOWN,)
    names = [name for name in {**before, **made_from} if before.get(name) != made_from.get(name)]
    for file, written in files.items():
        path = os.path.join(note.parent, file)
        with suppress(OSError):
            found = os.stat(path)
            same = found.st_size == written["bytes"]
            if not same or (found.st_mtime_ns > time and content(path) != written["sha256"]):
                return (*names, ALTERED)
    return tuple(names)


def _files(output: Path) -> list[Path]:
    if not output.is_dir():
        return [output]
    return [file for file in sorted(output.rglob("*")) if file.is_file()]
