"""Systems of two fields, and the losses of any problem by nested automatic differentiation."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from bilo.inverse import shapes
from bilo.inverse.box import Box
from bilo.inverse.condition import Condition
from bilo.inverse.fields import as_tuple
from bilo.inverse.frame import Frame
from bilo.inverse.function import Function
from bilo.inverse.points import Points
from bilo.inverse.problem import Problem
from bilo.inverse.unknown import Scalar
from bilo.lower.textbook import fields_and_derivatives, no_shift, plain_fields, tangents_of
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

    def transform(self, N: tuple[Jet, ...], at: Frame) -> tuple[Jet, ...]:
        p, q = N
        return at["t"] * p, 1 + at["t"] * q

    def residual(self, u: tuple[Jet, ...], at: Frame) -> tuple[Jet, ...]:
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

    def transform(self, N: tuple[Jet, ...], at: Frame) -> tuple[Jet, ...]:
        p, q = N
        return (at["x"] * math.pi).sin() + at["t"] * p, at["D"] * q

    def residual(self, u: tuple[Jet, ...], at: Frame) -> tuple[Jet, ...]:
        (p, q), D, k = u, at["D"], at["k"]
        spread = D.d("1") * p.d("x", "x") + D.d("x") * p.d("x")
        return (
            p.d("t") - spread + k * p * q,
            q.d("t") - 0.3 * q.d("x", "x") - q.d("x") - k * p * p,
        )

    def weight(self, u: tuple[Jet, ...], at: Frame) -> Tensor:
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


@dataclass(frozen=True)
class Losses:
    """What `bilo.lower.losses.operator_loss` promises, and the gradient by each weight."""

    residual: Tensor
    gradient: Tensor
    conditions: Tensor
    by_weights: dict[str, Tensor]


def interleaved_field(network: OperatorNetwork, points: Points, codes: Tensor) -> Tensor:
    """Represented fields (N fields,), those of one point side by side, inside the graph."""
    return torch.stack(plain_fields(network, points, codes), -1).flatten()


def losses(network: OperatorNetwork, points: Points, codes: Tensor, w_rgrad: float) -> Losses:
    """Sums over the equations."""
    problem, shift = network.problem, no_shift(network)
    u, at = fields_and_derivatives(network, points, codes, shift)
    held = problem.together(tuple(f.detach() for f in u))
    weight = problem.weight(held, at)
    scale = torch.ones(()) if weight is None else weight.detach()
    residual = gradient = conditions = codes.new_zeros(())
    for r in problem.residuals(u, at):
        residual = residual + (scale * r.value**2).mean()
        gradient = gradient + (scale * tangents_of(r.value, shift) ** 2).sum(0).mean()
    for condition in problem.conditions():
        there = condition.points.to(network.like)
        u, at = fields_and_derivatives(network, there, codes, shift)
        for c in as_tuple(condition.residual(problem.together(u), at)):
            both = (c.value**2).mean() + w_rgrad * (tangents_of(c.value, shift) ** 2).sum(0).mean()
            conditions = conditions + condition.weight * both
    names, weights = zip(*network.named_parameters(), strict=True)
    grads = torch.autograd.grad(residual + w_rgrad * gradient + conditions, weights)
    return Losses(
        residual.detach(), gradient.detach(), conditions.detach(),
        dict(zip(names, grads, strict=True)),
    )  # fmt: skip
