"""What an inverse problem is: coordinates, unknowns, equation, constraints. One file a problem."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from bilo.frame import Frame
from bilo.jets import Jet
from bilo.objective import Pointwise
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

    def encode(self, value: float) -> float:
        """The optimiser's coordinate of a value."""
        return (math.log(value) if self.log else value) / self.scale

    def decode(self, code: float) -> float:
        """Inverse of `encode`."""
        return math.exp(code * self.scale) if self.log else code * self.scale

    @property
    def sampled_codes(self) -> tuple[float, float]:
        """The sampled range in the optimiser's coordinate."""
        low, high = self.sampled or self.bounds
        return self.encode(low), self.encode(high)

    def slope(self, value: float) -> float:
        """Derivative of the value by its optimiser coordinate."""
        return value * self.scale if self.log else self.scale


@dataclass(frozen=True)
class Condition:
    """A further equation c(u, theta) = 0 at points of its own: a jump, a soft boundary value.

    It joins the lower level with both its losses,
    ``weight * (mean c^2 + w_rgrad mean sum_j (dc/dtheta_j)^2)``.

    Parameters
    ----------
    points : Points
    residual : callable
        (u, at) -> c as a jet.
    weight : float
    """

    points: Points
    residual: Callable[[Jet, Frame], Jet]
    weight: float = 1.0


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

    def place(self, coordinates: Mapping[str, Tensor]) -> Points:
        """Points (N,) with what the problem knows there."""
        return Points(coordinates)

    def conditions(self) -> tuple[Condition, ...]:
        """Further equations that the transform does not impose."""
        return ()

    def features(self, at: Frame) -> list[Jet]:
        """Network inputs before the unknowns; the coordinates unless a problem knows better."""
        return [at[c] for c in self.coordinates]

    def feature_count(self) -> int:
        """Number of `features`."""
        return len(self.coordinates)

    def weight(self, u: Jet, at: Frame) -> Tensor | None:
        """Weight (N,) of each squared residual, held fixed in a step; None for one."""
        return None

    def reference(self, theta: Mapping[str, float]) -> Callable[[Points], Tensor] | None:
        """The numerical solution at `theta`, a function of points; None: the problem has none."""
        return None

    def solutions(self, thetas: Sequence[Mapping[str, float]], points: Points) -> Tensor:
        """Numerical solutions (B, N) at B sets of unknowns, float64; one by one unless overridden.

        Raises
        ------
        ValueError
            If the problem has none.
        """
        rows = []
        for theta in thetas:
            reference = self.reference(theta)
            if reference is None:
                raise ValueError(f"{self.name} has no numerical solution to learn from")
            rows.append(reference(points).double())
        return torch.stack(rows)

    def sensitivities(
        self, theta: Mapping[str, float], points: Points
    ) -> tuple[Tensor, Tensor] | None:
        """The numerical solution (N,) at points and its derivative by the unknowns (m, N), float64.

        None: the solver has none; a direct fit then takes differences of `reference`.
        """
        return None

    def observe(self, theta: Mapping[str, float], noise: float, seed: int) -> Pointwise:
        """Data of the problem's observation, generated by the reference solver.

        Raises
        ------
        NotImplementedError
            If the problem brings its own data.
        """
        raise NotImplementedError(f"{self.name} generates no data")

    def start_solution(self, points: Points) -> Tensor | None:
        """The numerical solution at the start at points (N,), which pretraining uses."""
        if self._at_start is None:
            self._at_start = self.reference(self.start())
        return None if self._at_start is None else self._at_start(points)

    def start_weight(self, known: Tensor, points: Points) -> Tensor | None:
        """Weight (N,) in what pretraining adds, mean w (u - u_num(theta_0))^2; None for one."""
        return None

    _at_start: Callable[[Points], Tensor] | None = None

    outlier: float = math.inf
    """Weighted residuals larger than this count linearly, not squared (Huber)."""

    def start(self) -> dict[str, float]:
        """First guess of all unknowns."""
        return {k.name: k.start for k in self.unknowns}

    def encode(self, theta: Mapping[str, float]) -> Tensor:
        """Optimiser coordinates (m,), float64, of a set of values."""
        return torch.tensor([k.encode(theta[k.name]) for k in self.unknowns], dtype=torch.float64)

    def decode(self, codes: Tensor) -> dict[str, float]:
        """Values by name from optimiser coordinates (m,)."""
        return {k.name: k.decode(float(c)) for k, c in zip(self.unknowns, codes, strict=True)}

    def named(self, values: Iterable[float]) -> dict[str, float]:
        """Values of the unknowns, in their order, by name."""
        return {k.name: float(v) for k, v in zip(self.unknowns, values, strict=True)}

    def code_bounds(self) -> tuple[Tensor, Tensor]:
        """Lower and upper bounds (m,) of the optimiser coordinates."""
        low, high = zip(*(k.bounds for k in self.unknowns), strict=True)
        return self.encode(self.named(low)), self.encode(self.named(high))

    def project(self, codes: Tensor) -> Tensor:
        """The nearest admissible optimiser coordinates, (m,)."""
        low, high = self.code_bounds()
        return torch.minimum(torch.maximum(codes, low), high)
