"""Files of results: where they are, written whole or not at all."""

from __future__ import annotations

import json
import math
import os
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from benchmarks.design.errors import CommandError
from benchmarks.design.setting import ALL, Setting

ROOT = Path("results/benchmarks")
NEEDED = {"experiment", "method", "profile"}
"""Fields without which a file is no result, and without which it is none of a fit."""
NEEDED_OF_FIT = {"seed", "noise", "unknowns", "status", "data_loss", "seconds"}
MEND = "move it away and make the run again"
"""What to do about a file that is no result."""


def path_of(setting: Setting, root: Path = ROOT) -> Path:
    """``<root>/<experiment>/<method>/<setting>.json``."""
    return root / setting.experiment / setting.method / f"{setting.name}.json"


def plain(value: Any) -> Any:
    """The same value for strict JSON: NaN and infinities become null."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def as_json(value: Any) -> str:
    """Strict, indented JSON."""
    return json.dumps(plain(value), indent=2, allow_nan=False) + "\n"


def write_text(path: Path, text: str) -> None:
    """Write a file atomically, making its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(name, 0o666 & ~mask)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def check_writable(path: Path) -> None:
    """Refuse, before anything is computed, a file that could not be written.

    Raises
    ------
    CommandError
        If the path is a folder, or its folder cannot be made or written.
    """
    if path.is_dir():
        raise CommandError(f"{path}: is a folder")
    there = next(folder for folder in path.parents if folder.exists())
    if not there.is_dir():
        raise CommandError(f"{there}: is no folder")
    if not os.access(there, os.W_OK | os.X_OK):
        raise CommandError(f"{there}: cannot be written")


def load(path: Path) -> dict[str, Any]:
    """The result in ``<experiment>/<method>/<name>.json``.

    Raises
    ------
    CommandError
        If the file is no result of the folders that it lies in, or not a whole one; it says what
        to do about it.
    """
    experiment, method = path.parts[-3:-1]
    try:
        result = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CommandError(f"{path}: cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise CommandError(f"{path}: broken, no JSON ({error}); {MEND}") from None
    if not isinstance(result, dict):
        raise CommandError(f"{path}: no result of a run; {MEND}")
    if (result.get("experiment"), result.get("method")) != (experiment, method):
        raise CommandError(f"{path}: no result of {experiment} by {method}; {MEND}")
    missing = NEEDED - result.keys()
    if method != ALL:
        missing |= NEEDED_OF_FIT - result.keys()
    if missing:
        raise CommandError(f"{path}: incomplete, without {', '.join(sorted(missing))}; {MEND}")
    return result


def read(
    experiment: str, root: Path = ROOT, files: Iterable[Path] | None = None
) -> list[dict[str, Any]]:
    """All results of an experiment, or those in some of its files, by method and name.

    Raises
    ------
    CommandError
        If there are none, or a file is no result of its folder.
    """
    paths = sorted((root / experiment).glob("*/*.json")) if files is None else files
    found = [load(path) for path in paths]
    if not found:
        raise CommandError(
            f"no results in {root / experiment}; run: python -m benchmarks run {experiment}"
        )
    return found
