"""Regularisers of unknown functions: what the upper level adds to the data objective."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from bilo.inverse.box import Box
from bilo.inverse.coordinate_jets import CoordinateJets
from bilo.inverse.function import Function
from bilo.inverse.points import Points
from bilo.taylor.jets import Jet
from bilo.taylor.streams import Streams

if TYPE_CHECKING:
    from bilo.inverse.problem import Problem


@dataclass(frozen=True)
class Regulariser:
    """The mean squared slope of a function, or its total variation, at points of its own.

        R = mean |grad f|^2,     or, with `corner`,     R = mean sqrt(|grad f|^2 + corner^2)

    Parameters
    ----------
    points : Points
    corner : float
        0: squared slope. Else the slope below which total variation is rounded.
    weight : float
        Of this function's beside those of others.
    """

    points: Points
    corner: float = 0.0
    weight: float = 1.0

    def value(self, f: Function, params: Tensor) -> Tensor:
        """R, differentiable by the params of the function."""
        at = self._chart(f, params)
        slope = Jet(f.input(params, at) * f.scale, at.streams)
        squares = sum((slope.d(c).value ** 2 for c in f.coordinates), params.new_zeros(()))
        return self.weight * self._mean(squares)

    def rows(self, f: Function, params: Tensor) -> tuple[Tensor, Tensor]:
        """Rows b (K,) with the gradient of R in |b|^2; their derivative by the params (size, K).

        R = |b|^2 but for a total variation: there |b|^2 is the quadratic form with the weights of
        the present slopes, held fixed (Vogel and Oman 1996), and about R / 2.
        """
        at = self._chart(f, params)
        with torch.no_grad():
            slope = Jet(f.input(params, at) * f.scale, at.streams)
        slopes = [slope.d(c).value for c in f.coordinates]
        weight = torch.full_like(slopes[0], self.weight)
        if self.corner:
            squares = torch.stack(slopes).pow(2).sum(0)
            weight = 0.5 * self.weight / (squares + self.corner**2).sqrt()
        root = (weight / len(weight)).sqrt()
        b = torch.cat([root * s for s in slopes])
        by_params = [
            root * f.rows(params, at, lambda u, c=c: u.d(c).value)  # type: ignore[misc]
            for c in f.coordinates
        ]
        return b, torch.cat(by_params, 1)

    def _chart(self, f: Function, params: Tensor) -> CoordinateJets:
        return CoordinateJets(self.points.to(params), Streams(f.coordinates))

    def _mean(self, squares: Tensor) -> Tensor:
        return (squares + self.corner**2).sqrt().mean() if self.corner else squares.mean()


def slope(n: int, coordinates: tuple[str, ...] = ("x",), weight: float = 1.0) -> Regulariser:
    """Mean squared slope at n equidistant points along each coordinate of (0, 1)."""
    return Regulariser(Box.unit(coordinates).grid(n), weight=weight)


def total_variation(n: int, coordinates: tuple[str, ...], corner: float) -> Regulariser:
    """Total variation at n equidistant points along each coordinate, rounded below `corner`."""
    return Regulariser(Box.unit(coordinates).grid(n), corner=corner)


def regularisation(problem: Problem, params: Tensor) -> Tensor:
    """The regularisers of a problem's functions, differentiable by the params (size,).

    Raises
    ------
    ValueError
        If no function has one.
    """
    if not any(f.regulariser for f in problem.functions):
        raise ValueError(f"{problem.name} has no regulariser: w_reg must be 0")
    parts = zip(problem.unknowns, problem.split(params), strict=True)
    terms = [
        k.regulariser.value(k, v) for k, v in parts if isinstance(k, Function) and k.regulariser
    ]
    return torch.stack(terms).sum()


def regulariser_model(
    problem: Problem, params: Tensor, directions: Tensor
) -> tuple[Tensor, Tensor]:
    """Gradient (K,) and matrix (K, K) of the regularisers along directions (size, K) of params."""
    b, by_params = regulariser_rows(problem, params)
    X = directions.t() @ by_params
    return 2 * X @ b, 2 * X @ X.t()


def regulariser_rows(problem: Problem, params: Tensor) -> tuple[Tensor, Tensor]:
    """`Regulariser.rows` of all functions, (K,) and by all params (size, K)."""
    rows, derivatives, start = [], [], 0
    for k in problem.unknowns:
        own = slice(start, start + k.size)
        start += k.size
        if not isinstance(k, Function) or k.regulariser is None:
            continue
        b, by_own = k.regulariser.rows(k, params[own])
        by_all = by_own.new_zeros(len(params), len(b))
        by_all[own] = by_own
        rows.append(b)
        derivatives.append(by_all)
    return torch.cat(rows), torch.cat(derivatives, 1)
