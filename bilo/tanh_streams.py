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


def forward_torch(y: Tensor, pairs: Pairs) -> Tensor:
    """`forward` in plain tensor operations, on any device."""
    s0 = torch.tanh(y[0, 0])
    return compose(y, (s0, *_derivatives(s0)[:3]), pairs)


def compose(y: Tensor, s: tuple[Tensor, Tensor, Tensor, Tensor], pairs: Pairs) -> Tensor:
    """Jets of s(y), any function, from jets of y (1 + m, P, n, H) and s, s', s'', s''' (n, H)."""
    s0, s1, s2, s3 = s
    v, t = y[0], y[1:]
    z = y * s1
    z[0, 0] = s0
    if len(t):
        z[1:, 1:] += (s2 * t[:, 0]).unsqueeze(1) * v[1:]
    for q, a, b, weight in pairs:
        w, w_dot = _value_and_tangent(weight, len(t))
        form = v[a] * v[b]
        z[0, q] += w * s2 * form
        if len(t):
            form_dot = w * (v[a] * t[:, b] + t[:, a] * v[b]) + w_dot * form
            z[1:, q] += s2 * form_dot + (w * s3 * form) * t[:, 0]
    return z


def adjoint_torch(y: Tensor, s0: Tensor, g: Tensor, pairs: Pairs) -> Tensor:
    """`adjoint` in plain tensor operations, on any device."""
    v, t, gt = y[0], y[1:], g[1:]
    s1, s2, s3, s4 = _derivatives(s0)
    out = g * s1
    # by_sk collects the gradient by the factor sk; ds_k / dy = s_{k+1}
    by_s1 = (g * y).sum((0, 1)) - g[0, 0] * v[0]
    by_s2 = torch.zeros_like(s0)
    by_s3 = torch.zeros_like(s0)
    if len(t):
        along = (gt[:, 1:] * v[1:]).sum(1)
        by_s2 += (along * t[:, 0]).sum(0)
        out[1:, 0] += s2 * along
        out[0, 1:] += s2 * (gt[:, 1:] * t[:, :1]).sum(0)
    for q, a, b, weight in pairs:
        w, w_dot = _value_and_tangent(weight, len(t))
        form = v[a] * v[b]
        by_form = w * s2 * g[0, q]
        by_s2 += w * g[0, q] * form
        if len(t):
            form_dot = w * (v[a] * t[:, b] + t[:, a] * v[b]) + w_dot * form
            s2g, s3g = s2 * gt[:, q], w * s3 * gt[:, q]
            by_s2 += (gt[:, q] * form_dot).sum(0)
            by_s3 += w * form * (gt[:, q] * t[:, 0]).sum(0)
            by_form += (w_dot * s2g + s3g * t[:, 0]).sum(0)
            out[1:, 0] += s3g * form
            out[0, a] += w * (s2g * t[:, b]).sum(0)
            out[0, b] += w * (s2g * t[:, a]).sum(0)
            out[1:, b] += w * s2g * v[a]
            out[1:, a] += w * s2g * v[b]
        out[0, a] += by_form * v[b]
        out[0, b] += by_form * v[a]
    out[0, 0] += s2 * by_s1 + s3 * by_s2 + s4 * by_s3
    return out


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
