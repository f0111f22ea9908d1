"""Regularisers of unknown functions: what the upper level adds to the data objective."""

from __future__ import annotations

from collections.abc import Callable, Iterator
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
class RowProducts:
    """Rows b (K,), and products with their derivative by the params X (size, K).

    Attributes
    ----------
    b : Tensor (K,)
    times : callable
        v (size,) -> X^T v (K,).
    transposed : callable
        w (K,) -> X w (size,).
    """

    b: Tensor
    times: Callable[[Tensor], Tensor]
    transposed: Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Regulariser:
    """The mean squared slope of a function, or its total variation, at points of its own.

        R = mean |grad f|^2,     or, with `corner`,     R = mean sqrt(|grad f|^2 + corner^2)

    Parameters
    ----------
    points : Points
        So close to each other that no function of the network is steep between them alone.
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
        at = self._jets(f, params)
        slope = Jet(f.input(params, at) * f.scale, at.streams)
        squares = sum((slope.d(c).value ** 2 for c in f.coordinates), params.new_zeros(()))
        return self.weight * self._mean(squares)

    def rows(self, f: Function, params: Tensor) -> tuple[Tensor, Tensor]:
        """Rows b (K,) with the gradient of R in |b|^2; their derivative by the params (size, K).

        R = |b|^2 but for a total variation: there |b|^2 is the quadratic form with the weights of
        the present slopes, held fixed (Vogel and Oman 1996), and about R / 2.
        """
        at = self._jets(f, params)
        slopes, root = self._weighted(f, params, at)
        by_params = [root * f.rows(params, at, _slope(c)) for c in f.coordinates]
        return (root * slopes).flatten(), torch.cat(by_params, 1)

    def products(self, f: Function, params: Tensor) -> RowProducts:
        """`rows` whose derivative is known by its products."""
        at = self._jets(f, params)
        slopes, root = self._weighted(f, params, at)
        J = [f.factored(params, at, _slope(c)) for c in f.coordinates]

        def transposed(w: Tensor) -> Tensor:
            parts = zip(J, (root * w.view(len(J), -1)).unbind(), strict=True)
            return torch.stack([along.transposed(part) for along, part in parts]).sum(0)

        return RowProducts(
            (root * slopes).flatten(),
            lambda v: torch.cat([root * along.times(v) for along in J]),
            transposed,
        )

    def _weighted(self, f: Function, params: Tensor, at: CoordinateJets) -> tuple[Tensor, Tensor]:
        """Slopes along all coordinates (d, N), and the roots of their weights (N,)."""
        with torch.no_grad():
            slope = Jet(f.input(params, at) * f.scale, at.streams)
        slopes = torch.stack([slope.d(c).value for c in f.coordinates])
        weight = torch.full_like(slopes[0], self.weight)
        if self.corner:
            weight = 0.5 * self.weight / (slopes.pow(2).sum(0) + self.corner**2).sqrt()
        return slopes, (weight / len(weight)).sqrt()

    def _jets(self, f: Function, params: Tensor) -> CoordinateJets:
        return CoordinateJets(self.points.to(params), Streams(f.coordinates))

    def _mean(self, squares: Tensor) -> Tensor:
        return (squares + self.corner**2).sqrt().mean() if self.corner else squares.mean()


def _slope(coordinate: str) -> Callable[[Jet], Tensor]:
    return lambda f: f.d(coordinate).value


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
    terms = [R.value(f, params[own]) for f, R, own in _regularised(problem)]
    if not terms:
        raise ValueError(f"{problem.name} has no regulariser: w_reg must be 0")
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
    rows, derivatives = [], []
    for f, R, own in _regularised(problem):
        b, by_own = R.rows(f, params[own])
        by_all = by_own.new_zeros(len(params), len(b))
        by_all[own] = by_own
        rows.append(b)
        derivatives.append(by_all)
    return torch.cat(rows), torch.cat(derivatives, 1)


def regulariser_products(problem: Problem, params: Tensor) -> RowProducts:
    """`regulariser_rows` whose derivative is known by its products."""
    owned = [(own, R.products(f, params[own])) for f, R, own in _regularised(problem)]
    counts = [len(rows.b) for _, rows in owned]

    def transposed(w: Tensor) -> Tensor:
        total = torch.zeros_like(params)
        for (own, rows), part in zip(owned, w.split(counts), strict=True):
            total[own] = rows.transposed(part)
        return total

    return RowProducts(
        torch.cat([rows.b for _, rows in owned]),
        lambda v: torch.cat([rows.times(v[own]) for own, rows in owned]),
        transposed,
    )


def regulariser_row_count(problem: Problem) -> int:
    """How many rows `regulariser_rows` has."""
    return sum(len(R.points) * len(f.coordinates) for f, R, _ in _regularised(problem))


def _regularised(problem: Problem) -> Iterator[tuple[Function, Regulariser, slice]]:
    """Functions with a regulariser, it, and where their params are among all."""
    start = 0
    for k in problem.unknowns:
        own = slice(start, start + k.size)
        start += k.size
        if isinstance(k, Function) and k.regulariser:
            yield k, k.regulariser, own
