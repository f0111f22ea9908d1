"""Systems of two fields."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from bilo.inverse import shapes
from bilo.inverse.box import Box
from bilo.inverse.condition import Condition
from bilo.inverse.function import Function
from bilo.inverse.point_jets import PointJets
from bilo.inverse.points import Points
from bilo.inverse.problem import Problem
from bilo.inverse.unknown import Scalar
from bilo.lower.textbook import plain_fields
from bilo.networks.network import OperatorNetwork
from bilo.taylor.jets import Jet


class Turning(Problem):
    """p' = a q, q' = -b p on (0, 2], (p, q) = (0, 1) at 0: sine and cosine where a = b."""

    box = Box(t=(0, 2))
    fields = ("p", "q")
    unknowns = (
        Scalar("a", start=1.0, bounds=(0.1, 5.0), truth=1.5),
        Scalar("b", start=1.0, bounds=(0.1, 5.0), truth=1.5, log=True),
    )

    def transform(self, N: tuple[Jet, ...], at: PointJets) -> tuple[Jet, ...]:
        p, q = N
        return at["t"] * p, 1 + at["t"] * q

    def residual(self, u: tuple[Jet, ...], at: PointJets) -> tuple[Jet, ...]:
        p, q = u
        return p.d("t") - at["a"] * q, q.d("t") + at["b"] * p

    def solve(self, theta: Any) -> Any:
        """p = sqrt(a / b) sin(w t), q = cos(w t), w = sqrt(a b)."""
        a, b = (torch.tensor(float(theta[k])) for k in ("a", "b"))
        w = float((a * b).sqrt())

        def at(t: Any) -> Any:
            t = torch.as_tensor(t).double()
            p, q = float((a / b).sqrt()) * (w * t).sin(), (w * t).cos()
            return torch.stack([p, q], -1).numpy()

        return at


class Reacting(Problem):
    """p_t = (D p_x)_x - k p q, q_t = 0.3 q_xx + q_x + k p^2: a function, a scalar, a condition."""

    box = Box(t=(0, 3), x=(-1, 1))
    fields = ("p", "q")
    unknowns = (
        Function(
            "D", ("x",), shapes.between(0.5, 2.0), start=shapes.everywhere(1.0),
            truths=(shapes.everywhere(1.5),), width=4,
        ),
        Scalar("k", start=0.7, bounds=(0.1, 5.0), truth=1.0, log=True),
    )  # fmt: skip

    def transform(self, N: tuple[Jet, ...], at: PointJets) -> tuple[Jet, ...]:
        p, q = N
        return (at["x"] * math.pi).sin() + at["t"] * p, at["D"] * q

    def residual(self, u: tuple[Jet, ...], at: PointJets) -> tuple[Jet, ...]:
        (p, q), D, k = u, at["D"], at["k"]
        spread = D.d("1") * p.d("x", "x") + D.d("x") * p.d("x")
        return (
            p.d("t") - spread + k * p * q,
            q.d("t") - 0.3 * q.d("x", "x") - q.d("x") - k * p * p,
        )

    def weight(self, u: tuple[Jet, ...], at: PointJets) -> Tensor:
        return 1 + u[1].value ** 2

    def conditions(self) -> tuple[Condition, ...]:
        """No flux of either at x = 1: two equations at points of their own."""
        return (
            Condition(
                self.domain.side("x", 1.0, 3),
                lambda u, at: (at["D"] * u[0].d("x"), u[1].d("x") + at["k"] * u[0]),
                weight=0.4,
            ),
        )


def interleaved_field(network: OperatorNetwork, points: Points, params: Tensor) -> Tensor:
    """Represented fields (N fields,), those of one point side by side, inside the graph."""
    return torch.stack(plain_fields(network, points, params), -1).flatten()
