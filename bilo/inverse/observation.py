"""How a problem is observed where its data are generated: points and noise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch

from bilo.inverse.least_squares import LeastSquares
from bilo.inverse.points import Points

if TYPE_CHECKING:
    from bilo.inverse.problem import Problem


class Observation:
    """Equidistant points, ends included, and Gaussian noise: ``Observation(t=1.0, x=51)``.

    Parameters
    ----------
    midpoints : int, optional
        Instead: midpoints of so many cells along every axis, whose mean is an integral.
    exact_ends : bool
        Whether data at an end of an axis have no noise, and say nothing.
    axes : int or float
        Points along a side of the box, or the one value of a coordinate.
    """

    def __init__(
        self, *, midpoints: int | None = None, exact_ends: bool = False, **axes: int | float
    ) -> None:
        self.midpoints, self.exact_ends, self.axes = midpoints, exact_ends, axes

    def points(self, problem: Problem) -> Points:
        """Where the fields are observed, float64."""
        box = problem.domain
        if self.midpoints is not None:
            return problem.place(box.midpoints(self.midpoints, torch.float64).coordinates)
        return problem.place(box.grid(**self.axes).coordinates)

    def data(
        self, problem: Problem, theta: Mapping[str, Any], noise: float, seed: int
    ) -> LeastSquares:
        """The numerical solution at these points with noise of a standard deviation.

        Raises
        ------
        ValueError
            If the problem has no numerical solution.
        """
        solution = problem.require_numerical(theta, "observe")
        points = self.points(problem)
        values = solution(points).clone()
        noisy = self._noisy(problem, points)
        generator = torch.Generator().manual_seed(seed)
        shape = (int(noisy.sum()), *values.shape[1:])
        values[noisy] += noise * torch.randn(shape, generator=generator, dtype=torch.float64)
        informative = int(noisy.sum()) if self.exact_ends else None
        return LeastSquares(points, values, informative=informative)

    def _noisy(self, problem: Problem, points: Points) -> torch.Tensor:
        noisy = torch.ones(len(points), dtype=torch.bool)
        for name, (low, high) in problem.domain.intervals.items():
            if self.exact_ends and isinstance(self.axes[name], int):
                noisy &= (points.coordinates[name] != low) & (points.coordinates[name] != high)
        return noisy
