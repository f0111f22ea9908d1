"""The domain of a problem: a box in one to four coordinates, time among them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal, get_args

import numpy as np
import torch
from torch import Tensor

from bilo.inverse.points import Points, grid

Placement = Literal["lattice", "latin", "gauss", "midpoints"]
"""How residual points are placed: methods of `Box`, the first two random."""


class Box:
    """Intervals of the coordinates, in the problem's own units: ``Box(t=(0, 20), x=(0, 1))``.

    Raises
    ------
    ValueError
        If an interval is not one, or there are none.

    Examples
    --------
    >>> Box(t=(0, 2), x=(0, 1)).grid(t=3, x=2).coordinates["t"].tolist()
    [0.0, 0.0, 1.0, 1.0, 2.0, 2.0]
    """

    def __init__(self, **intervals: tuple[float, float]) -> None:
        if not intervals:
            raise ValueError("a box needs at least one coordinate, such as Box(x=(0, 1))")
        for name, interval in intervals.items():
            try:
                low, high = interval
            except TypeError:
                raise ValueError(f"{name}: {interval} is no interval, such as (0, 1)") from None
            if not (math.isfinite(low) and math.isfinite(high) and low < high):
                raise ValueError(f"{name}: ({low}, {high}) is no interval")
        self.intervals = {k: (float(low), float(high)) for k, (low, high) in intervals.items()}

    @classmethod
    def unit(cls, names: tuple[str, ...]) -> Box:
        """(0, 1) in every coordinate."""
        return cls(**dict.fromkeys(names, (0.0, 1.0)))

    def __repr__(self) -> str:
        return f"Box({', '.join(f'{k}={v}' for k, v in self.intervals.items())})"

    @property
    def names(self) -> tuple[str, ...]:
        """Its coordinates."""
        return tuple(self.intervals)

    # --- points -----------------------------------------------------------------------------------
    def grid(self, n: int | None = None, /, **each: int | float) -> Points:
        """Equidistant points, float64, ends included: n along every axis, or a number for each.

        A float is the one value that a coordinate has: ``grid(t=1.0, x=51)``.

        Raises
        ------
        ValueError
            If nothing is said of an axis, or something of one that is not there.
        """
        unknown, untold = set(each) - set(self.names), set(self.names) - set(each)
        if unknown or (n is None and untold):
            said = ", ".join(sorted(unknown or untold))
            raise ValueError(
                f"a grid of {self}: {'no such' if unknown else 'how many points along'} {said}"
            )
        axes = {}
        for name, (low, high) in self.intervals.items():
            one = each.get(name, n)
            axes[name] = (
                torch.linspace(low, high, one, dtype=torch.float64)
                if isinstance(one, int)
                else torch.tensor([one], dtype=torch.float64)
            )
        return grid(**axes)

    def scatter(self, placement: Placement, n: int, generator: torch.Generator) -> Points:
        """Residual points, n along every axis for ``midpoints``, in all (about) n for the others.

        Raises
        ------
        ValueError
            If there is no such placement.
        """
        if placement not in get_args(Placement):
            raise ValueError(f"no {placement!r} points; there are {', '.join(get_args(Placement))}")
        if placement == "gauss":
            return self.gauss(n)
        if placement == "midpoints":
            return self.midpoints(n)
        return self.latin(n, generator) if placement == "latin" else self.lattice(n, generator)

    def gauss(self, n: int) -> Points:
        """About n points: the tensor product of Gauss-Legendre rules, as many along every axis.

        Fixed points at a smooth solution train better than random ones: nothing of the step is
        noise.
        """
        along = max(int(n ** (1 / len(self.names)) + 1e-9), 1)
        nodes, _ = np.polynomial.legendre.leggauss(along)
        axis = torch.from_numpy((nodes + 1) / 2).float()
        return self._product(dict.fromkeys(self.names, axis))

    def midpoints(self, n: int, dtype: torch.dtype = torch.float32) -> Points:
        """Midpoints of n cells along every axis."""
        axis = (torch.arange(n, dtype=dtype) + 0.5) / n
        return self._product(dict.fromkeys(self.names, axis))

    def lattice(self, n: int, generator: torch.Generator) -> Points:
        """n points of low discrepancy: a lattice, randomly shifted.

            x_1 = frac(s_1 + k / n),    x_j = frac(s_j + k g^(1 - j)),    g^d = g + 1

        With one coordinate beside the first, g is the golden ratio.
        """
        k, d = torch.arange(n, dtype=torch.float64), len(self.names)
        shift = torch.rand(d, generator=generator, dtype=torch.float64)
        g = _generalised_golden_ratio(d)
        steps = [k / n, *(k / g**j for j in range(1, d))]
        rows = [((s + step) % 1).float() for s, step in zip(shift, steps, strict=True)]
        return self._placed(dict(zip(self.names, rows, strict=True)))

    def latin(self, n: int, generator: torch.Generator) -> Points:
        """n random points, one in each of n equal parts of every axis: a Latin hypercube."""
        rows = {}
        for k, name in enumerate(self.names):
            part = torch.randperm(n, generator=generator) if k else torch.arange(n)
            rows[name] = (part + torch.rand(n, generator=generator)) / n
        return self._placed(rows)

    def random(self, n: int, generator: torch.Generator) -> Points:
        """n uniform random points."""
        rows = torch.rand(len(self.names), n, generator=generator)
        return self._placed(dict(zip(self.names, rows, strict=True)))

    def side(self, name: str, value: float, n: int) -> Points:
        """Equidistant points, n along every other axis, where a coordinate has one value."""
        return self.grid(n, **{name: float(value)})

    # --- places -----------------------------------------------------------------------------------
    def contains(self, points: Points, margin: float = 1e-6) -> Tensor:
        """Whether each point lies inside, but for `margin` of the sides."""
        inside = torch.ones(len(points), dtype=torch.bool)
        for name, (low, high) in self.intervals.items():
            x, slack = points.coordinates[name].cpu(), margin * (high - low)
            inside &= (x >= low - slack) & (x <= high + slack)
        return inside

    def relative(self, values: Any) -> dict[str, Any]:
        """Coordinates as parts of their intervals, 0 at the low end, 1 at the high one.

        `values` are tensors or jets by name.
        """
        found = {}
        for name, (low, high) in self.intervals.items():
            x = values[name]
            found[name] = x if (low, high) == (0.0, 1.0) else (x - low) * (1 / (high - low))
        return found

    def _product(self, axes: Mapping[str, Tensor]) -> Points:
        return self._placed(grid(**axes).coordinates)

    def _placed(self, parts: Mapping[str, Tensor]) -> Points:
        rows = {}
        for name, (low, high) in self.intervals.items():
            part = parts[name]
            rows[name] = part if (low, high) == (0.0, 1.0) else low + (high - low) * part
        return Points(rows)


def _generalised_golden_ratio(d: int) -> float:
    """The root above 1 of g^d = g + 1, for d > 1 (Roberts 2018, R-sequences)."""
    g = (5**0.5 + 1) / 2
    if d == 2:
        return g
    for _ in range(60):
        g = (g + 1) ** (1 / d) if d > 1 else g
    return g
