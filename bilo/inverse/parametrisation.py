"""The unknowns of a problem as one vector that the upper level moves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor

from bilo.inverse.function import Function
from bilo.inverse.unknown import Scalar, Unknown

SMALL = 0.02
"""Part of the admissible range, or of the scale, that an unknown close to zero counts as large."""
WIDEST = 4.0
"""Range, in units of an unknown's scale, beyond which bounds say nothing of its size."""
Values = Mapping[str, Any]
"""Unknowns by name: a float for a scalar, points -> (N,) for a function."""


class Parametrisation:
    """Optimiser coordinates, or params, of the unknowns, one after the other."""

    unknowns: tuple[Unknown, ...]

    def start(self) -> dict[str, Any]:
        """First guess of all unknowns."""
        return {k.name: k.start for k in self.unknowns}

    def start_params(self, seed: int) -> Tensor:
        """Optimiser coordinates (size,), float64, of the first guess; a seed draws networks."""
        return torch.cat([k.start_params(seed) for k in self.unknowns])

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

    @property
    def of_the_solution(self) -> tuple[Function, ...]:
        """The unknown functions of a field, such as a reaction r(u)."""
        fields = getattr(self, "fields", ())
        return tuple(f for f in self.functions if set(f.coordinates) & set(fields))

    def split(self, params: Tensor) -> tuple[Tensor, ...]:
        """Codes (size, ..) of all unknowns, unknown by unknown."""
        return params.split([k.size for k in self.unknowns])

    def to_params(self, theta: Values) -> Tensor:
        """Optimiser coordinates (m,), float64, of a set of values of scalars."""
        return torch.tensor([k.to_params(theta[k.name]) for k in self.scalars], dtype=torch.float64)

    def from_params(self, params: Tensor) -> dict[str, Any]:
        """Values and functions by name from optimiser coordinates (size,)."""
        parts = zip(self.unknowns, self.split(params), strict=True)
        return {k.name: k.from_params(part) for k, part in parts}

    def numbers(self, params: Tensor) -> dict[str, float]:
        """Values of the scalars alone, for the history."""
        parts = zip(self.unknowns, self.split(params), strict=True)
        return {k.name: k.from_params(part) for k, part in parts if isinstance(k, Scalar)}

    def sensor_values(self, params: Tensor) -> Tensor:
        """The operator's inputs, of functions at points that tell what they are."""
        parts = zip(self.unknowns, self.split(params.detach().double().cpu()), strict=True)
        return torch.cat([k.sensor_values(part) for k, part in parts])

    def distance(self, params: Tensor, other: Tensor) -> float:
        """Largest difference of the operator's inputs at the sensors."""
        return float((self.sensor_values(params) - self.sensor_values(other)).abs().max())

    def read(self, theta: Values) -> Tensor:
        """`sensor_values` of the unknowns by name, float64: what a neural operator sees of them."""
        return torch.cat([k.read(theta[k.name], k.sensors) for k in self.unknowns])

    def named(self, values: Iterable[float]) -> dict[str, float]:
        """Values of scalars, in their order, by name."""
        return {k.name: float(v) for k, v in zip(self.scalars, values, strict=True)}

    def param_bounds(self) -> tuple[Tensor, Tensor]:
        """Lower and upper bounds (size,) of the optimiser coordinates."""
        low, high = zip(*(k.param_bounds() for k in self.unknowns), strict=True)
        return torch.cat(low), torch.cat(high)

    def sizes(self, params: Tensor) -> Tensor:
        """What a step of the scalars' coordinates (m,) is compared with, whatever their scale.

        The coordinate itself; a part of its range where that is more; 1 where it is a logarithm.
        """
        low, high = self.param_bounds()
        size = torch.maximum(params.abs(), SMALL * (high - low).clamp(max=WIDEST))
        log = torch.tensor([k.log for k in self.scalars])
        return torch.where(log, torch.ones_like(size), size)

    def project(self, params: Tensor) -> Tensor:
        """The nearest admissible optimiser coordinates, (size,)."""
        low, high = self.param_bounds()
        return torch.minimum(torch.maximum(params, low), high)


def require_unknowns(owner: str, unknowns: Any, coordinates: tuple[str, ...]) -> None:
    """Refuse what is no tuple of differently named unknowns.

    Raises
    ------
    TypeError
    """
    if isinstance(unknowns, Unknown):
        raise TypeError(
            f"{owner}: a comma is missing after the one unknown: "
            f"unknowns = ({type(unknowns).__name__}(...),)"
        )
    names = [k.name for k in unknowns]
    for name in names:
        if names.count(name) > 1:
            raise TypeError(f"{owner}: two unknowns are called {name!r}")
        if name in coordinates:
            raise TypeError(f"{owner}: the unknown {name!r} has the name of a coordinate")
