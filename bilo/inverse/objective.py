"""Upper-level objectives: what the data say about the represented field."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bilo.inverse.likelihood import Likelihood
from bilo.inverse.points import Points
from bilo.taylor.jets import Jet
from bilo.taylor.product_rule import padded
from bilo.taylor.streams import VALUE

MAX_MOVE = 0.02
"""Largest change of the unknowns (optimiser coordinates) a lower-level step, at first."""
LAST_REACH = 1e-3
"""Least part of it that is left at the end."""
DAMPING = 0.03
"""Largest fraction of a Gauss-Newton step a lower-level step: the lower level has to follow."""
MU_STEPS = 40
"""Bisections of ln mu."""


Seen = Callable[[Any, Any], Any]


class Objective(ABC):
    """A function of the field at `points`, and perhaps of nuisance parameters of its own.

    All tensors are float64 on the CPU; ``u`` is what is seen at the points (N,), ``J`` its
    derivative by the unknowns (m, N), ``nuisance`` (q,).
    """

    points: Points
    seen: Seen | None = None
    """(u, at) -> what is seen at the points, a jet or a tuple of jets; None: the field itself, or
    all fields of a system, those of one point side by side."""
    start: Tensor = torch.zeros(0, dtype=torch.float64)
    """First guess of the nuisance parameters (q,)."""
    every: int = 1
    """Lower-level steps for one upper-level step."""

    @abstractmethod
    def value(self, u: Tensor, nuisance: Tensor, progress: float = 1.0) -> Tensor:
        """The objective but for `prior`, differentiable by both tensors.

        `progress` in [0, 1] may soften it.
        """

    def prior(self, params: Tensor) -> Tensor:
        """What is added for the unknowns themselves, whatever the field; differentiable."""
        return params.new_zeros(())

    @abstractmethod
    def step(
        self, u: Tensor, J: Tensor, params: Tensor, nuisance: Tensor, progress: float
    ) -> tuple[Tensor, Tensor]:
        """One damped second-order step on the tangent model u + J^T d, `prior` included.

        Parameters
        ----------
        progress : float
            Fraction of the fine-tuning that is done, in [0, 1).

        Returns
        -------
        params, nuisance : Tensor
            The new values.
        """

    def gradient(
        self, u: Tensor, nuisance: Tensor, progress: float = 1.0
    ) -> tuple[float, Tensor, Tensor]:
        """Value and its derivatives by the field (N,) and by `nuisance`."""
        with torch.enable_grad():
            u, nuisance = u.detach().requires_grad_(), nuisance.detach().requires_grad_()
            value = self.value(u, nuisance, progress)
            du, da = torch.autograd.grad(value, (u, nuisance), allow_unused=True)
        return value.item(), du, torch.zeros_like(nuisance) if da is None else da

    def describe(self, nuisance: Tensor) -> dict[str, float]:
        """The nuisance parameters by name, for the history."""
        return {}

    def local_sd(self, u: Tensor, J: Tensor, nuisance: Tensor) -> Tensor | None:
        """Local standard deviations (m,) of the optimiser coordinates; None: not defined."""
        return None

    def likelihood(self, u: Tensor) -> Likelihood | None:
        """What makes it one, at the field u (N,); None: it is none, and there is no posterior."""
        return None

    def chi_squared(self, u: Tensor) -> tuple[float, int] | None:
        """Squares of standardised misfits and their number, without the unknowns' part of it.

        None where the noise is not known.
        """
        return None

    def identity(self) -> Any:
        """What makes the data themselves, for the checkpoints of their fits."""
        return [type(self), vars(self)]


class SeparableObjective(Objective):
    """A sum over points, sum_n l_n(u_n): its second derivative by the field is diagonal.

    The generalised Gauss-Newton model along the tangent u + J^T d is then

        value + g . d + d . H d / 2,      g = J l',      H = J diag(l'') J^T.
    """

    functional: Tensor | None = None
    """C (K, N), where data are linear functionals of what is seen."""

    @abstractmethod
    def derivatives(self, u: Tensor) -> tuple[Tensor, Tensor]:
        """First and second derivative l', l'' >= 0 by the field, (N,) each."""

    def combine(self, rows: Tensor) -> Tensor:
        """Linear functionals of what is seen (.., N), one a datum (.., K); itself, unless any."""
        return rows

    def model(self, u: Tensor, J: Tensor) -> tuple[Tensor, Tensor]:
        """Gradient g (m,) and matrix H (m, m) of the generalised Gauss-Newton model."""
        first, second = self.derivatives(u)
        J = self.combine(J)
        return J @ first, (J * second) @ J.t()

    @abstractmethod
    def resolution(self, value: float) -> float:
        """A change of the objective, at a minimum of this value, too small to mean anything."""

    def step(
        self, u: Tensor, J: Tensor, params: Tensor, nuisance: Tensor, progress: float
    ) -> tuple[Tensor, Tensor]:
        """A part of a Gauss-Newton step of limited length, theta - 0.03 e d, every e steps.

        (H + mu) d = g with the least mu >= 0 for which |d| <= 2/3 (1 - progress): along a flat
        valley a whole step is long and means little, and must not slow the others down (Levenberg
        1944). The limit falls, so that a field still being learnt drives nothing about at the end.
        """
        g, H = self.model(u, J)
        reach = MAX_MOVE / DAMPING * max(1.0 - progress, LAST_REACH)
        d = torch.from_numpy(limited_step(H.numpy(), g.numpy(), reach))
        return params - self.every * DAMPING * d, nuisance


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


UNSEEN = 1e-12
"""Relative eigenvalue of a precision below which the data say nothing of a direction."""


def variances(precision: Tensor) -> Tensor:
    """Diagonal (m,) of the inverse of a precision; infinite where an unseen direction takes part.

    >>> variances(torch.diag(torch.tensor([4.0, 0.0], dtype=torch.float64))).tolist()
    [0.25, inf]
    """
    Q, inverse, unit, lost = _inverted(precision)
    found = (Q**2 @ inverse) / unit**2
    return torch.where(lost, torch.full_like(found, math.inf), found)


def covariance(precision: Tensor) -> Tensor:
    """The inverse (m, m) of a precision, a variance infinite where an unseen direction takes part.

    The covariances with such an unknown are not defined, and NaN.

    >>> covariance(torch.diag(torch.tensor([4.0, 0.0], dtype=torch.float64))).tolist()
    [[0.25, nan], [nan, inf]]
    """
    Q, inverse, unit, lost = _inverted(precision)
    found = (Q * inverse) @ Q.t() / unit.outer(unit)
    found[lost], found[:, lost] = math.nan, math.nan
    found.diagonal()[lost] = math.inf
    return found


def _inverted(precision: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Eigenvectors Q and inverse eigenvalues in units of the diagonal's roots, and what is lost."""
    scale = precision.diagonal().clamp(min=0).sqrt()
    unit = torch.where(scale > 0, scale, torch.ones_like(scale))
    values, Q = torch.linalg.eigh(precision / unit.outer(unit))
    unseen = values <= UNSEEN * max(float(values[-1]), 1e-300)
    inverse = torch.where(unseen, torch.zeros_like(values), 1 / values)
    lost = (Q**2 @ unseen.to(values)) > 1e-6
    return Q, inverse, unit, lost


def interleaved(jets: tuple[Jet, ...]) -> Jet:
    """Values and tangents of several jets at N points, those of one point side by side."""
    if len(jets) == 1:
        return jets[0].d("1")
    rows = max(len(j.data) for j in jets)
    n = max(j.data.shape[-1] for j in jets)
    columns = [padded(j.data[:, :1], rows).expand(-1, -1, n) for j in jets]
    return Jet(torch.stack(columns, -1).flatten(2), VALUE)
