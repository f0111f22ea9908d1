"""Particles as a Poisson process: their likelihood, and how they are drawn."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from bilo.inverse.likelihood import Likelihood
from bilo.inverse.objective import SeparableObjective, variances
from bilo.inverse.points import Points

if TYPE_CHECKING:
    from bilo.inverse.problem import Problem

MOMENTS = 10
"""Functions by which the particles are compared with the intensity."""
NODES = 20
"""Gauss-Legendre nodes between two kinks of the intensity: its integral is exact to rounding."""


@dataclass(frozen=True)
class PoissonProcess(SeparableObjective):
    """Negative log-likelihood of particles that are a Poisson process of intensity u.

        L = M int u dx - sum_i log u(X_i),        M snapshots

    Parameters
    ----------
    points : Points
        Nodes of a quadrature, then the particles of all snapshots.
    weights : Tensor (Q,)
        Of the quadrature.
    snapshots : int
    """

    points: Points
    weights: Tensor
    snapshots: int

    every = 4

    def value(self, u: Tensor, nuisance: Tensor, progress: float = 1.0) -> Tensor:
        """The negative log-likelihood, without its constant."""
        nodes = len(self.weights)
        return self.snapshots * (self.weights * u[:nodes]).sum() - u[nodes:].log().sum()

    def derivatives(self, u: Tensor) -> tuple[Tensor, Tensor]:
        """M w and 0 at the nodes, -1 / u and 1 / u^2 at the particles."""
        nodes, zero = len(self.weights), torch.zeros_like(self.weights)
        inverse = 1 / u[nodes:]
        return torch.cat([self.snapshots * self.weights, -inverse]), torch.cat([zero, inverse**2])

    def resolution(self, value: float) -> float:
        """What a fifth of a standard deviation costs, 0.2^2 / 2."""
        return 0.02

    def likelihood(self, u: Tensor) -> Likelihood:
        """Itself."""
        return Likelihood(1.0, 1.0)

    def chi_squared(self, u: Tensor) -> tuple[float, int]:
        """Of sums of smooth functions over the particles, whose noise a Poisson process knows.

            r_k = sum_i f_k(X_i) - M int f_k u,    cov(r_k, r_l) = M int f_k f_l u,

        f_k the cosines of the first coordinate (Neyman's smooth test).
        """
        x = next(iter(self.points.coordinates.values())).double()
        f = torch.stack([(k * math.pi * x).cos() for k in range(MOMENTS)])
        nodes, expected = len(self.weights), self.snapshots * self.weights * u[: len(self.weights)]
        r = f[:, nodes:].sum(1) - f[:, :nodes] @ expected
        covariance = (f[:, :nodes] * expected) @ f[:, :nodes].t()
        return float(r @ torch.linalg.solve(covariance, r)), MOMENTS

    def local_sd(self, u: Tensor, J: Tensor, nuisance: Tensor) -> Tensor:
        """sqrt diag(H^-1), H the observed information."""
        return variances(self.model(u, J)[1]).sqrt()


@dataclass(frozen=True)
class Snapshots:
    """Particles as data: all of M snapshots, a Poisson number of density u / int u in each.

    Parameters
    ----------
    count : int
        M.
    kinks : sequence of float
        Ends of the domain and kinks of u between them, in order; u is largest at one of these.
    """

    count: int
    kinks: Sequence[float]

    def points(self, problem: Problem) -> Points:
        """Nodes of the quadrature."""
        return _placed(problem, quadrature(self.kinks)[0])

    def data(
        self, problem: Problem, theta: Mapping[str, Any], noise: float, seed: int
    ) -> PoissonProcess:
        """Particles drawn from the numerical solution.

        Raises
        ------
        ValueError
            If noise is asked for, or the problem has no numerical solution.
        """
        if noise:
            raise ValueError(f"{problem.name}: a Poisson process has its own noise; ask for none")
        solution = problem.require_numerical(theta, "observe")

        def intensity(x: Tensor) -> Tensor:
            return solution(_placed(problem, x))

        nodes, weights = quadrature(self.kinks)
        total = self.count * float((weights * intensity(nodes)).sum())
        draw = np.random.default_rng(seed)
        greatest = float(intensity(torch.tensor(self.kinks[1:-1], dtype=torch.float64)).max())
        found = _thinned(draw, draw.poisson(total), intensity, greatest)
        return PoissonProcess(_placed(problem, torch.cat([nodes, found])), weights, self.count)


def _placed(problem: Problem, x: Tensor) -> Points:
    (name,) = problem.coordinates
    return problem.place({name: x})


def quadrature(kinks: Sequence[float]) -> tuple[Tensor, Tensor]:
    """Nodes and weights of Gauss-Legendre rules between neighbouring kinks."""
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    half = (nodes + 1) / 2
    sides = list(itertools.pairwise(kinks))
    x = np.concatenate([low + half * (high - low) for low, high in sides])
    w = np.concatenate([weights * (high - low) for low, high in sides]) / 2
    return torch.from_numpy(x), torch.from_numpy(w)


def _thinned(
    draw: np.random.Generator, n: int, u: Callable[[Tensor], Tensor], greatest: float
) -> Tensor:
    """n positions of (0, 1) with density ~ u <= greatest, by rejection."""
    kept = torch.zeros(0, dtype=torch.float64)
    while len(kept) < n:
        x = torch.from_numpy(draw.random(2 * n + 16))
        kept = torch.cat([kept, x[torch.from_numpy(draw.random(len(x))) * greatest < u(x)]])
    return kept[:n]
