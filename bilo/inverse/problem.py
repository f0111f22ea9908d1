"""What an inverse problem is: coordinates, unknowns, equation, constraints. One file a problem."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from bilo.inverse.frame import Frame
from bilo.inverse.function import Function
from bilo.inverse.nodal import Nodal
from bilo.inverse.objective import LeastSquares, Pointwise
from bilo.inverse.points import Points
from bilo.inverse.regulariser import Regulariser
from bilo.inverse.unknown import Scalar, Unknown
from bilo.taylor.jets import Jet
from bilo.taylor.streams import Operator

Values = Mapping[str, Any]
"""Unknowns by name: a float for a scalar, points -> (N,) for a function."""


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
    """An inverse problem F(D^k u, theta) = 0 with unknowns theta, scalars or functions.

    A subclass states the mathematics and nothing else: no files, no plots, no training.
    """

    name: str
    coordinates: tuple[str, ...]
    unknowns: tuple[Unknown, ...]
    derivatives: tuple[str, ...] = ()
    """First derivatives that the residual uses beside the principal operator."""
    regulariser: Regulariser | None = None
    """Of the unknown function, where there is one; weighted by `Settings.w_reg`."""
    held_inputs: bool = False
    """Whether the operator takes the unknowns twice, u(x, z_0, z) with z_0 = z, of which only z has
    a derivative (`Frame.held_inputs`). Where f jumps u has kinks; through z alone they would ask
    of du/dz what the residual-gradient loss forbids."""
    fourier_coordinates: int = 0
    """How many leading features get Fourier pairs, where the network has any,"""
    fourier_scale: float = 1.0
    """and the standard deviation of their frequencies, in half waves on the unit interval."""

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

    def reference(self, theta: Values) -> Callable[[Points], Tensor] | None:
        """The numerical solution at `theta`, a function of points; None: the problem has none."""
        return None

    def solutions(self, thetas: Sequence[Values], points: Points) -> Tensor:
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

    def sensitivities(self, theta: Values, points: Points) -> tuple[Tensor, Tensor] | None:
        """The numerical solution (N,) at points and its derivative by the unknowns (m, N), float64.

        None: the solver has none; a direct fit then takes differences of `reference`.
        """
        return None

    def observe(self, theta: Values, noise: float, seed: int) -> Pointwise:
        """Data of the problem's observation, generated by the reference solver.

        Raises
        ------
        NotImplementedError
            If the problem brings its own data.
        """
        raise NotImplementedError(f"{self.name} generates no data")

    def feet(self, points: Points, u: Tensor) -> Points:
        """Where an unknown function acts on what u (N,) is at points; there itself, unless known.

        The upper level takes the derivative of u through the operator's input for that by the
        function's value there.
        """
        return points

    def nodal(self, data: LeastSquares) -> Nodal | None:
        """The discretised inverse problem of data, for classical methods; None: there is none.

        Raises
        ------
        ValueError
            If the scheme cannot predict data at these points.
        """
        return None

    def start_solution(self, points: Points) -> Tensor | None:
        """The numerical solution at the start at points (N,), which pretraining uses."""
        if self._at_start is None:
            self._at_start = self.reference(self.start())
        return None if self._at_start is None else self._at_start(points)

    def start_weight(self, known: Tensor, points: Points) -> Tensor | None:
        """Weight (N,) in what pretraining adds, mean w (u - u_num(theta_0))^2; None for one."""
        return None

    judged: bool = False
    """Whether a fit keeps the best unknowns it saw by the numerical solution, because where both
    levels rest need not be near an optimum; for a solution that costs little."""

    _at_start: Callable[[Points], Tensor] | None = None

    outlier: float = math.inf
    """Weighted residuals larger than this count linearly, not squared (Huber)."""

    def start(self) -> dict[str, Any]:
        """First guess of all unknowns."""
        return {k.name: k.start for k in self.unknowns}

    def start_codes(self, seed: int) -> Tensor:
        """Optimiser coordinates (size,), float64, of the first guess; a seed draws networks."""
        return torch.cat([k.start_codes(seed) for k in self.unknowns])

    def truth(self, seed: int = 0) -> dict[str, Any]:
        """The unknowns behind generated data, as far as the problem says them.

        The usual ones, whatever the seed, unless the problem draws them.
        """
        found = {k.name: k.truth for k in self.scalars if k.truth is not None}
        return {**found, **{k.name: k.truth for k in self.functions}}

    @property
    def scalars(self) -> tuple[Scalar, ...]:
        """The unknown scalars."""
        return tuple(k for k in self.unknowns if isinstance(k, Scalar))

    @property
    def functions(self) -> tuple[Function, ...]:
        """The unknown functions."""
        return tuple(k for k in self.unknowns if isinstance(k, Function))

    def require_scalars(self, method: str) -> None:
        """Refuse unknown functions.

        Raises
        ------
        ValueError
            If there are any.
        """
        if self.functions:
            names = ", ".join(f.name for f in self.functions)
            raise ValueError(f"{method} takes unknown scalars, no functions: {names}")

    def identity(self) -> Any:
        """What makes the problem itself, for the checkpoints of its fits.

        The source of its class and of those before it, its unknowns, and its attributes.
        """
        mine = [c for c in type(self).__mro__ if c.__module__ != __name__]
        own = {k: v for k, v in vars(self).items() if k != "_at_start"}
        return [*(c for c in mine if c not in (ABC, object)), self.unknowns, own]

    def split(self, codes: Tensor) -> tuple[Tensor, ...]:
        """Codes (size, ..) of all unknowns, unknown by unknown."""
        return codes.split([k.size for k in self.unknowns])

    def encode(self, theta: Values) -> Tensor:
        """Optimiser coordinates (m,), float64, of a set of values of scalars."""
        return torch.tensor([k.encode(theta[k.name]) for k in self.scalars], dtype=torch.float64)

    def decode(self, codes: Tensor) -> dict[str, Any]:
        """Values and functions by name from optimiser coordinates (size,)."""
        parts = zip(self.unknowns, self.split(codes), strict=True)
        return {k.name: k.decode(part) for k, part in parts}

    def numbers(self, codes: Tensor) -> dict[str, float]:
        """Values of the scalars alone, for the history."""
        parts = zip(self.unknowns, self.split(codes), strict=True)
        return {k.name: k.decode(part) for k, part in parts if isinstance(k, Scalar)}

    def probe(self, codes: Tensor) -> Tensor:
        """The operator's inputs, of functions at points that tell what they are."""
        parts = zip(self.unknowns, self.split(codes.detach().double().cpu()), strict=True)
        return torch.cat([k.probe(part) for k, part in parts])

    def read(self, theta: Values) -> Tensor:
        """`probe` of the unknowns by name, float64: what a neural operator sees of them."""
        return torch.cat([k.read(theta[k.name], k.probe_points) for k in self.unknowns])

    def named(self, values: Iterable[float]) -> dict[str, float]:
        """Values of scalars, in their order, by name."""
        return {k.name: float(v) for k, v in zip(self.scalars, values, strict=True)}

    def code_bounds(self) -> tuple[Tensor, Tensor]:
        """Lower and upper bounds (size,) of the optimiser coordinates."""
        low, high = zip(*(k.code_bounds() for k in self.unknowns), strict=True)
        return torch.cat(low), torch.cat(high)

    def project(self, codes: Tensor) -> Tensor:
        """The nearest admissible optimiser coordinates, (size,)."""
        low, high = self.code_bounds()
        return torch.minimum(torch.maximum(codes, low), high)
