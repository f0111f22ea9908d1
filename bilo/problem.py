"""What an inverse problem is: coordinates, unknowns, equation, constraints. One file a problem."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from bilo.frame import Frame
from bilo.jets import Jet
from bilo.points import Points
from bilo.streams import Operator


@dataclass(frozen=True)
class Unknown:
    """An unknown scalar of the equation.

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
    """

    name: str
    start: float
    bounds: tuple[float, float]
    truth: float | None = None
    log: bool = False
    scale: float = 1.0

    def encode(self, value: float) -> float:
        """The optimiser's coordinate of a value."""
        return (math.log(value) if self.log else value) / self.scale

    def decode(self, code: float) -> float:
        """Inverse of `encode`."""
        return math.exp(code * self.scale) if self.log else code * self.scale


class Problem(ABC):
    """An inverse problem F(D^k u, theta) = 0 with unknown scalars theta.

    A subclass states the mathematics and nothing else: no files, no plots, no training.
    """

    name: str
    coordinates: tuple[str, ...]
    unknowns: tuple[Unknown, ...]
    derivatives: tuple[str, ...] = ()
    """First derivatives that the residual uses beside the principal operator."""
    fourier_coordinates: int = 0
    """How many leading features get Fourier pairs, where the network has any."""

    @abstractmethod
    def principal(self, at: Frame) -> Operator:
        """The highest-order part M of the equation, one linear operator; `u.d("M")` applies it."""

    @abstractmethod
    def transform(self, N: Jet, at: Frame) -> Jet:
        """The represented field from the network's output; imposes initial and boundary values."""

    @abstractmethod
    def residual(self, u: Jet, at: Frame) -> Jet:
        """F(D^k u, theta), zero for a solution."""

    @abstractmethod
    def collocation(self, n: int | None, generator: torch.Generator) -> Points:
        """Residual points: a random draw of `n`, or the fixed full set for None."""

    def features(self, at: Frame) -> list[Jet]:
        """Network inputs before the unknowns; the coordinates unless a problem knows better."""
        return [at[c] for c in self.coordinates]

    def feature_count(self) -> int:
        """Number of `features`."""
        return len(self.coordinates)

    def weight(self, u: Jet, at: Frame) -> Tensor | None:
        """Weight (N,) of each squared residual, held fixed in a step; None for one."""
        return None

    def start(self) -> dict[str, float]:
        """First guess of all unknowns."""
        return {k.name: k.start for k in self.unknowns}

    def encode(self, theta: Mapping[str, float]) -> Tensor:
        """Optimiser coordinates (m,), float64, of a set of values."""
        return torch.tensor([k.encode(theta[k.name]) for k in self.unknowns], dtype=torch.float64)

    def decode(self, codes: Tensor) -> dict[str, float]:
        """Values by name from optimiser coordinates (m,)."""
        return {k.name: k.decode(float(c)) for k, c in zip(self.unknowns, codes, strict=True)}

    def project(self, codes: Tensor) -> Tensor:
        """The nearest admissible optimiser coordinates, (m,)."""
        low = self.encode({k.name: k.bounds[0] for k in self.unknowns})
        high = self.encode({k.name: k.bounds[1] for k in self.unknowns})
        return torch.minimum(torch.maximum(codes, low), high)
