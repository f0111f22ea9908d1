"""Upper-level objectives: what the data say about the represented field."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor

from bilo.points import Points

MAX_MOVE = 0.02
"""Largest change of an unknown (optimiser coordinates) in one damped step."""
DAMPING = 0.03
"""Largest fraction of a Gauss-Newton step taken at once: the lower level has to follow."""


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
        """The objective, differentiable by both tensors; `progress` in [0, 1] may soften it."""

    @abstractmethod
    def step(
        self, u: Tensor, J: Tensor, codes: Tensor, auxiliary: Tensor, progress: float
    ) -> tuple[Tensor, Tensor]:
        """One damped second-order step on the tangent model u + J^T d.

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
        self, u: Tensor, J: Tensor, auxiliary: Tensor, progress: float = 1.0
    ) -> tuple[float, Tensor, Tensor]:
        """Value and its derivatives by the unknowns (m,), through the input, and by `auxiliary`."""
        with torch.enable_grad():
            u, auxiliary = u.detach().requires_grad_(), auxiliary.detach().requires_grad_()
            value = self.value(u, auxiliary, progress)
            du, da = torch.autograd.grad(value, (u, auxiliary), allow_unused=True)
        return value.item(), J @ du, torch.zeros_like(auxiliary) if da is None else da

    def describe(self, auxiliary: Tensor) -> dict[str, float]:
        """The auxiliary parameters by name, for the history."""
        return {}

    def local_sd(self, u: Tensor, J: Tensor, auxiliary: Tensor) -> Tensor | None:
        """Local standard deviations (m,) of the optimiser coordinates; None: not defined."""
        return None

    def correction(self, u: Tensor, J: Tensor, auxiliary: Tensor) -> Tensor | None:
        """How far (m,) from its optimum the numerical solution `u` still is; None: not defined."""
        return None


@dataclass(frozen=True)
class LeastSquares(Objective):
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

    def step(
        self, u: Tensor, J: Tensor, codes: Tensor, auxiliary: Tensor, progress: float
    ) -> tuple[Tensor, Tensor]:
        """Damped Gauss-Newton: theta - min(0.03, 0.02 / |d|_inf) d with J J^T d = J (u - u_d)."""
        d = self.correction(u, J, auxiliary)
        size = float(d.abs().max())
        eta = DAMPING if size == 0 else min(DAMPING, MAX_MOVE / size)
        return codes - eta * d, auxiliary

    def correction(self, u: Tensor, J: Tensor, auxiliary: Tensor) -> Tensor:
        """The whole Gauss-Newton step d: J J^T d = J (u - u_d)."""
        misfit = (u - self.values).unsqueeze(1)
        return torch.linalg.lstsq(J.t(), misfit, driver="gelsd").solution[:, 0]

    def local_sd(self, u: Tensor, J: Tensor, auxiliary: Tensor) -> Tensor | None:
        """sqrt diag(s^2 (J J^T)^-1), s^2 = sum (u - u_d)^2 / (N - m)."""
        n, m = self.informative or J.shape[1], len(J)
        if n <= m:
            return None
        s2 = ((u - self.values) ** 2).sum() / (n - m)
        return (s2 * torch.linalg.pinv(J @ J.t()).diagonal()).clamp(min=0).sqrt()
