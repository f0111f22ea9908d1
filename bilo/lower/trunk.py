"""The trunk of an operator in directions: its slopes, chosen by the equation alone.

It sees the equation and the start of the unknowns, and no data.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from bilo.inverse.directions import Waves
from bilo.inverse.points import Points
from bilo.inverse.problem import Problem
from bilo.lower.response import solve
from bilo.networks.response import ResponseNetwork

BETTER = 0.95
"""Other slopes are taken when they leave less than this part."""
FIRST = 8.0
"""Slope along each feature that the search starts with."""
STEPS = 4
"""Gauss-Newton steps of the field that each trunk gets."""
POINTS = 3
"""Residual points for a row of the last layer."""
LEAST_WIDTH = 32
"""Of the narrower trunk that the slopes are found with."""


def untuned(problem: Problem, width: int, layers: int, seed: int) -> ResponseNetwork:
    """An operator whose trunk has the slopes that the search starts with."""
    return ResponseNetwork(problem, width, layers, [FIRST] * problem.feature_count(), seed)


def tiling(problem: Problem, width: int, layers: int, seed: int) -> ResponseNetwork:
    """An operator whose features, each as steep as it is far from the next, tile the box."""
    slope = width ** (1 / len(problem.coordinates))
    return ResponseNetwork(problem, width, layers, [slope] * problem.feature_count(), seed)


def start_trunk(
    network: ResponseNetwork, params: Tensor, waves: Waves, generator: torch.Generator
) -> None:
    """Slopes by a trunk of half the width."""
    problem, like = network.problem, network.like
    half = max(len(network.b) // 2, LEAST_WIDTH)
    small = untuned(problem, half, 1 + len(network.W), network.seed).to(like.device, like.dtype)
    few = problem.collocation(POINTS * half, generator).to(like)
    network.start(tuned_slopes(small, few, params.to(like), waves))


def tuned_slopes(
    small: ResponseNetwork, points: Points, params: Tensor, waves: Waves
) -> tuple[float, ...]:
    """Slopes of a trunk with the least `Solved.unanswered` part: factors of two, one at a time.

    Parameters
    ----------
    small : ResponseNetwork
        A narrower one than the fit's serves as well.
    points : Points
    params : Tensor (size,)
    waves : Waves
        What it is asked to answer.
    """

    def left(slopes: Sequence[float]) -> float:
        small.start(slopes)
        return solve(small, points, params, STEPS).unanswered(waves)

    slopes = [FIRST] * small.A.shape[1]
    best, moved = left(slopes), True
    while moved:
        moved = False
        for j in range(len(slopes)):
            for factor in (0.5, 2.0):
                while True:
                    other = [*slopes[:j], slopes[j] * factor, *slopes[j + 1 :]]
                    found = left(other)
                    if not found < BETTER * best:
                        break
                    slopes, best, moved = other, found, True
    return tuple(slopes)
