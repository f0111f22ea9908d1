"""Validation errors in the user's words: dotted key, file, nearest known key."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from gbm.config.errors import InputError

_WORDS = {
    "dict_type": "must hold keys and values",
    "model_type": "must hold keys and values",
    "list_type": "must be a list",
    "tuple_type": "must be a list",
    "too_short": "has too few entries",
    "too_long": "has too many entries",
}
"""Faults for which pydantic has words of Python."""


def nearest(word: str, known: Iterable[str]) -> str:
    """Return ``"; did you mean 'x'?"`` for the known word nearest to `word`, or nothing."""
    names = list(known)
    folded = {name.lower(): name for name in names}
    close = difflib.get_close_matches(str(word).lower(), folded, n=1, cutoff=0.6)
    return f"; did you mean {folded[close[0]]!r}?" if close else ""


def in_words(
    error: ValidationError, model: type[BaseModel], data: Any, prefix: str, file: Path | None
) -> InputError:
    """Turn a pydantic error into an `InputError` about its most telling entry.

    Parameters
    ----------
    error : ValidationError
        What pydantic found.
    model : type
        The model that was validated, for the known keys.
    data : object
        What was validated.
    prefix : str
        Dotted key of `data` in its file, or the empty string.
    file : Path, optional
        The file `data` came from.
    """
    entries = error.errors()
    # A misspelt key makes a second entry about a missing one: the misspelt one is what helps.
    unknown = [entry for entry in entries if entry["type"] == "extra_forbidden"]
    # Of the alternatives of a union the one that got furthest is meant.
    keys, entry = max(
        ((_dotted(entry["loc"], data, entry["type"]), entry) for entry in unknown or entries),
        key=lambda pair: len(pair[0]),
    )
    given = ""
    if entry["type"] == "extra_forbidden":
        known = _known_keys(model, keys[:-1])
        text = f"unknown key{nearest(keys[-1], known)}"
    elif entry["type"] == "missing":
        text = "the key is missing"
    else:
        said = entry["msg"].removeprefix("Value error, ").replace("Input should", "should")
        text = _WORDS.get(entry["type"], said)
        given = _given(entry["input"])
    key = ".".join(part for part in (prefix, *keys) if part)
    return InputError(text, file=file, key=key or None, given=given)


def _given(value: Any) -> str:
    if isinstance(value, (str, int, float, bool)) or value is None:
        return "null" if value is None else repr(value)
    return ""


def _dotted(location: tuple[int | str, ...], data: Any, kind: str) -> list[str]:
    """Keep the parts of a pydantic location that are keys of the user's data."""
    keys: list[str] = []
    node = data
    for position, part in enumerate(location):
        last = position == len(location) - 1
        if _holds(node, part):
            node = node[part]
        elif not (last and kind == "missing"):
            continue
        keys.append(str(part))
    return keys


def _holds(node: Any, part: int | str) -> bool:
    if isinstance(node, Mapping):
        return part in node
    return isinstance(node, (list, tuple)) and isinstance(part, int) and part < len(node)


def _known_keys(model: type[BaseModel], keys: list[str]) -> list[str]:
    models = [model]
    for key in keys:
        fields = [m.model_fields[key] for m in models if key in m.model_fields]
        models = [m for field in fields for m in _models_in(field.annotation)]
    return [name for m in models for name in m.model_fields]


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in get_args(annotation) for model in _models_in(part)]
