"""Problems of one's own, small and with solutions that are known otherwise."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy.integrate import solve_ivp

from bilo.inverse.box import Box
from bilo.inverse.problem import Problem
from bilo.inverse.unknown import Scalar
from bilo.taylor.streams import d


class Fin(Problem):
    """-u'' + k u = 1 on (0, 1), u = 0 at both ends."""

    box = Box(x=(0, 1))
    unknowns: Any = (Scalar("k", start=1.0, truth=4.0, bounds=(0.1, 50.0)),)
    nodes = 101

    def principal(self, at: Any) -> Any:
        return -1.0 * d("x", "x")

    def transform(self, N: Any, at: Any) -> Any:
        return N * at.vanishing("x")

    def residual(self, u: Any, at: Any) -> Any:
        return at.apply(u) + at["k"] * u - 1

    def solve(self, theta: Any) -> Any:
        return fin(theta["k"])


def fin(k: float) -> Any:
    """The fin's exact solution."""
    root = math.sqrt(k)
    return lambda x: (1 - np.cosh(root * (x - 0.5)) / math.cosh(root / 2)) / k


class Decay(Problem):
    """u' = -k u, u(0) = 1."""

    box = Box(t=(0, 2))
    unknowns: Any = (Scalar("k", start=0.7, truth=2.0, bounds=(0.05, 20.0)),)

    def transform(self, N: Any, at: Any) -> Any:
        return N * at["t"] + 1

    def residual(self, u: Any, at: Any) -> Any:
        return u.d("t") + at["k"] * u

    def solve(self, theta: Any) -> Any:
        return lambda t: np.exp(-theta["k"] * t)


class Cooling(Problem):
    """u_t = D u_xx, u = 0 at both ends, u(x, 0) = sin(pi x)."""

    box = Box(t=(0, 1), x=(0, 1))
    unknowns: Any = (Scalar("D", start=0.05, truth=0.12, bounds=(0.005, 1.0)),)
    nodes = 31

    def principal(self, at: Any) -> Any:
        return d("t") - at["D"] * d("x", "x")

    def transform(self, N: Any, at: Any) -> Any:
        return (at["x"] * math.pi).sin() + N * at.vanishing("x", after="t")

    def residual(self, u: Any, at: Any) -> Any:
        return at.apply(u)

    def solve(self, theta: Any) -> Any:
        return lambda t, x: np.exp(-theta["D"] * np.pi**2 * t) * np.sin(np.pi * x)


class Logistic(Problem):
    """u' = r u (1 - u), u(0) = 0.1."""

    box = Box(t=(0, 4))
    unknowns: Any = (Scalar("r", start=0.5, truth=1.5, bounds=(0.05, 10.0)),)

    def transform(self, N: Any, at: Any) -> Any:
        return N * at["t"] * 0.25 + 0.1

    def residual(self, u: Any, at: Any) -> Any:
        return u.d("t") - at["r"] * u * (1 - u)

    def solve(self, theta: Any) -> Any:
        return lambda t: 1 / (1 + 9 * np.exp(-theta["r"] * t))


class Helmholtz(Problem):
    """u'' + k^2 u = 50 on (0, 1), u = 0 at both ends."""

    box = Box(x=(0, 1))
    unknowns: Any = (Scalar("k", start=5.0, truth=8.0, bounds=(1.0, 20.0)),)
    nodes = 101

    def transform(self, N: Any, at: Any) -> Any:
        return N * at.vanishing("x")

    def residual(self, u: Any, at: Any) -> Any:
        return u.d("x", "x") + at["k"] * at["k"] * u - 50

    def solve(self, theta: Any) -> Any:
        k = theta["k"]
        return lambda x: 50 * (1 - np.cos(k * (x - 0.5)) / math.cos(k / 2)) / k**2


class Advection(Problem):
    """u_t + c u_x = 0, u(x, 0) a bump at 0.4; nothing comes in."""

    box = Box(t=(0, 1), x=(0, 1))
    unknowns: Any = (Scalar("c", start=0.1, truth=0.25, bounds=(-1.0, 1.0)),)
    nodes = 31

    def transform(self, N: Any, at: Any) -> Any:
        x = at["x"] - 0.4
        return (x * x * -30.0).exp() + N * (at["t"] * at["x"])

    def residual(self, u: Any, at: Any) -> Any:
        return u.d("t") + at["c"] * u.d("x")

    def solve(self, theta: Any) -> Any:
        return lambda t, x: np.exp(-30 * (x - theta["c"] * t - 0.4) ** 2)


class Oscillation(Problem):
    """u'' = -w^2 u as a system, u(0) = 1, u'(0) = 0."""

    box = Box(t=(0, 3))
    fields = ("u", "v")
    unknowns: Any = (Scalar("w", start=1.5, truth=2.0, bounds=(0.2, 20.0)),)

    def transform(self, N: Any, at: Any) -> Any:
        return N[0] * at["t"] + 1, N[1] * at["t"]

    def residual(self, u: Any, at: Any) -> Any:
        return u[0].d("t") - at["w"] * u[1], u[1].d("t") + at["w"] * u[0]

    def solve(self, theta: Any) -> Any:
        w = theta["w"]
        return lambda t: np.stack([np.cos(w * t), -np.sin(w * t)], -1)


class LotkaVolterra(Problem):
    """p' = a p - p q, q' = p q - c q, from (1, 0.5)."""

    box = Box(t=(0, 4))
    fields = ("p", "q")
    unknowns: Any = (
        Scalar("a", start=0.8, truth=1.2, bounds=(0.1, 5.0)),
        Scalar("c", start=0.8, truth=1.0, bounds=(0.1, 5.0)),
    )

    def transform(self, N: Any, at: Any) -> Any:
        return N[0] * at["t"] + 1, N[1] * at["t"] + 0.5

    def residual(self, u: Any, at: Any) -> Any:
        p, q = u
        both = p * q
        return p.d("t") - at["a"] * p + both, q.d("t") - both + at["c"] * q

    def solve(self, theta: Any) -> Any:
        a, c = theta["a"], theta["c"]

        def flow(t: float, y: Any) -> Any:
            return [a * y[0] - y[0] * y[1], y[0] * y[1] - c * y[1]]

        found = solve_ivp(flow, (0, 4), [1.0, 0.5], rtol=1e-9, atol=1e-9, dense_output=True)
        return lambda t: found.sol(t).T


class Transport(Problem):
    """-D u'' + 2 u' + q u = 5 on (0, 1), u = 0 at both ends: advection, diffusion, reaction."""

    box = Box(x=(0, 1))
    unknowns: Any = (
        Scalar("D", start=0.5, truth=0.3, bounds=(0.05, 5.0)),
        Scalar("q", start=1.0, truth=2.0, bounds=(0.1, 20.0)),
    )
    nodes = 101

    def transform(self, N: Any, at: Any) -> Any:
        return N * at.vanishing("x")

    def residual(self, u: Any, at: Any) -> Any:
        return u.d("x") * 2.0 - at["D"] * u.d("x", "x") + at["q"] * u - 5

    def solve(self, theta: Any) -> Any:
        D, q = theta["D"], theta["q"]
        root = math.sqrt(1 + D * q)
        a, b = (1 + root) / D, (1 - root) / D
        A, B = np.linalg.solve([[math.exp(-a), 1.0], [1.0, math.exp(b)]], [-5 / q, -5 / q])
        return lambda x: 5 / q + A * np.exp(a * (x - 1)) + B * np.exp(b * x)


class Plate(Problem):
    """-D (u_xx + u_yy) = 2 pi^2 sin(pi x) sin(pi y) on the unit square, u = 0 around."""

    box = Box(x=(0, 1), y=(0, 1))
    unknowns: Any = (Scalar("D", start=1.0, truth=2.0, bounds=(0.1, 10.0)),)
    nodes = 21

    def principal(self, at: Any) -> Any:
        return -at["D"] * d("x", "x") - at["D"] * d("y", "y")

    def transform(self, N: Any, at: Any) -> Any:
        return N * (at.vanishing("x") * at.vanishing("y"))

    def residual(self, u: Any, at: Any) -> Any:
        f = (at["x"] * math.pi).sin() * (at["y"] * math.pi).sin()
        return at.apply(u) - f * (2 * math.pi**2)

    def solve(self, theta: Any) -> Any:
        return lambda x, y: np.sin(np.pi * x) * np.sin(np.pi * y) / theta["D"]


class Together(Fin):
    """The fin with k = k1 k2."""

    unknowns = (
        Scalar("k1", start=1.0, truth=2.0, bounds=(0.1, 10.0)),
        Scalar("k2", start=1.0, truth=2.0, bounds=(0.1, 10.0)),
    )

    def residual(self, u: Any, at: Any) -> Any:
        return at.apply(u) + at["k1"] * at["k2"] * u - 1

    def solve(self, theta: Any) -> Any:
        return fin(theta["k1"] * theta["k2"])


class TwoDecays(Problem):
    """u' = -k u, v' = -q v, u(0) = v(0) = 1, which know nothing of each other."""

    box = Box(t=(0, 2))
    fields = ("u", "v")
    unknowns: Any = (
        Scalar("k", start=0.7, truth=2.0, bounds=(0.05, 20.0)),
        Scalar("q", start=0.7, truth=1.5, bounds=(0.05, 20.0)),
    )

    def transform(self, N: Any, at: Any) -> Any:
        return N[0] * at["t"] + 1, N[1] * at["t"] + 1

    def residual(self, u: Any, at: Any) -> Any:
        return u[0].d("t") + at["k"] * u[0], u[1].d("t") + at["q"] * u[1]

    def solve(self, theta: Any) -> Any:
        k, q = theta["k"], theta["q"]
        return lambda t: np.stack([np.exp(-k * t), np.exp(-q * t)], -1)
