"""A synthetic problem with an unknown function and an unknown scalar: heat that decays."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from bilo.inverse.function import Function
from bilo.inverse.least_squares import LeastSquares
from bilo.inverse.point_jets import PointJets
from bilo.inverse.points import grid
from bilo.inverse.problem import Problem
from bilo.inverse.unknown import Scalar, Unknown
from bilo.problems.heat import Heat
from bilo.taylor.jets import Jet


class Decaying(Heat):
    """u_t = 0.01 u_xx - k u, u(x, 0) = f(x): the heat solution times exp(-k t), seen twice."""

    name = "decaying"
    unknowns = (*Heat.unknowns, Scalar("k", start=0.5, bounds=(0.0, 5.0), truth=1.0))

    def residual(self, u: Jet, at: PointJets) -> Jet:
        return at.apply(u) + at["k"] * u

    def solve(self, theta: Mapping[str, Any]) -> Callable[..., np.ndarray]:
        heat = super().solve(theta)
        return lambda t, x: heat(t, x) * np.exp(-theta["k"] * t)

    def observe(self, theta: Mapping[str, Any], noise: float, seed: int) -> LeastSquares:
        times = torch.tensor([0.2, 1.0], dtype=torch.float64)
        points = grid(t=times, x=torch.linspace(0, 1, 51, dtype=torch.float64))
        solution = self.numerical(theta)
        assert solution is not None
        values = solution(points)
        generator = torch.Generator().manual_seed(seed)
        values += noise * torch.randn(len(values), generator=generator, dtype=torch.float64)
        return LeastSquares(points, values)


def small(problem: type[Problem], width: int = 6) -> tuple[Unknown, ...]:
    """A problem's unknowns, the networks of functions narrow."""
    return tuple(
        replace(k, width=width) if isinstance(k, Function) else k for k in problem.unknowns
    )
