"""The local operator in directions: one trunk, one row of the last layer for every direction.

    u(x, c; W) = transform( h(x; W) . (w_0 + sum_k c_k w_k),   f + sum_k c_k phi_k )

At c = 0 it represents the fields, and T_k = du/dc_k, its response to the k-th direction, is another
combination of the same features h. The embedding of c is the identity of the last layer: it cannot
shrink, and a direction costs a row.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from bilo.inverse.point_jets import PointJets
from bilo.inverse.problem import Problem
from bilo.networks.network import OperatorNetwork
from bilo.taylor.taylor_mlp import TaylorMLP


class ResponseNetwork(OperatorNetwork):
    """A trunk of tanh layers that starts as a basis: slopes of all sizes, centres all over the box.

        h_i = tanh(a_i . (x - x_i)),   a_ij ~ U(-s_j, s_j),   x_i ~ U(box),   then tanh layers

    Parameters
    ----------
    problem : Problem
    width, layers : int
        Of the trunk.
    slopes : sequence of float
        s_j, the largest slope along each feature. What is best depends on the equation alone:
        `bilo.lower.trunk.tuned_slopes` finds it.
    seed : int
    """

    def __init__(
        self, problem: Problem, width: int, layers: int, slopes: Sequence[float], seed: int
    ) -> None:
        super().__init__(problem, width, layers, 0, seed, theta=False)
        self.seed = seed
        self.start(slopes)

    def size(self) -> dict[str, Any]:
        """Width and layers; the slopes are in the weights, which are given afterwards."""
        width, features = self.A.shape
        return {"width": width, "layers": 1 + len(self.W), "slopes": [1.0] * features}

    @torch.no_grad()
    def start(self, slopes: Sequence[float]) -> None:
        """Draw the trunk anew with these slopes; the last layer is zero."""
        generator = torch.Generator().manual_seed(self.seed)
        width, d = self.A.shape

        def uniform(*shape: int) -> Tensor:
            return 2 * torch.rand(*shape, generator=generator) - 1

        A = uniform(width, d) * torch.tensor(tuple(slopes))
        self.A.copy_(A)
        self.b.copy_(-(A * (uniform(width, d) + 1) / 2).sum(1))
        for W, c in zip(self.W, self.c, strict=True):
            W.copy_(uniform(width, width) * math.sqrt(6 / width))
            c.copy_(uniform(width) / 2)
        self.w_out.zero_()
        self.b_out.zero_()

    @torch.no_grad()
    def features(self, at: PointJets) -> Tensor:
        """h and a one, as jets (P, N, width + 1)."""
        eye = torch.eye(len(self.b)).to(self.like)
        layers = [*self.layers()[:-1], (eye, torch.zeros_like(self.b))]
        h = TaylorMLP(self.inputs(at), layers, at.streams).out[0]
        one = h.new_zeros(*h.shape[:2], 1)
        one[0] = 1.0
        return torch.cat([h, one], -1)

    @property
    def rows(self) -> Tensor:
        """w_0 of every field with its bias, one after the other, (fields (width + 1),)."""
        return torch.cat([self.w_out, self.b_out[:, None]], 1).detach().flatten()

    @torch.no_grad()
    def put(self, rows: Tensor) -> None:
        """Set w_0 of every field."""
        table = rows.view(len(self.b_out), -1)
        self.w_out.copy_(table[:, :-1])
        self.b_out.copy_(table[:, -1])
