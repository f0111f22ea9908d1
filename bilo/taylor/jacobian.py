"""Derivatives of a network's output jets by its weights, point by point.

The backward pass of `TaylorMLP` sums the outer products of gradient and input over the points,
for that is the gradient of a scalar. Least squares wants them point by point: they are the rows of
a Jacobian,

    J_n = sum_s c_s,n d out_s,n / dW,      dW_k: sum_s g_s,n z_s,n^T,   db_k: the value's g_n,

s over streams and tangents, c the derivative of a row by the output jets at its own point.
"""

from __future__ import annotations

import torch
from torch import Tensor

from bilo.taylor.taylor_mlp import TaylorMLP


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
