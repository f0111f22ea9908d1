"""The product rule on the coefficients of jets, (1 + m, P, N)."""

from __future__ import annotations

import torch
from torch import Tensor

from bilo.taylor.streams import Streams, Weight


def product(f: Tensor, g: Tensor, streams: Streams) -> Tensor:
    """The product rule over streams and tangents: (1 + m, P, N) from operands with m_f, m_g <= m.

    With d_p a stream and d_j a tangent, ``d_j d_p (f g) = f_jp g + f_p g_j + f_j g_p + f g_jp``,
    and a second-order stream adds ``sum_ab w_ab (f_a g_b + f_b g_a)`` and its tangent.
    """
    if len(f) < len(g):
        f, g = g, f
    m, rows = len(f) - 1, len(g)
    out = f * g[:1, :1]
    if streams.size > 1:
        out[:, 1:].addcmul_(f[:, :1], g[:1, 1:])
    if rows > 1:
        out[1:rows].addcmul_(f[:1, :1], g[1:])
    if rows > 1 and streams.size > 1:
        out[1:rows, 1:].addcmul_(f[:1, 1:], g[1:, :1])
    for q, pairs in streams.quadratic:
        for a, b, weight in pairs:
            w, w_dot = value_and_tangent(weight, m)
            form = _half_form(f[:, a], g[:, b])
            form = 2 * form if a == b else form + _half_form(f[:, b], g[:, a])
            weighted = form * w
            if weighted.shape[1] > out.shape[2]:  # constants, and a weight that varies
                out = out.repeat(1, 1, weighted.shape[1])
            out[:, q].add_(weighted)
            if isinstance(w_dot, Tensor):
                out[1 : 1 + len(w_dot), q].addcmul_(form[:1], w_dot)
    return out


def _half_form(f: Tensor, g: Tensor) -> Tensor:
    """f_a g_b and its tangents, (1 + m, N) from operands with m_g <= m_f = m."""
    form = f * g[:1]
    if len(g) > 1:
        form[1 : len(g)].addcmul_(f[:1], g[1:])
    return form


def padded(data: Tensor, m: int) -> Tensor:
    """Missing tangents are zero."""
    if len(data) == m:
        return data
    return torch.cat([data, data.new_zeros(m - len(data), *data.shape[1:])])


def value_and_tangent(weight: Weight, m: int) -> tuple[Weight, Weight]:
    """An operator's weight (N,) and its tangents (m, N)."""
    if not isinstance(weight, Tensor):
        return weight, 0.0
    return weight[0], weight[1 : 1 + m] if len(weight) > 1 else 0.0
