"""One field as a jet, several as a tuple of jets."""

from __future__ import annotations

import torch
from torch import Tensor

from bilo.taylor.jets import Jet

Fields = Jet | tuple[Jet, ...]


def values(fields: tuple[Jet, ...]) -> Tensor:
    """Values of one field (N,), of several (N, fields)."""
    return fields[0].value if len(fields) == 1 else torch.stack([f.value for f in fields], -1)


def as_tuple(fields: Fields) -> tuple[Jet, ...]:
    """One jet as a tuple of one."""
    return fields if isinstance(fields, tuple) else (fields,)
