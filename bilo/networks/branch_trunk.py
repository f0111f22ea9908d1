"""DeepONet: an operator as the product of a branch, of the unknowns, and a trunk, of the point."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from bilo.inverse.chain_rule import by_params
from bilo.inverse.coordinate_jets import CoordinateJets
from bilo.inverse.fields import as_tuple
from bilo.inverse.point_jets import PointJets
from bilo.inverse.points import Points
from bilo.inverse.problem import Problem
from bilo.inverse.unknown import Scalar
from bilo.networks.network import Network
from bilo.taylor.jets import Jet, stack
from bilo.taylor.streams import VALUE
from bilo.taylor.taylor_mlp import TaylorMLP

FEATURES = 48
"""Products of branch and trunk, p."""


class DeepONet(Network):
    """u(x, theta) = transform(sum_k b_k(r(theta)) t_k(x)), k = 1 .. p.

    Branch b and trunk t are tanh MLPs with p linear outputs. The branch sees the readings r of the
    unknowns, scalars themselves and functions at the points of their sensors, with the
    range in which they are sampled mapped to (-1, 1).

    Parameters
    ----------
    problem : Problem
    width, layers : int
        Width and number of tanh layers, of branch and trunk each.
    seed : int
        Of the weights.

    Raises
    ------
    ValueError
        If an unknown function has no ensemble.
    """

    def __init__(self, problem: Problem, width: int, layers: int, seed: int) -> None:
        super().__init__()
        self.problem = problem
        self.sizes = [len(k.read(k.start, k.sensors)) for k in problem.unknowns]
        self.ranges = [k.sensor_range for k in problem.unknowns]
        generator = torch.Generator().manual_seed(seed)
        hidden = [width] * layers
        self.branch = _mlp([sum(self.sizes), *hidden, FEATURES], generator)
        self.trunk = _mlp([problem.feature_count(), *hidden, FEATURES], generator)

    def size(self) -> dict[str, Any]:
        """Width and layers of branch and trunk."""
        first = self.trunk[0]
        return {"width": len(first.get_parameter("weight")), "layers": len(self.trunk) - 1}

    def forward(self, at: PointJets) -> Jet:
        """The product rule by hand: b has no derivatives in x, t none by theta of its own.

        Tangents are by scalars, which are what is read; a function's reading stays as it is when
        the function changes at a point.
        """
        parts = zip(self.problem.unknowns, self.problem.split(at.params), at.inputs, strict=True)
        sensor_values = [
            z.data[:, :1, :, None]
            if isinstance(k, Scalar)
            else k.sensor_values(part)[None, None, None]
            for k, part, z in parts
        ]
        t, b = self._trunk(at), self._branch(sensor_values)
        by_x = (b[:1] * t).sum(-1)
        by_theta = torch.cat([torch.zeros_like(by_x[:1]), (b[1:] * t[:1]).sum(-1)])
        return Jet(by_x, at.streams) + Jet(by_theta, at.streams)

    def fields(self, points: Points, sensor_values: Tensor, inputs: Tensor | None = None) -> Tensor:
        """Represented fields (B, N) at points for readings (B, K) of unknowns.

        The branch is evaluated B times and the trunk N times, not both B N times.

        Parameters
        ----------
        inputs : Tensor (B, m, N or 1), optional
            The unknowns at the points, for the transform; None: scalars, their own readings.
        """
        B, N, m = len(sensor_values), len(points), len(self.problem.unknowns)
        inputs = (sensor_values[..., None] if inputs is None else inputs).expand(B, m, N)
        again = torch.arange(N, device=sensor_values.device).repeat(B)
        at_all = inputs.transpose(0, 1).reshape(m, -1)
        pairs = PointJets.of_inputs(self.problem, points.part(again), at_all)
        here = PointJets.of_inputs(self.problem, points, inputs[0])
        t = self._trunk(here)[0, 0]
        b = self._branch(sensor_values[None, None].split(self.sizes, -1))[0, 0]
        (u,) = as_tuple(self.problem.transform(Jet.known(b @ t.t()), pairs))
        return u.value.view(B, N)

    @torch.no_grad()
    def linearised(self, points: Points, params: Tensor) -> tuple[Tensor, Tensor]:
        """The field (N,) at points and its derivative by all params (size, N).

        Through the readings, and through the transform where it contains unknowns.
        """
        problem, single = self.problem, params.to(self.like)
        here = points.to(self.like)
        plain = PointJets(problem, here, single, tangents=False, derivatives=False)
        moving = PointJets(problem, here, single, derivatives=False)
        parts = list(zip(problem.unknowns, problem.split(params), strict=True))
        r = torch.cat([k.sensor_values(part) for k, part in parts]).to(self.like)
        jets = torch.cat([r[None], torch.eye(len(r)).to(r)])[:, None, None]
        b = self._branch(jets.split(self.sizes, -1))[:, 0, 0]
        N = (b @ self._trunk(plain)[0, 0].t())[:, None]
        (u,) = as_tuple(problem.transform(Jet(N, plain.streams), plain))
        (through_transform,) = as_tuple(problem.transform(Jet(N[:1], moving.streams), moving))
        by_inputs = through_transform.coefficients(1 + len(parts))[1:].to(params)
        by_readings = u.tangents.to(params).split(self.sizes)
        X = [
            k.input_by_params(part, CoordinateJets(k.sensors.to(part), VALUE)) @ by
            for (k, part), by in zip(parts, by_readings, strict=True)
        ]
        return u.value.to(params), torch.cat(X) + by_params(problem, points, params, by_inputs)

    @property
    def like(self) -> Tensor:
        """A tensor with the network's type and device."""
        return next(self.parameters())

    def _trunk(self, at: PointJets) -> Tensor:
        """Jets t (1 + m', P, N, p), their tangents those of the streams alone."""
        x = stack(self.problem.features(at))
        return TaylorMLP(x, _weights(self.trunk), at.streams).along()

    def _branch(self, sensor_values: Sequence[Tensor]) -> Tensor:
        """Value and tangents b (1 + m, 1, B, p) from those of each unknown's sensor_values."""
        rows, B = (max(r.shape[k] for r in sensor_values) for k in (0, 2))
        scaled = []
        for r, (low, high) in zip(sensor_values, self.ranges, strict=True):
            value = (r[:1] - (low + high) / 2) * (2 / (high - low))
            tangents = r[1:] * (2 / (high - low))
            missing = r.new_zeros(rows - len(r), *r.shape[1:])
            scaled.append(torch.cat([value, tangents, missing]).expand(-1, -1, B, -1))
        return TaylorMLP(torch.cat(scaled, -1), _weights(self.branch), VALUE).along()


def _mlp(sizes: list[int], generator: torch.Generator) -> nn.ModuleList:
    """Linear layers with weights and biases from U(-1/sqrt(d), 1/sqrt(d)), d the inputs."""
    layers = nn.ModuleList()
    for d, width in itertools.pairwise(sizes):
        layer = nn.utils.skip_init(nn.Linear, d, width)
        for parameter in layer.parameters():
            nn.init.uniform_(parameter, -1 / math.sqrt(d), 1 / math.sqrt(d), generator)
        layers.append(layer)
    return layers


def _weights(mlp: nn.ModuleList) -> list[tuple[Tensor, Tensor]]:
    return [(layer.get_parameter("weight"), layer.get_parameter("bias")) for layer in mlp]
