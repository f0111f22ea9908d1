"""What is unknown: a vector of codes that the upper level moves; scalars."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from bilo.inverse.chart import Chart, constant
from bilo.inverse.points import Points, grid
from bilo.taylor.jets import Jet
from bilo.taylor.streams import VALUE

PointFunction = Callable[[Points], Tensor]
"""Points -> values (N,), float64."""


class Unknown(ABC):
    """An unknown of the equation: a vector of codes that the upper level moves.

    At a point it has one value z, which the local operator takes as input and by which the
    residual gradient is taken; the codes are a scalar's one, or a function's weights.
    """

    name: str
    start: Any
    """First guess: a value, or a function."""

    @property
    @abstractmethod
    def size(self) -> int:
        """Number of codes."""

    @abstractmethod
    def start_codes(self, seed: int) -> Tensor:
        """Codes (size,), float64, of the first guess."""

    @abstractmethod
    def input(self, codes: Tensor, at: Chart) -> Tensor:
        """The operator's input as jets without tangents, (1, P, N or 1)."""

    @abstractmethod
    def value(self, z: Jet) -> Jet:
        """The unknown from the operator's input."""

    @abstractmethod
    def input_by_codes(self, codes: Tensor, at: Chart) -> Tensor:
        """Derivative of the operator's input by the codes, (size, N or 1)."""

    @abstractmethod
    def probe(self, codes: Tensor) -> Tensor:
        """The operator's input at some points that tell what it is."""

    @property
    def probe_points(self) -> Points:
        """These points; a scalar needs none."""
        return Points({})

    @property
    @abstractmethod
    def probe_range(self) -> tuple[float, float]:
        """Usual values of `probe` where a neural operator is trained."""

    @abstractmethod
    def read(self, value: Any, points: Points) -> Tensor:
        """The operator's input (N or 1,), float64, from a value, or a function, itself."""

    @abstractmethod
    def code_bounds(self) -> tuple[Tensor, Tensor]:
        """Lower and upper bounds (size,) of the codes."""

    @abstractmethod
    def decode(self, codes: Tensor) -> float | PointFunction:
        """The value, or the function, of codes (size,)."""


@dataclass(frozen=True)
class Scalar(Unknown):
    """An unknown scalar.

    Parameters
    ----------
    name : str
    start : float
        First guess, at which the operator is pretrained.
    bounds : (float, float)
        Admissible range.
    truth : float, optional
        The value behind generated data.
    log : bool
        Optimise, and show the network, the logarithm of the value.
    scale : float
        Optimise, and show the network, the value (or its logarithm) divided by this.
    sampled : (float, float), optional
        Range in which a neural operator is trained; None: the bounds.
    """

    name: str
    start: float
    bounds: tuple[float, float]
    truth: float | None = None
    log: bool = False
    scale: float = 1.0
    sampled: tuple[float, float] | None = None

    size = 1

    def encode(self, value: float) -> float:
        """The optimiser's coordinate of a value."""
        return (math.log(value) if self.log else value) / self.scale

    def decode(self, codes: Tensor | float) -> float:
        """Inverse of `encode`."""
        code = float(codes)
        return math.exp(code * self.scale) if self.log else code * self.scale

    @property
    def sampled_codes(self) -> tuple[float, float]:
        """The sampled range in the optimiser's coordinate."""
        low, high = self.sampled or self.bounds
        return self.encode(low), self.encode(high)

    def slope(self, value: float) -> float:
        """Derivative of the value by its optimiser coordinate."""
        return value * self.scale if self.log else self.scale

    def start_codes(self, seed: int) -> Tensor:
        """The first guess's coordinate."""
        return torch.tensor([self.encode(self.start)], dtype=torch.float64)

    def input(self, codes: Tensor, at: Chart) -> Tensor:
        """The coordinate, constant in space and time."""
        rows = codes.reshape(1, 1, -1)
        rest = rows.new_zeros(1, at.streams.size - 1, rows.shape[-1])
        return torch.cat([rows, rest], 1)

    def value(self, z: Jet) -> Jet:
        """The value of its coordinate."""
        value = Jet(z.data[:, :1], VALUE) * self.scale
        return constant((value.exp() if self.log else value).weight, z.streams)

    def input_by_codes(self, codes: Tensor, at: Chart) -> Tensor:
        """One."""
        return codes.new_ones(1, 1)

    def probe(self, codes: Tensor) -> Tensor:
        """The coordinate."""
        return codes

    @property
    def probe_range(self) -> tuple[float, float]:
        """The sampled range."""
        return self.sampled_codes

    def read(self, value: float, points: Points) -> Tensor:
        """The coordinate."""
        return torch.tensor([self.encode(value)], dtype=torch.float64)

    def code_bounds(self) -> tuple[Tensor, Tensor]:
        """The bounds' coordinates."""
        low, high = (torch.tensor([self.encode(b)], dtype=torch.float64) for b in self.bounds)
        return low, high


def unit_grid(coordinates: tuple[str, ...], n: int) -> Points:
    """n equidistant points along each coordinate of the unit box."""
    axis = torch.linspace(0, 1, n, dtype=torch.float64)
    return grid(**dict.fromkeys(coordinates, axis))
