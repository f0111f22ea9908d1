"""The posterior of the unknowns, to first order around the end of a fit.

    -log p(a) = a . P a / 2,      P = (factor / s^2) (J diag(l'') J^T + 2 w_reg b' b'^T)

over coordinates a: those of scalars, and of a function its leading modes, the right singular
vectors of its network's Jacobian at its sensors (`Unknown.sensors`). What the network cannot follow
has no coordinate, so that P is small however many weights there are.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import torch
from scipy.stats import norm, t
from torch import Tensor

from bilo.inverse.chain_rule import by_params
from bilo.inverse.function import Function
from bilo.inverse.likelihood import Likelihood
from bilo.inverse.objective import Objective, SeparableObjective, covariance
from bilo.inverse.points import Points
from bilo.inverse.problem import Problem

FOLLOWED = 1e-10
"""Relative singular value of a mode that a function's network follows; it keeps six digits."""
PART = 500
"""Points whose rows by all weights are held at a time."""
LOST = 1e-9
"""Part of an unseen coordinate in a number that makes it unseen too."""


@dataclass(frozen=True)
class Linearised:
    """What the data say of the unknowns at the end of a fit, to first order.

    Attributes
    ----------
    points : Points
        Of the data.
    u : Tensor (N,)
        The field there.
    J : Tensor (m, N)
        Its derivative by the operator's inputs; or (size, N), by all params.
    curvature : Tensor (K,)
        l'', the second derivative of the objective by the data's functionals of u.
    likelihood : Likelihood
    functional : Tensor (K, N) or None
        These functionals.
    w_reg : float
        Weight of the regulariser.
    """

    points: Points
    u: Tensor
    J: Tensor
    curvature: Tensor
    likelihood: Likelihood
    functional: Tensor | None = None
    w_reg: float = 0.0

    @classmethod
    def of(cls, data: Objective, u: Tensor, J: Tensor | None, w_reg: float = 0.0) -> Self | None:
        """None where J is not known, or the objective is no likelihood."""
        likelihood = data.likelihood(u)
        if J is None or likelihood is None or not isinstance(data, SeparableObjective):
            return None
        _, curvature = data.derivatives(u)
        return cls(data.points, u, J, curvature, likelihood, data.functional, w_reg)

    def combined(self, rows: Tensor) -> Tensor:
        """The data's functionals (.., K) of what is seen (.., N)."""
        return rows if self.functional is None else rows @ self.functional.t()


class Posterior:
    """A normal distribution of the unknowns, of Student's t where the noise was estimated.

    Parameters
    ----------
    problem : Problem
    params : Tensor (size,)
        Its centre.
    linear : Linearised

    Attributes
    ----------
    covariance : Tensor (r, r)
        Of the coordinates; infinite variances where the data do not see them.
    freedom : float
        Degrees of freedom.

    Raises
    ------
    ValueError
        If there are no more data than unknowns to estimate the noise from.
    """

    def __init__(self, problem: Problem, params: Tensor, linear: Linearised) -> None:
        self.problem, self.params = problem, params
        self._modes = [
            _modes(k, part) if isinstance(k, Function) else None
            for k, part in zip(problem.unknowns, problem.split(params), strict=True)
        ]
        X = linear.combined(self._of_data(linear))
        H = (X * linear.curvature) @ X.t()
        precision = H + 2 * linear.w_reg * self._of_regularisers() if linear.w_reg else H
        parameters = len(H)
        if problem.functions:
            parameters = round(float((torch.linalg.pinv(precision, hermitian=True) * H).sum()))
        scale = linear.likelihood.scale(parameters)
        if scale is None:
            raise ValueError(
                "there are no more data than unknowns and no sigma: their noise is not known"
            )
        self.freedom = linear.likelihood.freedom(parameters)
        self.covariance = covariance(scale * precision)

    def quantile(self, level: float) -> float:
        """Half the width of a central interval, in standard deviations.

        Raises
        ------
        ValueError
            If the level is not in (0, 1).
        """
        if not 0 < level < 1:
            raise ValueError(f"level: {level!r} is not between 0 and 1, such as 0.9")
        tail = (1 + level) / 2
        return float(norm.ppf(tail) if math.isinf(self.freedom) else t.ppf(tail, self.freedom))

    def along(self, rows: Tensor) -> Tensor:
        """Derivatives by the coordinates (r, p) from those by all params (size, p)."""
        parts = rows.split([k.size for k in self.problem.unknowns])
        pairs = zip(parts, self._modes, strict=True)
        return torch.cat([part if B is None else B.t() @ part for part, B in pairs])

    def sd(self, rows: Tensor) -> Tensor:
        """Standard deviations (p,) of numbers with derivatives (size, p) by all params."""
        F = self.along(rows)
        lost = self.covariance.diagonal().isinf()
        variance = (F * (self._seen @ F)).sum(0).clamp(min=0)
        touched = F[lost].abs().sum(0) > LOST * F.abs().sum(0)
        return torch.where(touched, torch.full_like(variance, math.inf), variance.sqrt())

    def draw(self, n: int, seed: int) -> Tensor:
        """Changes of all params (n, size), random.

        Raises
        ------
        ValueError
            If an unknown is not seen, and could be anything.
        """
        lost = self.covariance.diagonal().isinf()
        if lost.any():
            names = ", ".join(self._names(lost))
            raise ValueError(f"the data do not see {names}: there is nothing to draw from")
        random = np.random.default_rng(seed)
        values, Q = torch.linalg.eigh(self.covariance)
        a = torch.from_numpy(random.standard_normal((n, len(values))))
        if not math.isinf(self.freedom):
            a /= torch.from_numpy(random.chisquare(self.freedom, (n, 1)) / self.freedom).sqrt()
        parts = (a * values.clamp(min=0).sqrt() @ Q.t()).split(self._sizes, 1)
        pairs = zip(parts, self._modes, strict=True)
        return torch.cat([part if B is None else part @ B.t() for part, B in pairs], 1)

    @property
    def _seen(self) -> Tensor:
        """The covariance with nothing for what is not seen."""
        lost = self.covariance.diagonal().isinf()
        return torch.where(lost | lost[:, None], torch.zeros(()).double(), self.covariance)

    @property
    def _sizes(self) -> list[int]:
        return [1 if B is None else B.shape[1] for B in self._modes]

    def _names(self, which: Tensor) -> list[str]:
        pairs = zip(self.problem.unknowns, which.split(self._sizes), strict=True)
        return [k.name for k, own in pairs if own.any()]

    def _of_data(self, linear: Linearised) -> Tensor:
        """Derivatives (r, N) of what is seen at the data."""
        if len(linear.J) == len(self.params):
            return self.along(linear.J)
        departure_points = self.problem.departure_points(linear.points, linear.u)
        each = linear.J.shape[1] // len(departure_points)
        rows = []
        for part in _parts(len(departure_points)):
            points = departure_points.part(part.repeat_interleave(each))
            J = linear.J.unflatten(1, (-1, each))[:, part].flatten(1)
            rows.append(self.along(by_params(self.problem, points, self.params, J)))
        return torch.cat(rows, 1)

    def _of_regularisers(self) -> Tensor:
        """b' b'^T (r, r) of all regularisers."""
        total = torch.zeros(sum(self._sizes), sum(self._sizes)).double()
        params, begin = self.problem.split(self.params), 0
        for k, own, B in zip(self.problem.unknowns, params, self._modes, strict=True):
            end = begin + (1 if B is None else B.shape[1])
            if B is not None and isinstance(k, Function) and k.regulariser is not None:
                R = k.regulariser
                for part in _parts(len(R.points)):
                    weight = R.weight * len(part) / len(R.points)
                    _, rows = replace(R, points=R.points.part(part), weight=weight).rows(k, own)
                    X = B.t() @ rows
                    total[begin:end, begin:end] += X @ X.t()
            begin = end
        return total


def _modes(k: Function, params: Tensor) -> Tensor:
    """Changes of a function's params (size, r) that are its modes, of unit norm at its sensors."""
    U, s, _ = torch.linalg.svd(
        k.input_by_params(params, k.sensor_jets(params)), full_matrices=False
    )
    kept = s > FOLLOWED * s[0]
    return U[:, kept] / s[kept]


def _parts(n: int) -> Iterator[Tensor]:
    yield from torch.arange(n).split(PART)
