"""Data with Gaussian noise: values, fluxes, averages, of one field or several."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from bilo.inverse.likelihood import Likelihood
from bilo.inverse.objective import Seen, SeparableObjective, variances
from bilo.inverse.points import Points
from bilo.taylor.jets import Jet


@dataclass(frozen=True)
class LeastSquares(SeparableObjective):
    """L_dat = mean w (C u - u_d)^2.

    Parameters
    ----------
    points : Points
        N data points, or those that the functionals C combine.
    values : (K,) or (N, fields)
        The data u_d, K = N without functionals; of a system those of all fields at each point.
    sigma : float or (K,), optional
        Standard deviation of their noise. The level of a fit is then tested; without it the noise
        is estimated from the misfit, and no test is made.
    informative : int, optional
        Number of data that say anything (without those on a boundary); K by default.
    weights : (K,), optional
        Weights w of the squares; by default those of `sigma`, of mean one.
    seen : callable, optional
        (u, at) -> what is seen at the points, such as ``lambda u, at: at["D"] * u.d("x")``, a flux.
    functional : (K, N), optional
        C, the linear functionals of it: averages over a detector, integrals.

    Raises
    ------
    ValueError
        If the shapes do not fit, or a number is not finite.
    """

    points: Points
    values: Tensor
    sigma: float | Tensor | None = None
    informative: int | None = None
    weights: Tensor | None = None
    seen: Seen | None = None
    functional: Tensor | None = None

    def __post_init__(self) -> None:
        points: object = self.points
        if not isinstance(points, Points):
            kind = type(points).__name__
            raise TypeError(f"points: a {kind} does not name its coordinates: Points({{'x': ...}})")
        for name in ("values", "weights", "functional"):
            if getattr(self, name) is not None:
                object.__setattr__(self, name, exact(name, getattr(self, name)))
        object.__setattr__(self, "values", self.values.flatten())
        count, N = len(self.values), len(self.points)
        for name, row in self.points.coordinates.items():
            exact(f"the coordinate {name}", row)
        if self.functional is None and (count == 0 or count % N):
            raise ValueError(f"values: {count} for {N} points")
        if self.functional is not None and len(self.functional) != count:
            raise ValueError(f"functional: {len(self.functional)} rows for {count} values")
        if self.sigma is not None:
            sigma = exact("sigma", self.sigma)
            if sigma.numel() not in (1, count) or not (sigma > 0).all():
                raise ValueError("sigma: one positive number, or one a value")
            object.__setattr__(self, "sigma", sigma.flatten().expand(count).clone())
            if self.weights is None and sigma.numel() > 1:
                precision = sigma.flatten() ** -2
                object.__setattr__(self, "weights", precision / precision.mean())
        if self.weights is not None and (len(self.weights) != count or (self.weights < 0).any()):
            raise ValueError(f"weights: {count} numbers of at least 0 are needed")

    def __add__(self, other: LeastSquares) -> LeastSquares:
        """Both data sets as one: each keeps its points, what it sees, its functionals, its noise.

        Data without `sigma` count as much as each other.
        """
        return _joined((self, other))

    def combine(self, rows: Tensor) -> Tensor:
        """C times what is seen."""
        return rows if self.functional is None else rows @ self.functional.t()

    def value(self, u: Tensor, nuisance: Tensor, progress: float = 1.0) -> Tensor:
        """Mean squared misfit."""
        squares = (self.combine(u) - self.values) ** 2
        return (squares if self.weights is None else self.weights * squares).mean()

    def derivatives(self, u: Tensor) -> tuple[Tensor, Tensor]:
        """2 w (C u - u_d) / K and 2 w / K."""
        n = len(self.values)
        first = 2 * (self.combine(u) - self.values) / n
        second = torch.full_like(self.values, 2 / n)
        return (
            (first, second)
            if self.weights is None
            else (self.weights * first, self.weights * second)
        )

    def resolution(self, value: float) -> float:
        """A hundredth of the noise's variance."""
        return 0.01 * value

    @property
    def count(self) -> int:
        """Data that say anything."""
        return self.informative or len(self.values)

    def variance(self, u: Tensor, parameters: int) -> float | None:
        """Of data of weight one: of the noise that is known, or s^2 = sum w e^2 / (n - m).

        None where there are no more data than parameters.
        """
        if self.sigma is not None:
            weights = torch.ones_like(self.values) if self.weights is None else self.weights
            return float((weights * torch.as_tensor(self.sigma) ** 2).mean())
        if self.count <= parameters:
            return None
        return float(self.value(u, self.start)) * len(self.values) / (self.count - parameters)

    def likelihood(self, u: Tensor) -> Likelihood:
        """-log p = K / (2 s^2) L, the noise of the data normal."""
        K = len(self.values)
        known = None if self.sigma is None else self.variance(u, 0)
        return Likelihood(K / 2, known, float(self.value(u, self.start)) * K, self.count)

    def chi_squared(self, u: Tensor) -> tuple[float, int] | None:
        """sum (C u - u_d)^2 / sigma^2 and the number of data."""
        if self.sigma is None:
            return None
        squares = ((self.combine(u) - self.values) / torch.as_tensor(self.sigma)) ** 2
        return float(squares.sum()), self.count

    def local_sd(self, u: Tensor, J: Tensor, nuisance: Tensor) -> Tensor | None:
        """sqrt diag(s^2 (J w J^T)^-1); infinite for what the data do not see."""
        s2 = self.variance(u, len(J))
        if s2 is None:
            return None
        J = self.combine(J)
        weighted = J if self.weights is None else J * self.weights
        return (s2 * variances(weighted @ J.t())).sqrt()


def exact(name: str, values: Any) -> Tensor:
    """Numbers, an array or a tensor as float64 on the CPU.

    Raises
    ------
    ValueError
        If one is not finite.
    """
    found = torch.as_tensor(values, dtype=torch.float64).detach().cpu()
    if not bool(torch.isfinite(found).all()):
        bad = int((~torch.isfinite(found)).sum())
        raise ValueError(f"{name}: {bad} of {found.numel()} numbers are not finite")
    return found


def _joined(parts: tuple[LeastSquares, ...]) -> LeastSquares:
    """Every expression is seen at all points; functionals pick what belongs to each part."""
    names = parts[0].points.coordinates
    rows = {c: torch.cat([p.points.coordinates[c].double() for p in parts]) for c in names}
    shares = [
        p.functional if p.functional is not None else torch.eye(len(p.values)).double()
        for p in parts
    ]
    per_point = [c.shape[1] // len(p.points) for c, p in zip(shares, parts, strict=True)]
    total, width = sum(len(p.points) for p in parts), sum(per_point)
    C = torch.zeros(sum(len(c) for c in shares), total, width, dtype=torch.float64)
    row = point = column = 0
    for share, p, k in zip(shares, parts, per_point, strict=True):
        n = len(p.points)
        block = share.view(len(share), n, k)
        C[row : row + len(share), point : point + n, column : column + k] = block
        row, point, column = row + len(share), point + n, column + k

    def seen(u: Any, at: Any) -> tuple[Jet, ...]:
        found = [u if p.seen is None else p.seen(u, at) for p in parts]
        return tuple(j for one in found for j in (one if isinstance(one, tuple) else (one,)))

    known = all(p.sigma is not None for p in parts)
    sigma = torch.cat([torch.as_tensor(p.sigma) for p in parts]) if known else None
    given = any(p.weights is not None for p in parts) and not known
    ones = [torch.ones_like(p.values) if p.weights is None else p.weights for p in parts]
    return LeastSquares(
        Points(rows),
        torch.cat([p.values for p in parts]),
        sigma,
        informative=sum(p.count for p in parts),
        weights=torch.cat(ones) if given else None,
        seen=seen,
        functional=C.flatten(1),
    )
