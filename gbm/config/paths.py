"""Paths inside nested plain values, such as a dumped model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any


def map_paths(value: Any, change: Callable[[Path], Any]) -> Any:
    """Put something else in the place of every path.

    >>> map_paths({"wm": Path("a.nii"), "filled": True}, lambda path: path.suffix)
    {'wm': '.nii', 'filled': True}
    """
    if isinstance(value, Path):
        return change(value)
    if isinstance(value, dict):
        return {key: map_paths(item, change) for key, item in value.items()}
    return value
