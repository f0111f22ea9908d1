"""Jets of tanh and their adjoint: the elementwise half of the network operation.

With s1, s2, s3, s4 the derivatives of tanh at the value (polynomials in tanh), Q = sum w_ab y_a y_b
the quadratic form of a second-order stream q, and a dot for the tangent by an unknown:

    z_a    = s1 y_a                      z_q    = s1 y_q + s2 Q
    zdot   = s1 ydot                     zdot_a = s1 ydot_a + s2 ydot y_a
    zdot_q = s1 ydot_q + s2 (ydot y_q + Qdot) + s3 Q ydot,
    Qdot   = sum w (y_a ydot_b + ydot_a y_b) + wdot y_a y_b

The same formulas are in `tanh_streams.c`, fused into one pass over memory; it is used where it
could be built.
"""

from __future__ import annotations

import torch
from torch import Tensor

from bilo import kernel
from bilo.streams import Streams, Weight
from bilo.workspace import workspace

Pairs = list[tuple[int, int, int, Weight]]


def pairs_of(streams: Streams, start: int, stop: int, direction: Tensor | None = None) -> Pairs:
    """All (q, a, b, weight) of a stream set, for the points start:stop.

    Tangents of the weights are contracted to a `direction` (m, N).
    """
    return [
        (q, a, b, _cut(contract_weight(w, direction), start, stop))
        for q, terms in streams.quadratic
        for a, b, w in terms
    ]


def contract_weight(w: Weight, direction: Tensor | None) -> Weight:
    """Operator weight (1 + m, N or 1), its tangents contracted to one direction (m, N): (2, N)."""
    if direction is None or not isinstance(w, Tensor):
        return w
    return torch.stack([w[0].expand(direction.shape[1]), (w[1:] * direction[: len(w) - 1]).sum(0)])


def forward(y: Tensor, pairs: Pairs) -> Tensor:
    """Jets of tanh(y) from jets of y, both (1 + m, P, n, H)."""
    if y.device.type == "cpu" and (fused := kernel.load()) is not None:
        return fused.forward(y, pairs)
    return forward_torch(y, pairs)


def adjoint(y: Tensor, s0: Tensor, g: Tensor, pairs: Pairs) -> Tensor:
    """Gradient by y from the gradient g by z = forward(y), both (1 + m, P, n, H).

    s0 is tanh(y[0, 0]).
    """
    if y.device.type == "cpu" and (fused := kernel.load()) is not None:
        return fused.adjoint(y, s0, g, pairs)
    return adjoint_torch(y, s0, g, pairs)


def contract(y: Tensor, direction: Tensor) -> Tensor:
    """The value, and the tangents (1 + m, P, n, H) along a direction (m, n): (2, P, n, H)."""
    if y.device.type == "cpu" and (fused := kernel.load()) is not None:
        return fused.contract(y, direction)
    return contract_torch(y, direction)


def contract_torch(y: Tensor, direction: Tensor) -> Tensor:
    """`contract` in plain tensor operations, on any device."""
    out = workspace.take((2, *y.shape[1:]), y)
    out[0] = y[0]
    torch.mul(y[1], direction[0].unsqueeze(-1), out=out[1])
    for tangent, v in zip(y[2:], direction[1:], strict=True):
        out[1].addcmul_(tangent, v.unsqueeze(-1))
    return out


def forward_torch(y: Tensor, pairs: Pairs) -> Tensor:
    """`forward` in plain tensor operations, on any device."""
    s0 = torch.tanh(y[0, 0])
    return compose(y, (s0, *_derivatives(s0)[:3]), pairs, workspace.take(y.shape, y))


def compose(
    y: Tensor, s: tuple[Tensor, Tensor, Tensor, Tensor], pairs: Pairs, out: Tensor | None = None
) -> Tensor:
    """Jets of s(y), any function, from jets of y (1 + m, P, n, H) and s, s', s'', s''' (n, H).

    They are written to `out` where there is one; outside of any graph, then.
    """
    s0, s1, s2, s3 = s
    v, t = y[0], y[1:]
    z = y * s1 if out is None else torch.mul(y, s1, out=out)
    z[0, 0] = s0
    if len(t):
        z[1:, 1:].addcmul_((s2 * t[:, 0]).unsqueeze(1), v[1:])
    for q, a, b, weight in pairs:
        w, w_dot = _value_and_tangent(weight, len(t))
        form, curved = v[a] * v[b], s2 * w
        z[0, q].addcmul_(curved, form)
        if len(t):
            for one, other, times in _orders(a, b):
                z[1:, q].addcmul_(curved * v[one], t[:, other], value=times)
            z[1:, q].addcmul_(s3 * w * form, t[:, 0])
            if isinstance(w_dot, Tensor):
                z[1:, q].addcmul_(s2 * form, w_dot)
    return z


def adjoint_torch(y: Tensor, s0: Tensor, g: Tensor, pairs: Pairs) -> Tensor:
    """`adjoint` in plain tensor operations, on any device."""
    v, t, gt = y[0], y[1:], g[1:]
    s1, s2, s3, s4 = _derivatives(s0)
    out = torch.mul(g, s1, out=workspace.take(g.shape, g))
    # by_sk collects the gradient by the factor sk; ds_k / dy = s_{k+1}
    by_s1 = _dot(g.flatten(0, 1)[1:], y.flatten(0, 1)[1:], s0)
    by_s2, by_s3 = torch.zeros_like(s0), torch.zeros_like(s0)
    if len(t):
        along = torch.stack([_dot(g_j[1:], v[1:], s0) for g_j in gt])
        by_s2 += _dot(along, t[:, 0], s0)
        out[1:, 0].addcmul_(s2, along)
        for g_j, t_j in zip(gt, t, strict=True):
            out[0, 1:].addcmul_(g_j[1:], s2 * t_j[0])
    for q, a, b, weight in pairs:
        w, w_dot = _value_and_tangent(weight, len(t))
        form, curved = v[a] * v[b], s2 * w
        by_form = curved * g[0, q]
        by_s2.addcmul_(form * w, g[0, q])
        if len(t):
            gq, bent = gt[:, q], s3 * w
            value = _dot(gq, t[:, 0], s0)
            by_s3.addcmul_(form * w, value)
            by_form.addcmul_(bent, value)
            out[1:, 0].addcmul_(bent * form, gq)
            for one, other, times in _orders(a, b):
                slope = _dot(gq, t[:, other], s0)
                by_s2.addcmul_(v[one] * w, slope, value=times)
                out[0, one].addcmul_(curved, slope, value=times)
                out[1:, other].addcmul_(curved * v[one], gq, value=times)
            if isinstance(w_dot, Tensor):
                moved = _dot(gq, w_dot, s0)
                by_s2.addcmul_(form, moved)
                by_form.addcmul_(s2, moved)
        for one, other, times in _orders(a, b):
            out[0, one].addcmul_(by_form, v[other], value=times)
    out[0, 0] += s2 * by_s1 + s3 * by_s2 + s4 * by_s3
    return out


def _orders(a: int, b: int) -> tuple[tuple[int, int, float], ...]:
    """Both orders of a pair; one of them, twice, for a square."""
    return ((a, a, 2.0),) if a == b else ((a, b, 1.0), (b, a, 1.0))


def _dot(f: Tensor, g: Tensor, like: Tensor) -> Tensor:
    """Sum over the first axis of products, (n, H)."""
    total = torch.zeros_like(like)
    for one, other in zip(f, g, strict=True):
        total.addcmul_(one, other)
    return total


def _derivatives(s0: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    square = s0 * s0
    s1 = 1 - square
    return s1, -2 * s0 * s1, (6 * square - 2) * s1, 8 * s0 * s1 * (2 - 3 * square)


def _cut(w: Weight, start: int, stop: int) -> Weight:
    return w[:, start:stop] if isinstance(w, Tensor) and w.shape[1] > 1 else w


def _value_and_tangent(w: Weight, m: int) -> tuple[Weight, Weight]:
    """Weight as (n, 1) and its tangents as (m, n, 1), broadcasting against (n, H)."""
    if not isinstance(w, Tensor):
        return w, 0.0
    return w[0].unsqueeze(-1), w[1 : 1 + m].unsqueeze(-1) if len(w) > 1 else 0.0
