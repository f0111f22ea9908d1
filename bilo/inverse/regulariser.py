"""Regularisers of unknown functions: what the upper level adds to the data objective."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from bilo.inverse.chart import Chart
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
    """

    points: Points
    corner: float = 0.0

    def value(self, f: Function, codes: Tensor) -> Tensor:
        """R, differentiable by the codes of the function."""
        at = self._chart(f, codes)
        slope = Jet(f.input(codes, at) * f.scale, at.streams)
        return self._mean(sum((slope.d(c).value ** 2 for c in f.coordinates), codes.new_zeros(())))

    def rows(self, f: Function, codes: Tensor) -> tuple[Tensor, Tensor]:
        """Rows b (K,) with the gradient of R in |b|^2, and their derivative by the codes (size, K).

        R = |b|^2 but for a total variation: there |b|^2 is the quadratic form with the weights of
        the present slopes, held fixed (Vogel and Oman 1996), and about R / 2.
        """
        at = self._chart(f, codes)
        with torch.no_grad():
            slope = Jet(f.input(codes, at) * f.scale, at.streams)
        slopes = [slope.d(c).value for c in f.coordinates]
        weight = torch.ones_like(slopes[0])
        if self.corner:
            squares = torch.stack(slopes).pow(2).sum(0)
            weight = 0.5 / (squares + self.corner**2).sqrt()
        root = (weight / len(weight)).sqrt()
        b = torch.cat([root * s for s in slopes])
        by_codes = [
            root * f.rows(codes, at, lambda u, c=c: u.d(c).value)  # type: ignore[misc]
            for c in f.coordinates
        ]
        return b, torch.cat(by_codes, 1)

    def _chart(self, f: Function, codes: Tensor) -> Chart:
        return Chart(self.points.to(codes), Streams(f.coordinates))

    def _mean(self, squares: Tensor) -> Tensor:
        return (squares + self.corner**2).sqrt().mean() if self.corner else squares.mean()


def regularisation(problem: Problem, codes: Tensor) -> Tensor:
    """The problem's regulariser of its function, differentiable by the codes (size,).

    Raises
    ------
    ValueError
        If the problem has none.
    """
    if problem.regulariser is None:
        raise ValueError(f"{problem.name} has no regulariser: w_reg must be 0")
    parts = zip(problem.unknowns, problem.split(codes), strict=True)
    (value,) = (problem.regulariser.value(k, v) for k, v in parts if isinstance(k, Function))
    return value
