"""Networks that represent a field, and the local operator: an MLP with a frozen embedding."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import Any

import torch
from torch import Tensor, nn

from bilo.inverse.fields import as_tuple
from bilo.inverse.objective import Objective, interleaved
from bilo.inverse.point_jets import PointJets, asked_by
from bilo.inverse.points import Points
from bilo.inverse.problem import Problem
from bilo.taylor.fourier import fourier_features
from bilo.taylor.jets import Jet, stack
from bilo.taylor.taylor_mlp import TaylorMLP


class Network(nn.Module, ABC):
    """A network whose outputs represent the fields: u = problem.transform(network(at), at)."""

    problem: Problem
    theta: bool = True
    """Whether it takes the unknowns: a PINN's does not, and knows no other than its own."""

    @abstractmethod
    def size(self) -> dict[str, Any]:
        """What it is made with, beside the problem and a seed."""

    @abstractmethod
    def forward(self, at: PointJets) -> Any:
        """Network output inside the autograd graph: a jet, or a tuple of jets for a system."""

    def represented(self, at: PointJets) -> tuple[Jet, ...]:
        """The represented fields."""
        return as_tuple(self.problem.transform(self(at), at))

    @property
    @abstractmethod
    def like(self) -> Tensor:
        """A tensor with the network's type and device."""


class OperatorNetwork(Network):
    """u(x, theta; W): first layer ``tanh(A x + R theta + b)``, then tanh layers, linear output.

    R is drawn once from U(-1/sqrt(d), 1/sqrt(d)), d the number of unknowns, and frozen: a trained R
    would let the residual-gradient loss vanish by R -> 0.

    Parameters
    ----------
    problem : Problem
        Gives the input features.
    width, layers : int
        Width and number of tanh layers, the embedding layer included.
    fourier : int
        Pairs ``sin, cos(pi b . x)``, b ~ N(0, s^2), of the problem's leading features; frozen.
    theta : bool
        False leaves the unknowns out: the PINN's network.
    seed : int
        Of all random draws.
    """

    B: Tensor
    R: Tensor

    def __init__(
        self,
        problem: Problem,
        width: int,
        layers: int,
        fourier: int,
        seed: int,
        *,
        theta: bool = True,
    ) -> None:
        super().__init__()
        self.problem, self.theta = problem, theta
        generator = torch.Generator().manual_seed(seed)
        m = len(problem.unknowns) if theta else 0
        k = problem.fourier_coordinates
        held = len(problem.unknowns) if theta and problem.stop_gradient_inputs else 0
        d = problem.feature_count() + held + 2 * fourier

        def uniform(bound: float, *shape: int) -> Tensor:
            return (2 * torch.rand(*shape, generator=generator) - 1) * bound

        scale = math.pi * problem.fourier_scale
        self.register_buffer("B", scale * torch.randn(fourier, k, generator=generator))
        self.register_buffer("R", uniform(1 / math.sqrt(max(m, 1)), width, m))
        self.A = nn.Parameter(uniform(1 / math.sqrt(d), width, d))
        self.b = nn.Parameter(uniform(1 / math.sqrt(d), width))
        bound = 1 / math.sqrt(width)
        self.W = nn.ParameterList(uniform(bound, width, width) for _ in range(layers - 1))
        self.c = nn.ParameterList(uniform(bound, width) for _ in range(layers - 1))
        self.w_out = nn.Parameter(uniform(bound, len(problem.fields), width))
        self.b_out = nn.Parameter(uniform(bound, len(problem.fields)))

    def size(self) -> dict[str, Any]:
        """Width, layers, Fourier pairs, and whether it takes the unknowns."""
        layers = 1 + len(self.W)
        return {
            "width": len(self.A), "layers": layers, "fourier": len(self.B), "theta": self.theta,
        }  # fmt: skip

    def inputs(self, at: PointJets) -> Tensor:
        """Input jets (1 + m, P, N, d): features, their Fourier pairs, unknowns."""
        features = self.problem.features(at)
        if self.theta and self.problem.stop_gradient_inputs:
            features = features + at.stop_gradient_inputs
        x = stack(features + (at.inputs if self.theta else []))
        if not len(self.B):
            return x
        k, d = self.problem.fourier_coordinates, len(features)
        waves = fourier_features(x[..., :k], self.B, at.streams)
        return torch.cat([x[..., :d], waves, x[..., d:]], -1)

    def layers(self) -> list[tuple[Tensor, Tensor]]:
        """Trained weight and bias of every layer."""
        hidden = zip(self.W, self.c, strict=True)
        return [(self.A, self.b), *hidden, (self.w_out, self.b_out)]

    def weights(self) -> list[tuple[Tensor, Tensor]]:
        """Weight and bias of every layer, the frozen embedding joined to the first."""
        (A, b), *rest = self.layers()
        return [(torch.cat([A, self.R], 1), b), *rest]

    def vector(self) -> Tensor:
        """A copy of all trained weights (P,): matrix by rows, then bias, layer by layer."""
        return torch.cat([p.detach().flatten() for layer in self.layers() for p in layer])

    @torch.no_grad()
    def assign(self, vector: Tensor) -> None:
        """Set all trained weights, in the order of `vector`."""
        weights = [p for layer in self.layers() for p in layer]
        for p, part in zip(weights, vector.split([p.numel() for p in weights]), strict=True):
            p.copy_(part.view_as(p))

    def streams(self, at: PointJets) -> TaylorMLP:
        """The forward pass with all streams; `TaylorMLP.along` joins it to the autograd graph."""
        return TaylorMLP(self.inputs(at), self.weights(), at.streams)

    def forward(self, at: PointJets) -> Any:
        """Network output inside the autograd graph: a jet, or a tuple of jets for a system."""
        out = self.streams(at).along()
        jets = tuple(Jet(out[..., k], at.streams) for k in range(out.shape[-1]))
        return self.problem.together(jets)

    @property
    def like(self) -> Tensor:
        """A tensor with the network's type and device."""
        return self.A


def field(network: Network, points: Points, params: Tensor, *, tangents: bool = False) -> Jet:
    """The represented field at points, its value and, if asked, its derivatives by the unknowns.

    Of a system the fields of one point stand side by side: N fields entries.
    """
    at = PointJets(network.problem, points, params, tangents=tangents, derivatives=False)
    return interleaved(network.represented(at))


def seen(network: Network, data: Objective, params: Tensor, *, tangents: bool = False) -> Jet:
    """What the data see of the represented field at their points, likewise."""
    problem, points = network.problem, data.points.to(network.like)
    if data.seen is None:
        return field(network, points, params, tangents=tangents)
    also = asked_by(problem, data.seen, points, params)
    at = PointJets(problem, points, params, tangents=tangents, derivatives=bool(also), also=also)
    return interleaved(as_tuple(data.seen(problem.together(network.represented(at)), at)))
