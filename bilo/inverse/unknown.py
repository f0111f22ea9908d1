"""What is unknown: a vector of params that the upper level moves; scalars."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from bilo.inverse.coordinate_jets import CoordinateJets, constant
from bilo.inverse.points import Points
from bilo.taylor.jets import Jet
from bilo.taylor.streams import VALUE

LARGEST = 700.0
"""Logarithm of what counts as infinite."""
PointFunction = Callable[[Points], Tensor]
"""Points -> values (N,), float64."""


class Unknown(ABC):
    """An unknown of the equation: a vector of params that the upper level moves.

    At a point it has one value z, which the local operator takes as input and by which the
    residual gradient is taken; the params are a scalar's one, or a function's weights.
    """

    name: str
    start: Any
    """First guess: a value, or a function."""

    @property
    @abstractmethod
    def size(self) -> int:
        """Number of params."""

    @abstractmethod
    def start_params(self, seed: int) -> Tensor:
        """Codes (size,), float64, of the first guess."""

    @abstractmethod
    def input(self, params: Tensor, at: CoordinateJets) -> Tensor:
        """The operator's input as jets without tangents, (1, P, N or 1)."""

    @abstractmethod
    def value(self, z: Jet) -> Jet:
        """The unknown from the operator's input."""

    @abstractmethod
    def input_by_params(self, params: Tensor, at: CoordinateJets) -> Tensor:
        """Derivative of the operator's input by the params, (size, N or 1)."""

    @abstractmethod
    def sensor_values(self, params: Tensor) -> Tensor:
        """The operator's input at some points that tell what it is."""

    @property
    def sensors(self) -> Points:
        """These points; a scalar needs none."""
        return Points({})

    @property
    @abstractmethod
    def sensor_range(self) -> tuple[float, float]:
        """Usual values of `sensor_values` where a neural operator is trained."""

    @abstractmethod
    def read(self, value: Any, points: Points) -> Tensor:
        """The operator's input (N or 1,), float64, from a value, or a function, itself."""

    @abstractmethod
    def param_bounds(self) -> tuple[Tensor, Tensor]:
        """Lower and upper bounds (size,) of the params."""

    @abstractmethod
    def from_params(self, params: Tensor) -> float | PointFunction:
        """The value, or the function, of params (size,)."""


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
        Optimise, and show the network, ln (value / start): for positive quantities.
    scale : float, optional
        Optimise, and show the network, the value divided by this; None: the size of the start, or
        1 where that is zero. With `log`: that logarithm divided by this; None: by 1.
    sampled : (float, float), optional
        Range in which a neural operator is trained; None: the bounds.

    Raises
    ------
    ValueError
        If the bounds are none, the start is outside, or `log` has bounds that are not positive.
    """

    name: str
    start: float
    bounds: tuple[float, float]
    truth: float | None = None
    log: bool = False
    scale: float | None = None
    sampled: tuple[float, float] | None = None

    size = 1

    def __post_init__(self) -> None:
        low, high = self.bounds
        if not (math.isfinite(low) and math.isfinite(high) and low < high):
            raise ValueError(f"{self.name}: bounds ({low:g}, {high:g}) are no interval")
        if not low <= self.start <= high:
            raise ValueError(
                f"{self.name}: the start {self.start:g} is outside its bounds ({low:g}, {high:g})"
            )
        if self.log and low <= 0:
            raise ValueError(f"{self.name}: a logarithm needs positive bounds, not {low:g}")
        if self.scale is not None and not 0 < self.scale < math.inf:
            raise ValueError(f"{self.name}: the scale {self.scale:g} is not positive")

    @property
    def unit(self) -> float:
        """What the optimiser's coordinate is divided by."""
        if self.scale is not None:
            return self.scale
        return 1.0 if self.log else abs(self.start) or 1.0

    def to_params(self, value: float) -> float:
        """The optimiser's coordinate of a value."""
        return (math.log(value / self.start) if self.log else value) / self.unit

    def from_params(self, params: Tensor | float) -> float:
        """Inverse of `to_params`."""
        code = float(params)
        return math.exp(code * self.unit) * self.start if self.log else code * self.unit

    def anywhere(self, code: float) -> float:
        """`from_params` of a coordinate that may be infinite, or as good as that."""
        if self.log and code * self.unit > LARGEST:
            return math.inf
        return self.from_params(code)

    @property
    def sampled_params(self) -> tuple[float, float]:
        """The sampled range in the optimiser's coordinate."""
        low, high = self.sampled or self.bounds
        return self.to_params(low), self.to_params(high)

    def slope(self, value: float) -> float:
        """Derivative of the value by its optimiser coordinate."""
        return value * self.unit if self.log else self.unit

    def start_params(self, seed: int) -> Tensor:
        """The first guess's coordinate."""
        return torch.tensor([self.to_params(self.start)], dtype=torch.float64)

    def input(self, params: Tensor, at: CoordinateJets) -> Tensor:
        """The coordinate, constant in space and time."""
        rows = params.reshape(1, 1, -1)
        rest = rows.new_zeros(1, at.streams.size - 1, rows.shape[-1])
        return torch.cat([rows, rest], 1)

    def value(self, z: Jet) -> Jet:
        """The value of its coordinate."""
        value = Jet(z.data[:, :1], VALUE) * self.unit
        return constant((value.exp() * self.start if self.log else value).weight, z.streams)

    def input_by_params(self, params: Tensor, at: CoordinateJets) -> Tensor:
        """One."""
        return params.new_ones(1, 1)

    def sensor_values(self, params: Tensor) -> Tensor:
        """The coordinate."""
        return params

    @property
    def sensor_range(self) -> tuple[float, float]:
        """The sampled range."""
        return self.sampled_params

    def read(self, value: float, points: Points) -> Tensor:
        """The coordinate."""
        return torch.tensor([self.to_params(value)], dtype=torch.float64)

    def param_bounds(self) -> tuple[Tensor, Tensor]:
        """The bounds' coordinates."""
        low, high = (torch.tensor([self.to_params(b)], dtype=torch.float64) for b in self.bounds)
        return low, high
