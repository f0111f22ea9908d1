"""Atomic writing: a file is either the old one or the whole new one."""

from __future__ import annotations

import hashlib
import json
import math
import os
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np

from gbm.config.errors import InputError

AGAIN = "delete it and type the command again"
"""The way out where a file of the results cannot be used."""
EDITED = "was edited by hand since it was made"


def plain(value: Any) -> Any:
    """Turn a value into what strict JSON can hold; NaN and infinities become null.

    Parameters
    ----------
    value : object
        Nested mappings, sequences, dataclasses, NumPy arrays and scalars, paths, plain values.

    Raises
    ------
    TypeError
        If a value has no plain form.
    """
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Path):
        return str(value)
    if is_dataclass(value) and not isinstance(value, type):
        return plain(asdict(value))
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, (set, frozenset)):
        return [plain(item) for item in sorted(value)]
    raise TypeError(f"{type(value).__name__} has no plain JSON form")


def _replace(path: Path, write: Callable[[IO[bytes]], None]) -> None:
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as stream:
            write(stream)
            stream.flush()
            os.fsync(stream.fileno())  # after a power cut the name must not stand for nothing
        os.chmod(name, 0o666 & ~_umask())
        os.replace(name, path)
    except BaseException as error:
        Path(name).unlink(missing_ok=True)
        if isinstance(error, OSError):  # a full disk does not say which file it had no room for
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current


def write_bytes(path: Path, content: bytes) -> None:
    """Write `content` to `path` atomically, making parent folders."""
    _replace(path, lambda stream: _discard(stream.write(content)))


def write_text(path: Path, content: str) -> None:
    """Write `content` to `path` in UTF-8, atomically."""
    write_bytes(path, content.encode("utf-8"))


def write_json(path: Path, value: Any) -> None:
    """Write `value` as strict, indented JSON (NaN and infinities become null), atomically."""
    write_text(path, json.dumps(plain(value), indent=2, allow_nan=False) + "\n")


def write_npz(path: Path, **arrays: Any) -> None:
    """Write named arrays as a compressed ``.npz`` without pickled objects, atomically.

    Raises
    ------
    TypeError
        If an array would need pickling.
    """
    checked = {name: np.asarray(array) for name, array in arrays.items()}
    for name, array in checked.items():
        if array.dtype.hasobject:
            raise TypeError(f"array {name!r} holds Python objects")
    _replace(path, lambda stream: np.savez_compressed(stream, **checked))  # type: ignore[arg-type]


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises
    ------
    InputError
        If it holds no JSON.
    """
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"is damaged: {AGAIN}", file=Path(path)) from error


def read_npz(path: Path) -> dict[str, np.ndarray]:
    """Read all arrays of a ``.npz``; none is unpickled.

    Raises
    ------
    InputError
        If the file is cut or damaged.
    """
    try:
        with Path(path).open("rb") as stream, np.load(stream, allow_pickle=False) as stored:
            return dict(stored)
    except FileNotFoundError:
        raise
    except (OSError, ValueError, EOFError, TypeError, zipfile.BadZipFile, zlib.error) as error:
        raise InputError(f"is damaged: {AGAIN}", file=Path(path)) from error


def write_sealed(path: Path, values: Mapping[str, Any]) -> None:
    """Write a JSON object with a digest of its own content, see `seal`."""
    write_json(path, {**values, "digest": seal(values)})


def read_sealed(path: Path) -> dict[str, Any]:
    """Read what `write_sealed` wrote.

    Raises
    ------
    InputError
        If it is damaged, or was edited since it was written.
    """
    values = read_json(path)
    if not isinstance(values, dict) or values.get("digest") != seal(values):
        raise InputError(f"{EDITED}: {AGAIN}", file=Path(path))
    del values["digest"]
    return values


def seal(values: Mapping[str, Any]) -> str:
    """SHA-256 over a JSON object but for its entry `digest`, whatever the order of its keys.

    >>> seal({"a": 1, "b": None}) == seal({"b": float("nan"), "a": 1, "digest": "x"})
    True
    """
    content = {name: value for name, value in plain(values).items() if name != "digest"}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def sha256(path: Path | str) -> str:
    """Return the SHA-256 of a file's bytes as hexadecimal text."""
    digest = hashlib.sha256()
    with Path(path).open("rb") as stream:
        for block in iter(lambda: stream.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


def sha256_of(path: Path | str) -> str:
    """SHA-256 of a file or, of a folder, of those of all its files, whatever their names."""
    if not os.path.isdir(path):
        return sha256(path)
    parts = sorted(sha256(file) for file in Path(path).rglob("*") if file.is_file())
    return hashlib.sha256("".join(parts).encode()).hexdigest()


def _discard(_: object) -> None:
    return None
