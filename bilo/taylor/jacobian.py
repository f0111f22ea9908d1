"""Derivatives of a network's output jets by its weights, point by point.

The backward pass of `TaylorMLP` sums the outer products of gradient and input over the points,
for that is the gradient of a scalar. Least squares wants them point by point: they are the rows of
a Jacobian,

    J_n = sum_s c_s,n d out_s,n / dW,      dW_k: sum_s g_s,n z_s,n^T,   db_k: the value's g_n,

s over streams and tangents, c the derivative of a row by the output jets at its own point.
"""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor

from bilo.taylor.taylor_mlp import TaylorMLP


class Products(Protocol):
    """A Jacobian J (N, weights) that is known by its products."""

    def times(self, v: Tensor) -> Tensor:
        """J v (N,)."""

    def transposed(self, w: Tensor) -> Tensor:
        """J^T w (weights,)."""


def per_point_weight_jacobian(mlp: TaylorMLP, cotangents: Tensor, features: int) -> Tensor:
    """Contract the output jets' derivative by the weights, at every point for itself.

    Parameters
    ----------
    mlp : TaylorMLP
        A forward pass, not differentiated yet; it is spent by this.
    cotangents : Tensor (K, 1 + m, P, N, outputs)
        K derivatives by the output jets at every point.
    features : int
        Inputs whose weights are trained: the first ones.

    Returns
    -------
    Tensor (K, N, weights)
        Layer by layer: the weight matrix by rows, then the bias.
    """
    widths = [features, *(w.shape[1] for w, _ in mlp.weights[1:])]
    sizes = [len(b) * (width + 1) for width, (_, b) in zip(widths, mlp.weights, strict=True)]
    J = cotangents.new_empty(len(cotangents), cotangents.shape[3], sum(sizes))
    columns = J.split(sizes, 2)
    for chunk in mlp.spend():
        points = slice(chunk.start, chunk.stop)
        for row, cotangent in enumerate(cotangents):
            for k, g, z in mlp.pull(cotangent, chunk):
                by_w = torch.einsum("spno,spni->noi", g, z[..., : widths[k]])
                columns[k][row, points] = torch.cat([by_w.flatten(1), g[0, 0]], 1)
    return J


class FactoredJacobian:
    """One row a point of `per_point_weight_jacobian` by its factors g and z, J never formed.

        J v = sum_k,s g_s (V_k z_s) + g b_k,      J^T w = (sum_s,n w_n g_s,n z_s,n^T, sum_n w_n g_n)

    Parameters
    ----------
    mlp, features
        As there.
    cotangent : Tensor (1 + m, P, N, outputs)
    """

    def __init__(self, mlp: TaylorMLP, cotangent: Tensor, features: int) -> None:
        widths = [features, *(w.shape[1] for w, _ in mlp.weights[1:])]
        self._shapes = [(len(b), i) for i, (_, b) in zip(widths, mlp.weights, strict=True)]
        parts: list[list[tuple[Tensor, Tensor]]] = [[] for _ in widths]
        for chunk in mlp.spend():
            for k, g, z in mlp.pull(cotangent, chunk):
                parts[k].append((_copy(g), _copy(z[..., : widths[k]])))
        self._factors = [
            (torch.cat([g for g, _ in part], 1), torch.cat([z for _, z in part], 1))
            for part in parts
        ]

    def times(self, v: Tensor) -> Tensor:
        """J v (N,) of v (weights,)."""
        total = v.new_zeros(self._factors[0][0].shape[1])
        for (g, z), (V, bias) in zip(self._factors, self._layers(v), strict=True):
            total += (g * (z @ V.t())).sum((0, 2)) + g[0] @ bias
        return total

    def transposed(self, w: Tensor) -> Tensor:
        """J^T w (weights,) of w (N,)."""
        layers = []
        for g, z in self._factors:
            weighted = g * w[:, None]
            by_matrix = weighted.flatten(0, 1).t() @ z.flatten(0, 1)
            layers += [by_matrix.flatten(), weighted[0].sum(0)]
        return torch.cat(layers)

    def _layers(self, v: Tensor) -> list[tuple[Tensor, Tensor]]:
        parts = v.split([o * (i + 1) for o, i in self._shapes])
        return [
            (part[: o * i].view(o, i), part[o * i :])
            for part, (o, i) in zip(parts, self._shapes, strict=True)
        ]


def _copy(jets: Tensor) -> Tensor:
    """(streams and tangents, N, d) of what is good until the next layer only."""
    return jets.flatten(0, 1).clone()
