"""Points of space-time with what is known there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor


@dataclass(frozen=True)
class Points:
    """Coordinates and known coefficients at N points.

    Parameters
    ----------
    coordinates : mapping of str to (N,)
        Tensors, arrays or lists of numbers.
    known : mapping of str to (N, ...)
        Coefficients of the equation sampled at the points, e.g. a diffusivity map.

    Raises
    ------
    ValueError
        If a coordinate is no row of numbers, or they differ in length.
    TypeError
        If coordinates have no names.
    """

    coordinates: Mapping[str, Tensor]
    known: Mapping[str, Tensor] = field(default_factory=dict)

    def __post_init__(self) -> None:
        given: object = self.coordinates
        if not isinstance(given, Mapping):
            kind = type(given).__name__
            raise TypeError(f"points: a {kind} does not name its coordinates: Points({{'x': ...}})")
        coordinates = {k: _tensor(v) for k, v in self.coordinates.items()}
        known = {k: _tensor(v) for k, v in self.known.items()}
        object.__setattr__(self, "coordinates", coordinates)
        object.__setattr__(self, "known", known)
        lengths = {k: v.shape[0] if v.ndim else 0 for k, v in {**coordinates, **known}.items()}
        for name, row in coordinates.items():
            if row.ndim != 1:
                raise ValueError(f"{name}: points are a row (N,), not of shape {tuple(row.shape)}")
        if len(set(lengths.values())) > 1:
            told = ", ".join(f"{k} {n}" for k, n in lengths.items())
            raise ValueError(f"points of different numbers: {told}")

    def __len__(self) -> int:
        return len(next(iter(self.coordinates.values())))

    def part(self, which: slice | Tensor) -> Points:
        """Some of the points, by a slice or by their indices."""
        return Points(
            {k: v[which] for k, v in self.coordinates.items()},
            {k: v[which] for k, v in self.known.items()},
        )

    def to(self, like: Tensor) -> Points:
        """The same points with the device of `like`, and its type for floating-point entries."""

        def move(values: Mapping[str, Tensor]) -> dict[str, Tensor]:
            return {
                k: v.to(like.device, like.dtype if v.is_floating_point() else None)
                for k, v in values.items()
            }

        return Points(move(self.coordinates), move(self.known))


EXACT = torch.zeros((), dtype=torch.float64)
"""Points go to this for a numerical solution: float64 on the CPU, wherever the networks are."""


def grid(**axes: Tensor) -> Points:
    """All combinations of the given axes, the last one running fastest."""
    mesh = torch.meshgrid(*axes.values(), indexing="ij")
    return Points({name: m.reshape(-1) for name, m in zip(axes, mesh, strict=True)})


def values_at(points: Points, function: Callable[[Points], Any]) -> Tensor:
    """Values (N,), float64, of a function of points that gives a row of numbers, or one number.

    Raises
    ------
    ValueError
        If there are more or fewer values than points.
    """
    found = torch.as_tensor(function(points), dtype=torch.float64)
    if found.ndim and found.shape != (len(points),):
        raise ValueError(f"a function gave {tuple(found.shape)} for {len(points)} points")
    return found.expand(len(points))


def _tensor(values: Any) -> Tensor:
    return values if isinstance(values, Tensor) else torch.as_tensor(values)
