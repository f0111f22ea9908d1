"""What makes a problem, its data or a method themselves, as a hash."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from types import CodeType, FunctionType
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
    elif isinstance(value, FunctionType):
        _add_function(digest, value)
    elif isinstance(value, type):
        digest.update(_source(value).encode())
        for name, member in vars(value).items():
            if isinstance(member, FunctionType):
                digest.update(name.encode())
                _add_function(digest, member)
    elif callable(value):
        digest.update(type(value).__qualname__.encode())
    else:
        digest.update(repr(value).encode())


def _add_function(digest: Any, function: FunctionType) -> None:
    """Its source, what it computes, and the values that it holds from where it was made.

    The source of a class that was typed in is not known, and two functions that one maker made
    have the same.
    """
    digest.update(_source(function).encode())
    _add_code(digest, function.__code__)
    held = [*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()]
    for cell in function.__closure__ or ():
        # of functions and classes that hold each other there is no end
        if not isinstance(cell.cell_contents, (type, FunctionType)):
            held.append(cell.cell_contents)
    _add(digest, held)


def _add_code(digest: Any, code: CodeType) -> None:
    digest.update(code.co_code)
    digest.update(repr(code.co_names).encode())
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            _add_code(digest, constant)
        else:
            digest.update(repr(constant).encode())


def _source(of: type | FunctionType) -> str:
    """The source of a class or a function, or at least its name."""
    try:
        return inspect.getsource(of)
    except (OSError, TypeError):
        return f"{of.__module__}.{of.__qualname__}"
