"""The oracle: residual and losses by nested reverse-mode differentiation, one call a derivative.

It shares with the engine the statement of the problem and nothing of the differentiation: networks
are evaluated as ordinary ones, the field and unknown functions are differentiated by the
coordinates again and again, and the residual by a constant added to each of the operator's inputs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from bilo.inverse.coordinate_jets import CoordinateJets
from bilo.inverse.fields import as_tuple
from bilo.inverse.function import Function
from bilo.inverse.point_jets import PointJets
from bilo.inverse.points import Points
from bilo.inverse.problem import Problem
from bilo.inverse.unknown import Unknown
from bilo.networks.network import OperatorNetwork
from bilo.taylor.jets import Jet
from bilo.taylor.streams import VALUE, Streams


@dataclass(frozen=True)
class Oracle:
    """Residual r (N,), dr/dz (m, N), the losses, and the gradient of the sum by each weight.

    Of several equations r is (E, N), dr/dz (E, m, N), and the losses are sums over them.
    """

    r: Tensor
    tangents: Tensor
    residual: Tensor
    gradient: Tensor
    conditions: Tensor
    by_weights: dict[str, Tensor]


def by(f: Tensor, x: Tensor) -> Tensor:
    """df_n/dx_n for a function of each point alone."""
    if not f.requires_grad:
        return torch.zeros_like(x)
    (g,) = torch.autograd.grad(f.sum(), x, create_graph=True, allow_unused=True)
    return torch.zeros_like(x) if g is None else g


def tangents_of(f: Tensor, z: Tensor) -> Tensor:
    """df_n/dz_j (m, N), z (m,) shared by all points: the derivative by v of d(v.f)/dz."""
    v = torch.ones_like(f, requires_grad=True)
    (g,) = torch.autograd.grad(v @ f, z, create_graph=True)
    return torch.stack([torch.autograd.grad(gj, v, create_graph=True)[0] for gj in g])


class Textbook(PointJets):
    """A frame at coordinates that autograd differentiates by.

    Parameters
    ----------
    points : Points
        Whose coordinates are leaves of the graph.
    params : Tensor (size,)
    shift : Tensor (m,)
        Added to the operator's inputs, the same at all points: derivatives of functions in the
        coordinates are untouched by it.
    """

    def __init__(
        self, problem: Problem, points: Points, params: Tensor, shift: Tensor, *, derivatives: bool
    ) -> None:
        self.shift = shift
        super().__init__(problem, points, params, tangents=False, derivatives=derivatives)

    def _input(self, j: int) -> Jet:
        """An unknown, its derivatives in the coordinates by autograd."""
        if j not in self._inputs:
            k, part = self._problem.unknowns[j], self._problem.split(self.params)[j]
            z = plain_input(k, part, self.points) + self.shift[j]
            if isinstance(k, Function):
                rows = derivatives_of(z, self.points.coordinates, self.streams)
            else:
                rows = [z, *[torch.zeros_like(z)] * (self.streams.size - 1)]
            self._inputs[j] = Jet(torch.stack(rows)[None], self.streams)
        return self._inputs[j]

    @property
    def stop_gradient_inputs(self) -> list[Jet]:
        """The same, held: neither shift nor params move them; the coordinates do."""
        still = Textbook(
            self._problem, self.points, self.params.detach(), torch.zeros_like(self.shift),
            derivatives=self._derivatives,
        )  # fmt: skip
        return still.inputs


def plain_input(k: Unknown, params: Tensor, points: Points) -> Tensor:
    """The operator's input of an unknown, (N,) or (1,), as the method writes it."""
    if not isinstance(k, Function):
        return params
    parts = k.domain.relative({c: points.coordinates[c] for c in k.coordinates})
    y = torch.stack([parts[c] for c in k.coordinates], 1)
    if k.fourier:
        angles = y @ k.frequencies.to(y).t()
        y = torch.cat([angles.sin(), angles.cos()], 1)
    *hidden, (W, b) = k.weights(params)
    for V, c in hidden:
        y = torch.tanh(y @ V.t() + c)
    N = (y @ W.t() + b)[:, 0]
    f = k.transform(Jet(N.reshape(1, 1, -1), VALUE), CoordinateJets(points, VALUE))
    return f.value / k.scale


def plain_network(network: OperatorNetwork, features: Tensor, inputs: list[Tensor]) -> Tensor:
    """Network output (N, fields) from features (N, d) and the unknowns, (N,) or (1,) each."""
    k = network.problem.fourier_coordinates
    angles = features[:, :k] @ network.B.t()
    x = torch.cat([features, angles.sin(), angles.cos()] if len(network.B) else [features], 1)
    y = x @ network.A.t() + network.b
    if network.theta:
        z = torch.stack([z.expand(len(features)) for z in inputs], 1)
        y = y + z @ network.R.t()
    for W, c in zip(network.W, network.c, strict=True):
        y = torch.tanh(y) @ W.t() + c
    return torch.tanh(y) @ network.w_out.t() + network.b_out


def derivatives_of(f: Tensor, leaves: Mapping[str, Tensor], streams: Streams) -> list[Tensor]:
    """f (N,) and all its derivatives that expanded streams carry."""
    first = {name: by(f, leaves[name]) for name in streams.first}
    names = [op.name for op in streams.second]
    assert all(len(name) == 2 for name in names)
    pairs = ((name[0], name[1]) for name in names)
    return [f, *first.values(), *(by(first[a], leaves[b]) for a, b in pairs)]


def plain_fields(
    network: OperatorNetwork, points: Points, params: Tensor, shift: Tensor | None = None
) -> tuple[Tensor, ...]:
    """The represented fields (N,) inside the graph of weights, params, coordinates and shift."""
    problem, n = network.problem, len(points)
    shift = params.new_zeros(len(problem.unknowns)) if shift is None else shift
    at = Textbook(problem, points, params, shift, derivatives=False)
    known = problem.features(at) + (
        at.stop_gradient_inputs if network.theta and problem.stop_gradient_inputs else []
    )
    features = torch.stack([f.value.expand(n) for f in known], 1)
    out = plain_network(network, features, [z.value for z in at.inputs])
    N = tuple(Jet(row.reshape(1, 1, -1), at.streams) for row in out.t())
    return tuple(u.value.expand(n) for u in as_tuple(problem.transform(problem.together(N), at)))


def plain_field(
    network: OperatorNetwork, points: Points, params: Tensor, shift: Tensor | None = None
) -> Tensor:
    """The one represented field (N,), likewise."""
    (u,) = plain_fields(network, points, params, shift)
    return u


def fields_and_derivatives(
    network: OperatorNetwork, points: Points, params: Tensor, shift: Tensor
) -> tuple[tuple[Jet, ...], PointJets]:
    """The represented fields with the derivatives that the residual reads, and their frame."""
    leaves = {c: x.clone().requires_grad_() for c, x in points.coordinates.items()}
    moving = Points(leaves, points.known)
    fields = plain_fields(network, moving, params, shift)
    at = Textbook(network.problem, moving, params, shift, derivatives=True)
    rows = [torch.stack(derivatives_of(u, leaves, at.streams))[None] for u in fields]
    return tuple(Jet(row, at.streams) for row in rows), at


def field_and_derivatives(
    network: OperatorNetwork, points: Points, params: Tensor, shift: Tensor
) -> tuple[Jet, PointJets]:
    """Of the one represented field, likewise."""
    (u,), at = fields_and_derivatives(network, points, params, shift)
    return u, at


def residuals(
    network: OperatorNetwork, points: Points, params: Tensor
) -> list[tuple[Tensor, Tensor]]:
    """Every equation's residual r (N,) and dr/dz (m, N), the latter total ones."""
    shift = no_shift(network)
    u, at = fields_and_derivatives(network, points, params, shift)
    found = []
    for r in network.problem.residuals(u, at):
        value = r.value.expand(len(points))
        if not value.requires_grad:
            value = value + 0 * shift.sum()
        found.append((value.detach(), tangents_of(value, shift).detach()))
    return found


def no_shift(network: OperatorNetwork) -> Tensor:
    """Zero, for autograd to differentiate by: one entry an unknown."""
    return network.like.new_zeros(len(network.problem.unknowns)).requires_grad_()


def nested(network: OperatorNetwork, points: Points, params: Tensor, w_rgrad: float) -> Oracle:
    """Everything that `bilo.lower.losses.operator_loss` promises, the textbook way."""
    problem, shift = network.problem, no_shift(network)
    u, at = fields_and_derivatives(network, points, params, shift)
    r = torch.stack([one.value for one in problem.residuals(u, at)])
    weight = problem.weight(problem.together(tuple(f.detach() for f in u)), at)
    scale = torch.ones_like(r[0]) if weight is None else weight.detach()
    tangents = torch.stack([tangents_of(one, shift) for one in r])
    residual = (scale * r**2).mean(1).sum()
    gradient = (scale * tangents**2).mean(2).sum()
    conditions = torch.zeros(())
    for condition in problem.conditions():
        there = condition.points.to(network.like)
        u, at = fields_and_derivatives(network, there, params, shift)
        for c in as_tuple(condition.residual(problem.together(u), at)):
            both = (c.value**2).mean() + w_rgrad * (tangents_of(c.value, shift) ** 2).sum(0).mean()
            conditions = conditions + condition.weight * both
    names, weights = zip(*network.named_parameters(), strict=True)
    grads = torch.autograd.grad(residual + w_rgrad * gradient + conditions, weights)
    return Oracle(
        r.detach().squeeze(0),
        tangents.detach().squeeze(0),
        residual.detach(),
        gradient.detach(),
        conditions.detach(),
        dict(zip(names, grads, strict=True)),
    )
