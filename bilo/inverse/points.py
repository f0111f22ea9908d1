"""Points of space-time with what is known there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor


@dataclass(frozen=True)
class Points:
    """Coordinates and known coefficients at N points.

    Parameters
    ----------
    coordinates : mapping of str to Tensor (N,)
    known : mapping of str to Tensor (N, ...)
        Coefficients of the equation sampled at the points, e.g. a diffusivity map.
    """

    coordinates: Mapping[str, Tensor]
    known: Mapping[str, Tensor] = field(default_factory=dict)

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


def grid(**axes: Tensor) -> Points:
    """All combinations of the given axes, the last one running fastest."""
    mesh = torch.meshgrid(*axes.values(), indexing="ij")
    return Points({name: m.reshape(-1) for name, m in zip(axes, mesh, strict=True)})


def lattice(names: tuple[str, ...], n: int, generator: torch.Generator) -> Points:
    """n points of the unit box: a lattice of low discrepancy, randomly shifted.

        x_k = frac(shift + k / n),    y_k = frac(shift' + k / g),    g the golden ratio

    Raises
    ------
    ValueError
        For other than two coordinates.
    """
    first, second = names
    k = torch.arange(n, dtype=torch.float64)
    shift = torch.rand(2, generator=generator, dtype=torch.float64)
    golden = (5**0.5 + 1) / 2
    rows = ((shift[0] + k / n) % 1, (shift[1] + k / golden) % 1)
    return Points({first: rows[0].float(), second: rows[1].float()})
