"""Jets of tanh and their adjoint: the elementwise half of the network operation.

With s1, s2, s3, s4 the derivatives of tanh at the value (polynomials in tanh), Q = sum w_ab y_a y_b
the quadratic form of a second-order stream q, and a dot for the tangent by an unknown:

    z_a    = s1 y_a                      z_q    = s1 y_q + s2 Q
    zdot   = s1 ydot                     zdot_a = s1 ydot_a + s2 ydot y_a
    zdot_q = s1 ydot_q + s2 (ydot y_q + Qdot) + s3 Q ydot,
    Qdot   = sum w (y_a ydot_b + ydot_a y_b) + wdot y_a y_b

The value itself occurs only in tanh: the value stream y[0, 0] of all functions here holds s0. The
tangents enter linearly, so they may be summed along a direction before the composition.

The same formulas are in `tanh_streams.c`, fused into one pass over memory; it is used where it
could be built.
"""

from __future__ import annotations

import torch
from torch import Tensor

from bilo.taylor import kernel
from bilo.taylor.streams import Streams, Weight
from bilo.taylor.workspace import workspace

Pairs = list[tuple[int, int, int, Weight]]


def pairs_of(streams: Streams, direction: Tensor | None = None) -> Pairs:
    """All (q, a, b, weight) of a stream set.

    Tangents of the weights are contracted to a `direction` (m, N).
    """
    return [
        (q, a, b, contract_weight(w, direction))
        for q, terms in streams.quadratic
        for a, b, w in terms
    ]


def part_of(pairs: Pairs, start: int, stop: int) -> Pairs:
    """Pairs at the points start:stop."""
    return [(q, a, b, _cut(w, start, stop)) for q, a, b, w in pairs]


def contract_weight(w: Weight, direction: Tensor | None) -> Weight:
    """Operator weight (1 + m, N or 1), its tangents contracted to one direction (m, N): (2, N)."""
    if direction is None or not isinstance(w, Tensor):
        return w
    return torch.stack([w[0].expand(direction.shape[1]), (w[1:] * direction[: len(w) - 1]).sum(0)])


def forward(y: Tensor, pairs: Pairs) -> Tensor:
    """Jets of tanh from those of its argument y, both (1 + m, P, n, H); y[0, 0] is tanh already."""
    if y.device.type == "cpu" and (fused := kernel.load()) is not None:
        return fused.forward(y, pairs)
    return forward_torch(y, pairs)


def adjoint(
    y: Tensor, g: Tensor, pairs: Pairs, direction: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Gradient by y from the gradient g by z = forward(y), and z, (1 + m, P, n, H) all of them.

    With a `direction` (m, n) the tangents of y are first summed along it: g and the results are
    (2, P, n, H). g is spent by this, and then so is y.
    """
    if y.device.type == "cpu" and (fused := kernel.load()) is not None:
        return fused.adjoint(y, g, pairs, direction)
    return adjoint_torch(y, g, pairs, direction)


def contract(y: Tensor, direction: Tensor) -> Tensor:
    """The value, and the tangents (1 + m, P, n, H) along a direction (m, n): (2, P, n, H)."""
    along = (y[1:] * direction[:, None, :, None]).sum(0, keepdim=True)
    return torch.cat([y[:1], along])


def forward_torch(y: Tensor, pairs: Pairs) -> Tensor:
    """`forward` in plain tensor operations, on any device."""
    return compose(y, _derivatives(y[0, 0]), pairs, workspace.take(y.shape, y))


def compose(y: Tensor, s: tuple[Tensor, ...], pairs: Pairs, out: Tensor | None = None) -> Tensor:
    """Jets of s(y), any function, from jets of y (1 + m, P, n, H) and s, s', s'', s''' (n, H).

    They are written to `out` where there is one; outside of any graph, then. y[0, 0] is not used.
    """
    return _compose(y, s, pairs, out)[0]


def _compose(
    y: Tensor, s: tuple[Tensor, ...], pairs: Pairs, out: Tensor | None
) -> tuple[Tensor, Tensor]:
    """`compose`, and the bend (P - 1, n, H): derivatives of the streams s(y)_p by the value."""
    s0, s1, s2, s3 = s
    v, t = y[0].unbind(), y[1:]
    z = y * s1 if out is None else torch.mul(y, s1, out=out)
    z[0, 0] = s0
    bend = s2 * y[0, 1:]
    for q, a, b, weight in pairs:
        w, w_dot = _value_and_tangent(weight, len(t))
        form, curved = v[a] * v[b], s2 * w
        z[0, q].addcmul_(curved, form)
        bend[q - 1].addcmul_(s3 * w, form)
        if len(t):
            for one, other, times in _orders(a, b):
                z[1:, q].addcmul_(curved * v[one], t[:, other], value=times)
            if isinstance(w_dot, Tensor):
                z[1:, q].addcmul_(s2 * form, w_dot)
    if len(t):
        z[1:, 1:].addcmul_(bend, t[:, :1])
    return z, bend


def adjoint_torch(
    y: Tensor, g: Tensor, pairs: Pairs, direction: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """`adjoint` in plain tensor operations, on any device."""
    if direction is not None:
        along = y[1].mul_(direction[0].unsqueeze(-1))
        for tangent, part in zip(y[2:], direction[1:], strict=True):
            along.addcmul_(tangent, part.unsqueeze(-1))
        y = y[:2]
    v, t, gt = y[0].unbind(), y[1:], g[1:]
    s0, s1, s2, s3 = s = _derivatives(v[0])
    z, bend = _compose(y, s, pairs, workspace.take(g.shape, g))
    # by_sk collects the gradient by the factor sk; ds_k / dy = s_{k+1}
    by_s1 = _dot(g.flatten(0, 1)[1:], y.flatten(0, 1)[1:], s0)
    by_bend = _dot(gt[:, 1:], t[:, :1], bend)
    by_s2 = _dot(by_bend, y[0, 1:], s0)
    by_tangent = [_dot(bend, g_j[1:], s0) for g_j in gt]
    # The result takes the place of g: the second-order streams last, as the others need their g.
    first = min((q for q, *_ in pairs), default=len(v))
    g[:, :first].mul_(s1)
    for g_j, by in zip(gt, by_tangent, strict=True):
        g_j[0].add_(by)
    by_value = g[0, 0].addcmul_(s2, by_s1)
    s4 = (s1 * -12).add_(4).mul_(s2)
    for q, a, b, weight in pairs:
        w, w_dot = _value_and_tangent(weight, len(t))
        form, straight, bent = v[a] * v[b], g[0, q] * w, by_bend[q - 1] * w
        if isinstance(w_dot, Tensor):
            for g_j, w_j in zip(gt, w_dot, strict=True):
                straight.addcmul_(g_j[q], w_j)
        by_s2.addcmul_(form, straight)
        by_form = straight.mul_(s2).addcmul_(s3, bent)
        by_value.addcmul_(bent.mul_(s4), form)
        for one, other, times in _orders(a, b):
            by_other = g[0, other].addcmul_(by_form, v[one], value=times)
            if len(t):
                slope = _dot(gt[:, q], t[:, one], s0).mul_(w)
                by_s2.addcmul_(v[other], slope, value=times)
                by_other.addcmul_(s2, slope, value=times)
                gt[:, other].addcmul_((s2 * w).mul_(v[one]), gt[:, q], value=times)
    by_value.addcmul_(s3, by_s2)
    g[:, first:].mul_(s1)
    g[0, 1:].addcmul_(by_bend, s2)
    return g, z


def _orders(a: int, b: int) -> tuple[tuple[int, int, float], ...]:
    """Both orders of a pair; one of them, twice, for a square."""
    return ((a, a, 2.0),) if a == b else ((a, b, 1.0), (b, a, 1.0))


def _dot(f: Tensor, g: Tensor, like: Tensor) -> Tensor:
    """Sum over the first axis of products, as large as `like`."""
    if not len(f):
        return torch.zeros_like(like)
    total = f[0] * g[0]
    for one, other in zip(f[1:], g[1:], strict=True):
        total.addcmul_(one, other)
    return total


def _derivatives(s0: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    s1 = (s0 * s0).neg_().add_(1)
    return s0, s1, (s0 * s1).mul_(-2), (s1 * -6).add_(4).mul_(s1)


def _cut(w: Weight, start: int, stop: int) -> Weight:
    return w[:, start:stop] if isinstance(w, Tensor) and w.shape[1] > 1 else w


def _value_and_tangent(w: Weight, m: int) -> tuple[Weight, Weight]:
    """Weight as (n, 1) and its tangents as (m, n, 1), broadcasting against (n, H)."""
    if not isinstance(w, Tensor):
        return w, 0.0
    return w[0].unsqueeze(-1), w[1 : 1 + m].unsqueeze(-1) if len(w) > 1 else 0.0
