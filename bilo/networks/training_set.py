"""What a neural operator learns from: unknowns, and the numerical solutions there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from bilo.inverse.parametrisation import Values
from bilo.inverse.points import EXACT, Points
from bilo.inverse.problem import Problem

GRIDS = {"coarse": 12, "dense": 45}
"""Values of each unknown scalar, where there are only scalars."""
FUNCTIONS = 1000
"""Functions, where there is one."""


@dataclass(frozen=True)
class TrainingSet:
    """B sets of unknowns and their solutions at N points.

    Attributes
    ----------
    sensor_values : Tensor (B, K)
        What an operator sees of the unknowns, `Problem.read`.
    inputs : Tensor (B, m, N or 1)
        The unknowns at the points, as a transform asks for them.
    solutions : Tensor (B, N)
    """

    sensor_values: Tensor
    inputs: Tensor
    solutions: Tensor

    def __len__(self) -> int:
        return len(self.sensor_values)

    def to(self, like: Tensor) -> TrainingSet:
        """The same numbers with the type and device of `like`."""
        return TrainingSet(*(v.to(like) for v in (self.sensor_values, self.inputs, self.solutions)))

    def part(self, rows: Tensor, columns: Tensor) -> TrainingSet:
        """Some sets of unknowns, at some points."""
        inputs = self.inputs[rows]
        if inputs.shape[-1] > 1:
            inputs = inputs[..., columns]
        return TrainingSet(self.sensor_values[rows], inputs, self.solutions[rows[:, None], columns])


def training_set(problem: Problem, samples: str, points: Points, seed: int) -> TrainingSet:
    """Solve a problem at the unknowns that `samples` names.

    Raises
    ------
    ValueError
        If the problem knows no such samples, or has no numerical solution.
    """
    thetas, points = sampled(problem, samples, seed), points.to(EXACT)
    inputs = []
    for theta in thetas:
        rows = [k.read(theta[k.name], points) for k in problem.unknowns]
        inputs.append(torch.stack(torch.broadcast_tensors(*rows)))
    sensor_values = torch.stack([problem.read(theta) for theta in thetas])
    return TrainingSet(sensor_values, torch.stack(inputs), problem.solutions(thetas, points))


def sampled(problem: Problem, samples: str, seed: int) -> Sequence[Values]:
    """Unknowns to train at: a grid of scalars; random functions, with random scalars beside them.

    Raises
    ------
    ValueError
        If the problem knows no such samples.
    """
    if not problem.functions:
        _check(problem, samples, GRIDS)
        return [problem.from_params(c) for c in sample_grid(problem, GRIDS[samples])]
    columns: dict[str, Sequence[object]] = {}
    for j, f in enumerate(problem.functions):
        _check(problem, samples, {} if f.sampled is None else f.sampled.choices)
        assert f.sampled is not None
        columns[f.name] = f.sampled.draw(samples, FUNCTIONS, (seed, j))
    generator = torch.Generator().manual_seed(seed)
    for k in problem.scalars:
        low, high = k.sampled_params
        params = low + (high - low) * torch.rand(
            FUNCTIONS, generator=generator, dtype=torch.float64
        )
        columns[k.name] = [k.from_params(c) for c in params]
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def sample_grid(problem: Problem, n: int) -> Tensor:
    """All combinations of n values of each unknown, equally spaced, as optimiser coordinates."""
    axes = [torch.linspace(*k.sampled_params, n, dtype=torch.float64) for k in problem.scalars]
    return torch.cartesian_prod(*axes).reshape(-1, len(axes))


def _check(problem: Problem, samples: str, known: Mapping[str, object]) -> None:
    if not known:
        raise ValueError(f"{problem.name} declares no functions to train an operator on")
    if samples not in known:
        raise ValueError(f"{problem.name} has no samples {samples!r}; there are {', '.join(known)}")
