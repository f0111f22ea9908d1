"""Jets of coordinates and known coefficients at a set of points."""

from __future__ import annotations

from collections.abc import Callable
from typing import Self

import torch
from torch import Tensor

from bilo.inverse.box import Box
from bilo.inverse.points import Points
from bilo.taylor.jets import Jet
from bilo.taylor.streams import Streams


class CoordinateJets:
    """Coordinates and known coefficients as jets: ``at["x"]``, ``at["P"]``.

    Parameters
    ----------
    points : Points
    streams : Streams
        Derivatives carried at the points.
    """

    def __init__(self, points: Points, streams: Streams) -> None:
        self.points, self.streams = points, streams
        self._cache: dict[str, Jet] = {}

    def __getitem__(self, name: str) -> Jet:
        if name in self.points.known:
            return Jet.known(self.points.known[name])
        if name not in self._cache:
            self._cache[name] = Jet.coordinate(self.points.coordinates[name], name, self.streams)
        return self._cache[name]

    def cached(self, name: str, make: Callable[[Self], Jet]) -> Jet:
        """A jet that does not depend on the network: made once."""
        if name not in self._cache:
            self._cache[name] = make(self)
        return self._cache[name]

    def vanishing(self, *names: str, after: str | None = None) -> Jet:
        """x (1 - x), zero where a coordinate has its ends, or the product of several.

        With `after`, times that coordinate's time since the low end. Coordinates count as parts of
        their intervals.
        """

        def make(at: CoordinateJets) -> Jet:
            parts = at.box_of((*names, *((after,) if after else ()))).relative(at)
            total = None
            for name in names:
                x = parts[name]
                total = x * (1 - x) if total is None else total * x * (1 - x)
            if after is not None:
                total = parts[after] if total is None else total * parts[after]
            assert total is not None
            return total

        return self.cached(f"vanishing {names} {after}", make)

    def box_of(self, names: tuple[str, ...]) -> Box:
        """Intervals of some coordinates."""
        return Box.unit(names)

    def constant(self, name: str) -> Jet:
        """A coefficient known at the points that varies nowhere near them, as a whole jet."""
        return constant(self.points.known[name].unsqueeze(0), self.streams)


def constant(data: Tensor, streams: Streams) -> Jet:
    """A field constant in x, from its value and tangents (1 + m, N): all derivatives vanish."""
    full = data.unsqueeze(1)
    if streams.size > 1:
        full = torch.cat([full, full.new_zeros(len(data), streams.size - 1, data.shape[1])], 1)
    return Jet(full, streams)
