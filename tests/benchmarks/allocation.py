"""A computation of known memory, importable by a fresh process."""

from __future__ import annotations

from collections.abc import Callable


def allocating(mebibytes: int) -> Callable[[], object]:
    """Fill that much memory and drop it."""
    return lambda: bytes(bytearray(b"1") * (mebibytes << 20))[:1]


def failing() -> Callable[[], object]:
    raise ValueError("nothing to measure")
