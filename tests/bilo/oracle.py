"""The oracle: residual and losses by nested reverse-mode differentiation, one call a derivative.

It shares with the engine the statement of the problem and nothing of the differentiation: the
network is evaluated as an ordinary one, the field is differentiated by its coordinates again and
again, and the residual by the unknowns.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from bilo.frame import Frame
from bilo.jets import Jet
from bilo.network import OperatorNetwork
from bilo.points import Points
from bilo.streams import Streams


@dataclass(frozen=True)
class Oracle:
    """Residual r (N,), dr/dtheta (m, N), the losses, and the gradient of the sum by each weight."""

    r: Tensor
    tangents: Tensor
    residual: Tensor
    gradient: Tensor
    conditions: Tensor
    by_weights: dict[str, Tensor]


def by(f: Tensor, x: Tensor) -> Tensor:
    """df_n/dx_n for a function of each point alone."""
    (g,) = torch.autograd.grad(f.sum(), x, create_graph=True, allow_unused=True)
    return torch.zeros_like(x) if g is None else g


def tangents_of(f: Tensor, theta: Tensor) -> Tensor:
    """df_n/dtheta_j (m, N), theta shared by all points: the derivative by v of d(v.f)/dtheta."""
    v = torch.ones_like(f, requires_grad=True)
    (g,) = torch.autograd.grad(v @ f, theta, create_graph=True)
    return torch.stack([torch.autograd.grad(gj, v, create_graph=True)[0] for gj in g])


def plain_network(network: OperatorNetwork, features: Tensor, codes: Tensor) -> Tensor:
    """Network output (N,) from features (N, d) and codes (m,), as the method writes it."""
    k = network.problem.fourier_coordinates
    angles = features[:, :k] @ network.B.t()
    x = torch.cat([features, angles.sin(), angles.cos()] if len(network.B) else [features], 1)
    y = x @ network.A.t() + network.b
    if network.theta:
        y = y + network.R @ codes
    for W, c in zip(network.W, network.c, strict=True):
        y = torch.tanh(y) @ W.t() + c
    return (torch.tanh(y) @ network.w_out.t() + network.b_out)[:, 0]


def field_and_derivatives(
    network: OperatorNetwork, points: Points, codes: Tensor
) -> tuple[Jet, Frame]:
    """The represented field with the derivatives that the residual reads, and their frame."""
    problem = network.problem
    leaves = {c: points.coordinates[c].clone().requires_grad_() for c in problem.coordinates}
    moving = Points(leaves, points.known)
    values = Frame(problem, moving, codes, tangents=False, derivatives=False)
    features = torch.stack([f.value.expand(len(points)) for f in problem.features(values)], 1)
    N = Jet(plain_network(network, features, codes).reshape(1, 1, -1), values.streams)
    u = problem.transform(N, values).value
    at = Frame(problem, moving, codes, tangents=False)
    first = {name: by(u, leaves[name]) for name in at.streams.first}
    rows = [u, *first.values()]
    rows += [by(first[name[0]], leaves[name[1]]) for name in _second(at.streams)]
    return Jet(torch.stack(rows)[None], at.streams), at


def nested(network: OperatorNetwork, points: Points, codes: Tensor, w_rgrad: float) -> Oracle:
    """Everything that `bilo.losses.operator_loss` promises, the textbook way."""
    theta = codes.detach().clone().requires_grad_()
    u, at = field_and_derivatives(network, points, theta)
    r = network.problem.residual(u, at).value
    weight = network.problem.weight(u.detach(), at)
    scale = torch.ones_like(r) if weight is None else weight.detach()
    tangents = tangents_of(r, theta)
    residual = (scale * r**2).mean()
    gradient = (scale * tangents**2).sum(0).mean()
    conditions = torch.zeros(())
    for condition in network.problem.conditions():
        there, at = field_and_derivatives(network, condition.points.to(network.like), theta)
        c = condition.residual(there, at).value
        both = (c**2).mean() + w_rgrad * (tangents_of(c, theta) ** 2).sum(0).mean()
        conditions = conditions + condition.weight * both
    names, weights = zip(*network.named_parameters(), strict=True)
    grads = torch.autograd.grad(residual + w_rgrad * gradient + conditions, weights)
    return Oracle(
        r.detach(),
        tangents.detach(),
        residual.detach(),
        gradient.detach(),
        conditions.detach(),
        dict(zip(names, grads, strict=True)),
    )


def _second(streams: Streams) -> list[str]:
    """Names of the pure second derivatives; an expanded set has nothing else."""
    names = [op.name for op in streams.second]
    assert all(len(name) == 2 for name in names)
    return names
