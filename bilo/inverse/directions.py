"""Directions in which the unknowns change:  f + sum_k c_k phi_k  at c = 0.

Two kinds. `Waves` are drawn to ask whether an operator answers to what a function can do: they need
no function network. `leading_directions` are what the function's own network can follow, the
leading right singular vectors b_k of its Jacobian:  phi_k = (df/dV) b_k,  V <- V + sum_k c_k b_k.
"""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass, replace
from typing import Self

import torch
from torch import Tensor

from bilo.inverse.coordinate_jets import CoordinateJets
from bilo.inverse.function import Function
from bilo.inverse.point_jets import PointJets
from bilo.inverse.problem import Problem
from bilo.inverse.unknown import Unknown
from bilo.taylor.jets import Jet
from bilo.taylor.streams import VALUE

GRIDS = (101, 41, 13, 7)
"""Points along the one coordinate, or along each of several, at which a Jacobian is seen."""
FOLLOW = 3
"""Corrections of the function network's weights."""
STEEPEST = 10.0
"""Largest slope of the features that a function's network starts with, in its unit box."""


class Waves:
    """Random waves in the output N of each function's network, before its transform.

        phi = (d transform / d N) cos(omega . x + p),     |omega| ~ U(0, pi modes)

    All scales have their share, the finest too. Scalars change by a normal number.

    Parameters
    ----------
    count : int
        Directions K, each of all unknowns together.
    modes : float
        Most half waves on the unit interval.
    seed : int
    """

    def __init__(self, problem: Problem, count: int, modes: float, seed: int) -> None:
        generator = torch.Generator().manual_seed(seed)

        def normal(*shape: int) -> Tensor:
            return torch.randn(*shape, generator=generator, dtype=torch.float64)

        def uniform(*shape: int) -> Tensor:
            return torch.rand(*shape, generator=generator, dtype=torch.float64)

        self.problem = problem
        self._draws: list[tuple[Tensor, Tensor, Tensor]] = []
        for k in problem.unknowns:
            d = len(k.coordinates) if isinstance(k, Function) else 1
            way, size = normal(count, d), math.pi * modes * uniform(count, 1)
            phase = 2 * math.pi * uniform(count)
            self._draws.append((size * way / way.norm(dim=1, keepdim=True), phase, way[:, 0]))

    def changes(self, params: Tensor, at: PointJets) -> list[Tensor]:
        """Jets (K, P, N or 1) of the changes of each unknown's input."""
        parts = zip(self.problem.unknowns, self.problem.split(params), self._draws, strict=True)
        return [self._change(k, part, draw, at) for k, part, draw in parts]

    @torch.no_grad()
    def _change(
        self, k: Unknown, params: Tensor, draw: tuple[Tensor, Tensor, Tensor], at: PointJets
    ) -> Tensor:
        omega, phase, normal = (v.to(params) for v in draw)
        if not isinstance(k, Function):
            constant = params.new_zeros(len(normal), at.streams.size, 1)
            constant[:, 0, 0] = normal
            return constant
        parts = k.domain.relative({c: at[c] for c in k.coordinates})
        rows = []
        for w, p in zip(omega.tolist(), phase.tolist(), strict=True):
            wave = parts[k.coordinates[0]] * w[0] + p
            for c, v in zip(k.coordinates[1:], w[1:], strict=True):
                wave = wave + parts[c] * v
            rows.append(wave.cos().data[0])
        N = k.network(params, at).out[..., 0]
        moving = Jet(torch.cat([N, torch.stack(rows)]), at.streams)
        return (k.transform(moving, at) * (1 / k.scale)).data[1:]


@dataclass(frozen=True)
class Directions:
    """What the unknowns can follow at one place.

    Attributes
    ----------
    problem : Problem
    params : Tensor (size,)
    blocks : tuple of Tensor (own size, own K)
        Orthonormal columns b_k of each unknown; a scalar is a direction of its own.
    moves : tuple of Tensor (n, own K) or None
        phi_k of each function on the grid of `jacobian`; None for a scalar.
    """

    problem: Problem
    params: Tensor
    blocks: tuple[Tensor, ...]
    moves: tuple[Tensor | None, ...]

    @classmethod
    def leading(cls, problem: Problem, params: Tensor, cut: float) -> Self:
        """Of each function those with sigma_k > cut sigma_1."""
        blocks: list[Tensor] = []
        moves: list[Tensor | None] = []
        for k, part in zip(problem.unknowns, problem.split(params), strict=True):
            if not isinstance(k, Function):
                blocks.append(torch.eye(k.size).to(params))
                moves.append(None)
                continue
            J = jacobian(k, part)
            values, vectors = torch.linalg.eigh(J @ J.t())
            kept = values > cut**2 * values[-1]
            blocks.append(J.t() @ vectors[:, kept] / values[kept].sqrt())
            moves.append(J @ blocks[-1])
        return cls(problem, params, tuple(blocks), tuple(moves))

    @property
    def B(self) -> Tensor:
        """All columns (size, K)."""
        return torch.block_diag(*self.blocks)

    def followed(self, c: Tensor) -> Tensor:
        """The params after f <- f + sum_k c_k phi_k.

        V + B c does that to first order; what is missing on a grid is made up for along the same
        directions, by least squares. No equation is solved for it.
        """
        own = c.split([block.shape[1] for block in self.blocks])
        parts = zip(
            self.problem.unknowns, self.problem.split(self.params), self.blocks, self.moves, own,
            strict=True,
        )  # fmt: skip
        return torch.cat(
            [
                _followed(k, V, B, X, c) if isinstance(k, Function) and X is not None else V + B @ c
                for k, V, B, X, c in parts
            ]
        )


def jacobian(f: Function, params: Tensor) -> Tensor:
    """df/dV over the scale on an equidistant grid, (n, size), over sqrt n."""
    points = f.domain.grid(GRIDS[len(f.coordinates) - 1])
    return (
        f.input_by_params(params, CoordinateJets(points.to(params), VALUE)).t() / len(points) ** 0.5
    )


def _followed(f: Function, params: Tensor, B: Tensor, X: Tensor, c: Tensor) -> Tensor:
    """The params whose function has moved by X c on the grid."""
    points = f.domain.grid(GRIDS[len(f.coordinates) - 1])

    def value(v: Tensor) -> Tensor:
        return f.at(points, v) / f.scale / len(points) ** 0.5

    new = params + B @ c
    target, H = value(params) + X @ c, X.t() @ X
    H.diagonal().add_(1e-6 * H.diagonal().max())
    for _ in range(FOLLOW):
        left = target - value(new)
        better = new + B @ torch.linalg.solve(H, X.t() @ left)
        if (target - value(better)).norm() >= left.norm():
            break
        new = better
    return new


def started_as_basis(problem: Problem) -> Problem:
    """The same problem with function networks that start with features of all slopes.

    The usual start has features that are nearly linear on the box. Its Jacobian then has three to
    six directions above a thousandth of the largest, and no step gets far.
    """
    other = copy.copy(problem)
    other.unknowns = tuple(
        replace(k, slope=STEEPEST) if isinstance(k, Function) and not k.fourier else k
        for k in problem.unknowns
    )
    return other
