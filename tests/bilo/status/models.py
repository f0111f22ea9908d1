"""Models that are wrong of something: boundary values, equations, references, scales."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from bilo.inverse.problem import Problem
from bilo.inverse.unknown import Scalar
from bilo.problems.fisher_kpp import FisherKPP
from bilo.problems.poisson_scalar import PoissonScalar
from tests.bilo.status.problems import (
    Advection,
    Decay,
    Fin,
    Helmholtz,
    Transport,
    fin,
)


def altered(problem: type[Problem], **values: Any) -> Callable[[], Problem]:
    """The problem with other values of its unknowns' attributes, `start`, `bounds`, `scale`."""
    unknowns = tuple(replace(k, **values) for k in problem.unknowns)  # type: ignore[type-var]
    return type(problem.__name__, (problem,), {"unknowns": unknowns})


def scaled_fin(size: float, scale: float | None = 1.0) -> Callable[[], Problem]:
    """-u'' + (k / size) u = 1: an unknown of the size of 4 `size`."""

    class Scaled(Fin):
        unknowns = (Scalar("k", size, (size / 10, 50 * size), truth=4 * size, scale=scale),)

        def residual(self, u: Any, at: Any) -> Any:
            return at.apply(u) + at["k"] * (1 / size) * u - 1

        def solve(self, theta: Any) -> Any:
            return fin(theta["k"] / size)

    return Scaled


class Steep(Fin):
    """k = 4000."""

    unknowns = (Scalar("k", 1000.0, (10.0, 50000.0), truth=4000.0),)


class Free(Fin):
    """Boundary values are forgotten."""

    def transform(self, N: Any, at: Any) -> Any:
        return N


class HalfFree(Fin):
    """The boundary value on the right is forgotten."""

    def transform(self, N: Any, at: Any) -> Any:
        return N * at["x"]


class Raised(Fin):
    """u = 0.02 at both ends."""

    def transform(self, N: Any, at: Any) -> Any:
        return N * at.vanishing("x") + 0.02


class Dropped(Fin):
    """The transform takes a tensor for a coordinate."""

    def transform(self, N: Any, at: Any) -> Any:
        x = at.points.coordinates["x"]
        return N * (x * (1 - x))


class Quadratic(Fin):
    """-u'' + k u^2 = 1."""

    def residual(self, u: Any, at: Any) -> Any:
        return at.apply(u) + at["k"] * u * u - 1


class Negative(Fin):
    """The reference has the sign of the load wrong."""

    def solve(self, theta: Any) -> Any:
        u = super().solve(theta)
        return lambda x: -u(x)


class Halved(Fin):
    """The reference is that of k / 2."""

    def solve(self, theta: Any) -> Any:
        return fin(theta["k"] / 2)


class Unstarted(Decay):
    """The initial value is forgotten."""

    def transform(self, N: Any, at: Any) -> Any:
        return N


class Backward(Advection):
    """The reference moves the other way."""

    def solve(self, theta: Any) -> Any:
        return super().solve({"c": -theta["c"]})


class Slow(Transport):
    """The velocity is 1 and not 2."""

    def residual(self, u: Any, at: Any) -> Any:
        return super().residual(u, at) - u.d("x")

    def solve(self, theta: Any) -> Any:
        # half the equation: -D/2 u'' + u'/2 + q/2 u = 5/2, or 2 u' with 2 D and 2 q, twice the load
        exact = super().solve({"D": 2 * theta["D"], "q": 2 * theta["q"]})
        return lambda x: 2 * exact(x)


Narrow = altered(PoissonScalar, sampled=(0.5, 1.5))
"""A neural operator is trained on less."""
FarHelmholtz = altered(Helmholtz, start=12.0)
"""Across a resonance."""


class NearMinimum(FisherKPP):
    """It starts at a local minimum."""

    unknowns = tuple(
        replace(k, start=s) for k, s in zip(FisherKPP.unknowns, (3.9, 2.4), strict=True)
    )
