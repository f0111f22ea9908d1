"""The network operation: all derivative streams of an MLP, forward and by a hand-written backward.

Truncated Taylor coefficients run through the layers side by side: one matrix product a layer for
all streams, one elementwise composition an activation (`tanh_streams`). The points are
processed in chunks that stay in the processor's cache. Nested reverse-mode differentiation of the
same quantities builds graphs of graphs; here the backward pass is the exact adjoint of the
composition formulas, written out.

Moving numbers through memory costs as much as the arithmetic, so little is kept for the backward
pass: the pre-activations y alone, tanh in the place of their value. What can be had from them or
from the input in less time than it takes to store is made again.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from bilo.taylor import tanh_streams
from bilo.taylor.streams import Streams
from bilo.taylor.tanh_streams import Pairs
from bilo.taylor.workspace import workspace

CHUNK_CPU = 320
"""Most points of a chunk on a CPU: a layer's streams stay near the processor, the calls few."""

Weights = list[tuple[Tensor, Tensor]]


@dataclass(frozen=True)
class Chunk:
    """What the backward pass needs at the points start:stop.

    Attributes
    ----------
    start, stop : int
    x : Tensor
        Input jets, their tangents along the direction if there is one.
    saved : list of Tensor
        Pre-activations of the hidden layers but the first, all tangents.
    pairs : list
    direction : Tensor (m, stop - start) or None
    """

    start: int
    stop: int
    x: Tensor
    saved: list[Tensor]
    pairs: Pairs
    direction: Tensor | None


class TaylorMLP:
    """Jets propagated through a tanh MLP with linear output, and what its backward pass needs.

        y_1 = W_1 x + b_1,   y_{k+1} = W_{k+1} tanh(y_k) + b_{k+1},   out = y_K

    Parameters
    ----------
    x : Tensor, shape (1 + m, P, N, d_in)
        Input jets (`stack`): streams and theta-tangents of every input feature.
    weights : list of (W (d_out, d_in), b (d_out,))
    streams : Streams
        The meaning of the second axis.
    chunk : int, optional
        Most points processed together; default 320 on a CPU, all of them on a GPU.

    Attributes
    ----------
    out : Tensor, shape (1 + m, P, N, d_out)
        The output jets, outside any autograd graph; `along` gives them inside one.
    """

    def __init__(
        self, x: Tensor, weights: Weights, streams: Streams, chunk: int | None = None
    ) -> None:
        self.x, self.weights, self.streams = x, weights, streams
        points = x.shape[2]
        largest = chunk or (CHUNK_CPU if x.device.type == "cpu" else points)
        size = math.ceil(points / math.ceil(points / largest))
        starts = range(0, points, size)
        self.bounds = [(start, min(start + size, x.shape[2])) for start in starts]
        self.saved: list[list[Tensor]] = []
        keep = torch.is_grad_enabled()
        with torch.no_grad():
            # as the matrix product reads them, a twentieth faster
            self._transposed = [w.t().contiguous() for w, _ in weights]
            pairs = tanh_streams.pairs_of(streams)
            self.out = torch.cat([self._forward(*bound, pairs, keep) for bound in self.bounds], 2)

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

    def _forward(self, start: int, stop: int, pairs: Pairs, keep: bool) -> Tensor:
        """One chunk of points through all layers."""
        pairs = tanh_streams.part_of(pairs, start, stop)
        y = self._affine(0, self.x[:, :, start:stop].contiguous())
        saved = []
        for k in range(1, len(self.weights)):
            z = tanh_streams.forward(y, pairs)
            if keep and k > 1:
                saved.append(y)
            else:
                workspace.give(y)
            y = self._affine(k, z)
            workspace.give(z)
        if keep:
            self.saved.append(saved)
        return y

    def _affine(self, k: int, z: Tensor) -> Tensor:
        """y of layer k from its input; the value of a hidden layer is put through tanh at once."""
        y = workspace.take((*z.shape[:3], len(self.weights[k][0])), z)
        torch.mm(_rows(z), self._transposed[k], out=_rows(y))
        value = y[0, 0].add_(self.weights[k][1])
        if k < len(self.weights) - 1:
            value.tanh_()
        return y

    def backward(
        self, grad: Tensor, direction: Tensor | None, need_x: bool, need: list[bool]
    ) -> tuple[Tensor | None, list[Tensor | None]]:
        """Adjoint pass: from the gradient by `along(direction)` to those by `x` and by the weights.

        The weights are a flat list.
        """
        grads: list[Tensor | None] = [None] * (2 * len(self.weights))
        grads_x = []
        for chunk in self.spend(direction):
            for k, g, z in self.pull(grad, chunk):
                if need[2 * k]:
                    _accumulate(grads, 2 * k, _outer(_rows(g), _rows(z)))
                    _accumulate(grads, 2 * k + 1, g[0, 0].sum(0))
                if k == 0 and need_x:
                    grads_x.append(g @ self.weights[0][0])
        return (torch.cat(grads_x, 2) if need_x else None), grads

    def spend(self, direction: Tensor | None = None) -> Iterator[Chunk]:
        """What the forward pass saved, chunk by chunk; can be had once."""
        if len(self.saved) != len(self.bounds):
            raise RuntimeError("the streams of a forward pass can be differentiated once")
        x = self.x if direction is None else tanh_streams.contract(self.x, direction)
        pairs = tanh_streams.pairs_of(self.streams, direction)
        for (start, stop), saved in zip(self.bounds, self.saved, strict=True):
            yield Chunk(
                start,
                stop,
                x[:, :, start:stop].contiguous(),
                saved,
                tanh_streams.part_of(pairs, start, stop),
                None if direction is None else direction[:, start:stop].contiguous(),
            )
            for y in saved:
                workspace.give(y)
        self.saved = []

    def pull(self, grad: Tensor, chunk: Chunk) -> Iterator[tuple[int, Tensor, Tensor]]:
        """(k, gradient by y_k, input of layer k) of a chunk, from the last layer on.

        `grad` is the gradient by the output at all points. The tensors are good until the next.
        """
        g = grad[:, :, chunk.start : chunk.stop].clone(memory_format=torch.contiguous_format)
        for k in reversed(range(1, len(self.weights))):
            w = self.weights[k][0]
            by_z = workspace.take((*g.shape[:3], w.shape[1]), g)
            torch.mm(_rows(g), w, out=_rows(by_z))
            if k > 1:
                y = chunk.saved[k - 2]
                by_y, z = tanh_streams.adjoint(y, by_z, chunk.pairs, chunk.direction)
            else:
                y = self._affine(0, chunk.x)
                by_y, z = tanh_streams.adjoint(y, by_z, chunk.pairs)
                workspace.give(y)
            yield k, g, z
            workspace.give(g)
            workspace.give(z)
            g = by_y
        yield 0, g, chunk.x
        workspace.give(g)


class _Along(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, mlp: TaylorMLP, direction: Tensor | None, x: Tensor, *flat: Tensor
    ) -> Tensor:
        ctx.mlp, ctx.direction = mlp, direction
        return mlp.out.clone() if direction is None else tanh_streams.contract(mlp.out, direction)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:  # type: ignore[override]
        need_x, *need = ctx.needs_input_grad[2:]
        if need_x and ctx.direction is not None:
            raise ValueError("the gradient by the input needs all tangents: use along(None)")
        grad_x, grads = ctx.mlp.backward(grad, ctx.direction, need_x, need)
        return (None, None, grad_x, *grads)


def _rows(y: Tensor) -> Tensor:
    """All streams and points of a layer as one matrix."""
    return y.view(-1, y.shape[-1])


def _outer(g: Tensor, z: Tensor) -> Tensor:
    """g^T z; the library is several times faster with the narrow factor on the left."""
    return g.t() @ z if z.shape[1] >= 32 else (z.t() @ g).t()


def _accumulate(grads: list[Tensor | None], k: int, part: Tensor) -> None:
    total = grads[k]
    grads[k] = part if total is None else total.add_(part)
