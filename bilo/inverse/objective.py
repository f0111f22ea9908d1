"""Upper-level objectives: what the data say about the represented field."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bilo.inverse.points import Points

MAX_MOVE = 0.02
"""Largest change of the unknowns (optimiser coordinates) a lower-level step, at first."""
LAST_REACH = 1e-3
"""Least part of it that is left at the end."""
DAMPING = 0.03
"""Largest fraction of a Gauss-Newton step a lower-level step: the lower level has to follow."""
MU_STEPS = 40
"""Bisections of ln mu."""


class Objective(ABC):
    """A function of the field at `points`, and perhaps of auxiliary parameters of its own.

    All tensors are float64 on the CPU; ``u`` is the field (N,), ``J`` its derivative by the
    unknowns (m, N), ``auxiliary`` (q,).
    """

    points: Points
    start: Tensor = torch.zeros(0, dtype=torch.float64)
    """First guess of the auxiliary parameters (q,)."""
    every: int = 1
    """Lower-level steps for one upper-level step."""

    @abstractmethod
    def value(self, u: Tensor, auxiliary: Tensor, progress: float = 1.0) -> Tensor:
        """The objective but for `prior`, differentiable by both tensors.

        `progress` in [0, 1] may soften it.
        """

    def prior(self, codes: Tensor) -> Tensor:
        """What is added for the unknowns themselves, whatever the field; differentiable."""
        return codes.new_zeros(())

    @abstractmethod
    def step(
        self, u: Tensor, J: Tensor, codes: Tensor, auxiliary: Tensor, progress: float
    ) -> tuple[Tensor, Tensor]:
        """One damped second-order step on the tangent model u + J^T d, `prior` included.

        Parameters
        ----------
        progress : float
            Fraction of the fine-tuning that is done, in [0, 1).

        Returns
        -------
        codes, auxiliary : Tensor
            The new values.
        """

    def gradient(
        self, u: Tensor, auxiliary: Tensor, progress: float = 1.0
    ) -> tuple[float, Tensor, Tensor]:
        """Value and its derivatives by the field (N,) and by `auxiliary`."""
        with torch.enable_grad():
            u, auxiliary = u.detach().requires_grad_(), auxiliary.detach().requires_grad_()
            value = self.value(u, auxiliary, progress)
            du, da = torch.autograd.grad(value, (u, auxiliary), allow_unused=True)
        return value.item(), du, torch.zeros_like(auxiliary) if da is None else da

    def describe(self, auxiliary: Tensor) -> dict[str, float]:
        """The auxiliary parameters by name, for the history."""
        return {}

    def local_sd(self, u: Tensor, J: Tensor, auxiliary: Tensor) -> Tensor | None:
        """Local standard deviations (m,) of the optimiser coordinates; None: not defined."""
        return None

    def identity(self) -> Any:
        """What makes the data themselves, for the checkpoints of their fits."""
        return [type(self), vars(self)]


class Pointwise(Objective):
    """A sum over points, sum_n l_n(u_n): its second derivative by the field is diagonal.

    The generalised Gauss-Newton model along the tangent u + J^T d is then

        value + g . d + d . H d / 2,      g = J l',      H = J diag(l'') J^T.
    """

    @abstractmethod
    def derivatives(self, u: Tensor) -> tuple[Tensor, Tensor]:
        """First and second derivative l', l'' >= 0 by the field, (N,) each."""

    def model(self, u: Tensor, J: Tensor) -> tuple[Tensor, Tensor]:
        """Gradient g (m,) and matrix H (m, m) of the generalised Gauss-Newton model."""
        first, second = self.derivatives(u)
        return J @ first, (J * second) @ J.t()

    @abstractmethod
    def resolution(self, value: float) -> float:
        """A change of the objective, at a minimum of this value, too small to mean anything."""

    def step(
        self, u: Tensor, J: Tensor, codes: Tensor, auxiliary: Tensor, progress: float
    ) -> tuple[Tensor, Tensor]:
        """A part of a Gauss-Newton step of limited length, theta - 0.03 e d, every e steps.

        (H + mu) d = g with the least mu >= 0 for which |d| <= 2/3 (1 - progress): along a flat
        valley a whole step is long and means little, and must not slow the others down (Levenberg
        1944). The limit falls, so that a field still being learnt drives nothing about at the end.
        """
        g, H = self.model(u, J)
        reach = MAX_MOVE / DAMPING * max(1.0 - progress, LAST_REACH)
        d = torch.from_numpy(limited_step(H.numpy(), g.numpy(), reach))
        return codes - self.every * DAMPING * d, auxiliary


def limited_step(
    H: NDArray[np.float64], g: NDArray[np.float64], reach: float
) -> NDArray[np.float64]:
    """The solution d of (H + mu) d = g with the least mu >= 0 for which |d| <= reach.

    >>> limited_step(np.diag([1.0, 1e-6]), np.array([0.1, 1e-3]), 0.5).round(2)
    array([0.1 , 0.49])
    """
    values, Q = np.linalg.eigh(H)
    along = Q.T @ g
    low, high = 1e-14 * max(values[-1], 1e-300), max(float(np.linalg.norm(g)) / reach, 1e-300)

    def step(mu: float) -> NDArray[np.float64]:
        d: NDArray[np.float64] = along / (np.maximum(values, 0.0) + mu)
        return d

    d = step(low)
    for _ in range(MU_STEPS if np.linalg.norm(d) > reach else 0):
        mu = math.sqrt(low * high)
        d = step(mu)
        low, high = (mu, high) if np.linalg.norm(d) > reach else (low, mu)
    return Q @ d


@dataclass(frozen=True)
class LeastSquares(Pointwise):
    """L_dat = mean (u - u_d)^2.

    Parameters
    ----------
    points : Points
        N data points.
    values : Tensor (N,)
        The data u_d.
    informative : int, optional
        Number of data that say anything (without those on a boundary); N by default.
    """

    points: Points
    values: Tensor
    informative: int | None = None

    def value(self, u: Tensor, auxiliary: Tensor, progress: float = 1.0) -> Tensor:
        """Mean squared misfit."""
        return ((u - self.values) ** 2).mean()

    def derivatives(self, u: Tensor) -> tuple[Tensor, Tensor]:
        """2 (u - u_d) / N and 2 / N."""
        n = len(self.values)
        return 2 * (u - self.values) / n, torch.full_like(u, 2 / n)

    def resolution(self, value: float) -> float:
        """A hundredth of the noise's variance."""
        return 0.01 * value

    def local_sd(self, u: Tensor, J: Tensor, auxiliary: Tensor) -> Tensor | None:
        """sqrt diag(s^2 (J J^T)^-1), s^2 = sum (u - u_d)^2 / (N - m)."""
        n, m = self.informative or J.shape[1], len(J)
        if n <= m:
            return None
        s2 = ((u - self.values) ** 2).sum() / (n - m)
        return (s2 * torch.linalg.pinv(J @ J.t()).diagonal()).clamp(min=0).sqrt()


@dataclass(frozen=True)
class PoissonProcess(Pointwise):
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

    def value(self, u: Tensor, auxiliary: Tensor, progress: float = 1.0) -> Tensor:
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

    def local_sd(self, u: Tensor, J: Tensor, auxiliary: Tensor) -> Tensor:
        """sqrt diag(H^-1), H the observed information."""
        return torch.linalg.pinv(self.model(u, J)[1]).diagonal().clamp(min=0).sqrt()
