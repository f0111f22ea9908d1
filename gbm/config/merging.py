"""Settings as nested mappings: one over another, or defaults under what is given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Merge nested mappings; anything that is no mapping is replaced."""
    merged = dict(base)
    for key, value in over.items():
        old = merged.get(key)
        if isinstance(old, Mapping) and isinstance(value, Mapping):
            value = merge(old, value)
        merged[key] = value
    return merged


def filled(given: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Defaults where nothing, or null, is given."""
    found = dict(given)
    for key, default in defaults.items():
        value = found.get(key)
        if isinstance(default, Mapping) and isinstance(value, Mapping):
            found[key] = filled(value, default)
        elif value is None:
            found[key] = default
    return found
