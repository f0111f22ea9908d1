"""A number with its spread, where one is known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def value(entry: Any) -> Any:
    """A number, or the value of a {"value", "sd"} pair."""
    return entry["value"] if isinstance(entry, Mapping) else entry


def sd(entry: Any) -> float | None:
    """The standard deviation of a {"value", "sd"} pair, or None."""
    return entry["sd"] if isinstance(entry, Mapping) else None
