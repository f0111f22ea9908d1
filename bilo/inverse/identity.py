"""What makes a problem, its data or a method themselves, as a hash."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from types import FunctionType
from typing import Any

import numpy as np
from torch import Tensor


def digest(value: Any) -> str:
    """Hash of a tree of plain values, arrays, data classes, functions and classes."""
    found = hashlib.sha256()
    _add(found, value)
    return found.hexdigest()


def _add(digest: Any, value: Any) -> None:
    digest.update(type(value).__name__.encode())
    if isinstance(value, Tensor):
        value = value.detach().cpu().numpy()
    if isinstance(value, np.ndarray):
        digest.update(repr((value.shape, value.dtype)).encode())
        digest.update(np.ascontiguousarray(value).tobytes())
    elif isinstance(value, Mapping):
        for key in sorted(value, key=repr):
            _add(digest, key)
            _add(digest, value[key])
    elif isinstance(value, (list, tuple)):
        for item in value:
            _add(digest, item)
    elif is_dataclass(value) and not isinstance(value, type):
        _add(digest, {f.name: getattr(value, f.name) for f in fields(value)})
    elif isinstance(value, (type, FunctionType)):
        digest.update(_source(value).encode())
    elif callable(value):
        digest.update(type(value).__qualname__.encode())
    else:
        digest.update(repr(value).encode())


def _source(of: type | FunctionType) -> str:
    """The source of a class or a function, or at least its name."""
    try:
        return inspect.getsource(of)
    except (OSError, TypeError):
        return f"{of.__module__}.{of.__qualname__}"
