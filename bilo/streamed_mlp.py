"""The network operation: all derivative streams of an MLP, forward and by a hand-written backward.

Truncated Taylor coefficients run through the layers side by side: one matrix product a layer for
all streams, one elementwise composition an activation (`bilo.tanh_streams`). The points are
processed in chunks that stay in the processor's cache. Nested reverse-mode differentiation of the
same quantities builds graphs of graphs; here the backward pass is the exact adjoint of the
composition formulas, written out.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from bilo import tanh_streams
from bilo.streams import Streams
from bilo.workspace import workspace

CHUNK_CPU = 512
"""Points a chunk on a CPU: a layer's streams stay near the processor, and calls stay few."""

Weights = list[tuple[Tensor, Tensor]]


class StreamedMLP:
    """Jets propagated through a tanh MLP with linear output, and what its backward pass needs.

        y_1 = W_1 x + b_1,   y_{k+1} = W_{k+1} tanh(y_k) + b_{k+1},   out = y_K

    Parameters
    ----------
    x : Tensor, shape (1 + m, P, N, d_in)
        Input jets (`bilo.jets.stack`): streams and theta-tangents of every input feature.
    weights : list of (W (d_out, d_in), b (d_out,))
    streams : Streams
        The meaning of the second axis.
    chunk : int, optional
        Points processed together; default 512 on a CPU, all of them on a GPU.

    Attributes
    ----------
    out : Tensor, shape (1 + m, P, N, d_out)
        The output jets, outside any autograd graph; `along` gives them inside one.
    """

    def __init__(
        self, x: Tensor, weights: Weights, streams: Streams, chunk: int | None = None
    ) -> None:
        self.x, self.weights, self.streams = x, weights, streams
        size = chunk or (CHUNK_CPU if x.device.type == "cpu" else x.shape[2])
        starts = range(0, x.shape[2], size)
        self.bounds = [(start, min(start + size, x.shape[2])) for start in starts]
        self.saved: list[list[tuple[Tensor, Tensor]]] = []
        keep = torch.is_grad_enabled()
        with torch.no_grad():
            self.out = torch.cat([self._forward(*bound, keep) for bound in self.bounds], 2)

    def along(self, direction: Tensor | None = None) -> Tensor:
        """Output jets inside the autograd graph, differentiable once by the weights and by `x`.

        Parameters
        ----------
        direction : Tensor, shape (m, N), optional
            Contract the theta-tangents to the one directional derivative
            ``sum_j direction_j d/dtheta_j`` at every point; the result has shape (2, P, N, d_out).
            A loss of a scalar residual has cotangents of exactly this rank-one form, so the
            backward pass costs one tangent instead of m. None keeps all tangents.
        """
        flat = [p for layer in self.weights for p in layer]
        out: Tensor = _Along.apply(self, direction, self.x, *flat)  # type: ignore[no-untyped-call]
        return out

    def _forward(self, start: int, stop: int, keep: bool) -> Tensor:
        """One chunk of points through all layers.

        `saved` holds the input z and the pre-activation y of each layer.
        """
        pairs = tanh_streams.pairs_of(self.streams, start, stop)
        z = self.x[:, :, start:stop].contiguous()
        saved = []
        for k, (w, b) in enumerate(self.weights):
            y = workspace.take((*z.shape[:3], len(w)), z)
            torch.mm(z.flatten(0, 2), w.t(), out=y.flatten(0, 2))
            y[0, 0] += b
            saved.append((z, y))
            if k < len(self.weights) - 1:
                z = tanh_streams.forward(y, pairs)
        out = saved[-1][1].clone()
        if keep:
            self.saved.append(saved)
        else:
            _release(saved)
        return out

    def backward(
        self, grad: Tensor, direction: Tensor | None, need_x: bool, need: list[bool]
    ) -> tuple[Tensor | None, list[Tensor | None]]:
        """Adjoint pass: from the gradient by `along(direction)` to those by `x` and by the weights.

        The weights are a flat list.
        """
        grads: list[Tensor | None] = [None] * (2 * len(self.weights))
        grads_x = []
        for start, stop, saved in self.spend():
            pairs = tanh_streams.pairs_of(self.streams, start, stop, direction)
            part = None if direction is None else direction[:, start:stop]
            g = grad[:, :, start:stop].contiguous()
            for k in reversed(range(len(self.weights))):
                z, y = saved[k]
                if k < len(self.weights) - 1:
                    along = _contract(y, part)
                    g = _replace(g, tanh_streams.adjoint(along, saved[k + 1][0][0, 0], g, pairs))
                    _discard(along, y)
                if need[2 * k]:
                    along = _contract(z, part)
                    _accumulate(grads, 2 * k, _outer(g.flatten(0, 2), along.flatten(0, 2)))
                    _accumulate(grads, 2 * k + 1, g[0, 0].sum(0))
                    _discard(along, z)
                if k or need_x:
                    by_z = workspace.take((*g.shape[:3], z.shape[-1]), g)
                    torch.mm(g.flatten(0, 2), self.weights[k][0], out=by_z.flatten(0, 2))
                    g = _replace(g, by_z)
            if need_x:
                grads_x.append(g.clone())
            workspace.give(g)
        return (torch.cat(grads_x, 2) if need_x else None), grads

    def spend(self) -> Iterator[tuple[int, int, list[tuple[Tensor, Tensor]]]]:
        """What the forward pass saved, as (start, stop, saved) by chunks; can be had once."""
        if len(self.saved) != len(self.bounds):
            raise RuntimeError("the streams of a forward pass can be differentiated once")
        for (start, stop), saved in zip(self.bounds, self.saved, strict=True):
            yield start, stop, saved
            _release(saved)
        self.saved = []


def _release(saved: list[tuple[Tensor, Tensor]]) -> None:
    for k, (z, y) in enumerate(saved):
        if k:
            workspace.give(z)
        workspace.give(y)


def _replace(old: Tensor, new: Tensor) -> Tensor:
    workspace.give(old)
    return new


def _discard(along: Tensor, full: Tensor) -> None:
    if along is not full:
        workspace.give(along)


class _Along(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, mlp: StreamedMLP, direction: Tensor | None, x: Tensor, *flat: Tensor
    ) -> Tensor:
        ctx.mlp, ctx.direction = mlp, direction
        return mlp.out.clone() if direction is None else _contract(mlp.out, direction)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:  # type: ignore[override]
        need_x, *need = ctx.needs_input_grad[2:]
        if need_x and ctx.direction is not None:
            raise ValueError("the gradient by the input needs all tangents: use along(None)")
        grad_x, grads = ctx.mlp.backward(grad, ctx.direction, need_x, need)
        return (None, None, grad_x, *grads)


def _contract(y: Tensor, direction: Tensor | None) -> Tensor:
    return y if direction is None else tanh_streams.contract(y, direction)


def _outer(g: Tensor, z: Tensor) -> Tensor:
    """g^T z; the library is several times faster with the narrow factor on the left."""
    return g.t() @ z if z.shape[1] >= 32 else (z.t() @ g).t()


def _accumulate(grads: list[Tensor | None], k: int, part: Tensor) -> None:
    total = grads[k]
    grads[k] = part if total is None else total.add_(part)
