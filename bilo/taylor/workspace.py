"""Reused buffers for the derivative engine on a CPU.

A training step needs the same hundred megabytes every time. Returning them to the operating system
and faulting them in again costs more than the arithmetic, so the engine keeps its buffers. A GPU's
caching allocator does this already.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

import torch
from torch import Tensor


class Workspace:
    """Free lists of uninitialised CPU tensors by shape and type."""

    def __init__(self) -> None:
        self._free: dict[tuple[torch.Size, torch.dtype], list[Tensor]] = defaultdict(list)

    def take(self, shape: Iterable[int], like: Tensor) -> Tensor:
        """An uninitialised contiguous tensor of `shape`, with the type and device of `like`."""
        size = torch.Size(shape)
        free = self._free.get((size, like.dtype))
        if free and like.device.type == "cpu":
            return free.pop()
        return torch.empty(size, dtype=like.dtype, device=like.device)

    def give(self, tensor: Tensor) -> None:
        """Hand a tensor back; nobody else may hold it."""
        if tensor.device.type == "cpu":
            self._free[(tensor.shape, tensor.dtype)].append(tensor)

    def clear(self) -> None:
        """Drop all buffers."""
        self._free.clear()


workspace = Workspace()
