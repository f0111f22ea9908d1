"""Jets: truncated Taylor expansions of fields, with the usual arithmetic.

A jet holds a field's value and derivatives in the coordinates (`Streams`), and the first derivative
of each of them by every unknown (`theta`-tangent). Residuals and transforms are written on jets as
mathematics; a residual then carries its own total `theta`-gradient, which is what the
residual-gradient loss needs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from bilo.taylor.foreign import OwnFunctions
from bilo.taylor.product_rule import padded, product, value_and_tangent
from bilo.taylor.streams import VALUE, Operator, Streams, derivative

Number = int | float


class Jet(OwnFunctions):
    """Coefficients of a field over {derivatives in x} x {1, d/dtheta_1 .. d/dtheta_m}.

    Parameters
    ----------
    data : Tensor, shape (1 + m, P, N)
        ``data[0]`` the value and its derivatives, ``data[j]`` their derivative by theta_j. N may be
        1 (constant field).
    streams : Streams
        The derivatives held along the second axis, P of them.

    Notes
    -----
    Operands with fewer tangents have zero for the missing ones; operands with different stream sets
    are truncated to the common one, which is the value alone.

    Examples
    --------
    >>> s = Streams.of("x", "xx")
    >>> x = Jet.coordinate(torch.tensor([2.0]), "x", s)
    >>> (x * x * x).d("xx").value.item()
    12.0
    """

    __slots__ = ("data", "streams")

    def __init__(self, data: Tensor, streams: Streams) -> None:
        if data.ndim != 3 or data.shape[1] != streams.size:
            raise ValueError(
                f"a jet over {streams.names} needs data (1+m, {streams.size}, N), "
                f"not {tuple(data.shape)}"
            )
        self.data = data
        self.streams = streams

    # --- construction -----------------------------------------------------------------------------
    @classmethod
    def coordinate(cls, x: Tensor, name: str, streams: Streams) -> Jet:
        """The coordinate `name` at the points `x` (N,): unit first derivative, tangents zero."""
        data = x.new_zeros(1 + streams.tangents, streams.size, x.shape[0])
        data[0, 0] = x
        if name in streams.first:
            data[0, streams.index(name)] = 1.0
        for op in streams.second:
            data[0, streams.index(op.name)] = dict(op.drift).get(name, 0.0)
        return cls(data, streams)

    @classmethod
    def known(cls, value: Tensor) -> Jet:
        """A coefficient known at the points (N,), used where none of its derivatives is needed."""
        return cls(value.reshape(1, 1, -1), VALUE)

    @classmethod
    def tabulated(
        cls,
        value: Tensor,
        first: Mapping[str, Tensor],
        second: Mapping[tuple[str, str], Tensor],
        streams: Streams,
    ) -> Jet:
        """A field known by its derivatives at the points, (N,) each, e.g. a numerical solution.

        `first` and `second` must hold every derivative that the streams are made of; tangents come
        only from operator weights that depend on the unknowns.
        """
        data = value.new_zeros(1 + streams.tangents, streams.size, value.shape[0])
        data[0, 0] = value
        for name in streams.first:
            data[0, streams.index(name)] = first[name]
        for op in streams.second:
            q = streams.index(op.name)
            data[0, q] = sum(w * first[a] for a, w in op.drift)
            for a, b, weight in op.diffusion:
                if isinstance(weight, Tensor):
                    data[: len(weight), q] += weight * second[a, b]
                else:
                    data[0, q] += weight * second[a, b]
        return cls(data, streams)

    # --- parts ------------------------------------------------------------------------------------
    @property
    def value(self) -> Tensor:
        """The field at the points, shape (N,)."""
        return self.data[0, 0]

    @property
    def tangents(self) -> Tensor:
        """Derivatives of the value by the unknowns, shape (m, N)."""
        return self.data[1:, 0]

    @property
    def weight(self) -> Tensor:
        """Value and tangents (1 + m, N): the form of an operator's weight."""
        return self.data[:, 0]

    def coefficients(self, count: int) -> Tensor:
        """The value and its first count - 1 tangents (count, N); missing ones are zero."""
        return padded(self.data[:count, 0], count)

    def d(self, *coordinates: str) -> Jet:
        """A derivative as a jet of its own (value and tangents): ``u.d("t")``, ``u.d("x", "x")``.

        Short coordinates may be joined, ``u.d("xx")``; ``u.d("1")`` is the value.
        """
        q = self.streams.index(derivative(*coordinates))
        return Jet(self.data[:, q : q + 1], VALUE)

    def part(self, which: slice) -> Jet:
        """The jet at some of the points."""
        return Jet(self.data[..., which], self.streams)

    def detach(self) -> Jet:
        """The same numbers, cut from the autograd graph."""
        return Jet(self.data.detach(), self.streams)

    # --- ring -------------------------------------------------------------------------------------
    def __neg__(self) -> Jet:
        return Jet(-self.data, self.streams)

    def __add__(self, other: Jet | Number) -> Jet:
        if not isinstance(other, Jet):
            _require_number(other)
            shift = self.data.new_zeros(1, self.streams.size, 1)
            shift[0, 0] = other
            return Jet(torch.cat([self.data[:1] + shift, self.data[1:]]), self.streams)
        f, g, streams = _common(self, other)
        rows = max(len(f), len(g))
        return Jet(padded(f, rows) + padded(g, rows), streams)

    __radd__ = __add__

    def __sub__(self, other: Jet | Number) -> Jet:
        return self + (-other)

    def __rsub__(self, other: Number) -> Jet:
        return (-self) + other

    def __mul__(self, other: Jet | Number) -> Jet:
        if isinstance(other, Operator):
            return NotImplemented
        if not isinstance(other, Jet):
            _require_number(other)
            return Jet(self.data * other, self.streams)
        f, g, streams = _common(self, other)
        return Jet(product(f, g, streams), streams)

    __rmul__ = __mul__

    def __truediv__(self, other: Jet | Number) -> Jet:
        if not isinstance(other, Jet):
            _require_number(other)
        return self * (other.reciprocal() if isinstance(other, Jet) else 1.0 / other)

    def __rtruediv__(self, other: Number) -> Jet:
        return self.reciprocal() * other

    def __pow__(self, p: Jet | Number) -> Jet:
        if isinstance(p, Jet):
            return (p * self.log()).exp()
        if p == 2:
            return self * self
        u = self.value
        return self.compose(
            u**p,
            p * u ** (p - 1),
            p * (p - 1) * u ** (p - 2),
            p * (p - 1) * (p - 2) * u ** (p - 3),
        )

    # --- functions --------------------------------------------------------------------------------
    def compose(self, s0: Tensor, s1: Tensor, s2: Tensor, s3: Tensor) -> Jet:
        """The jet of s(u) from s and its first three derivatives at the value, each (N,)."""
        f, quadratic = self.data, self.streams.quadratic
        y, T = f[0], f[1:]
        rows = [s0, *(s1 * y[p] for p in range(1, self.streams.size))]
        tangents = [
            s1 * T[:, 0],
            *(s1 * T[:, p] + s2 * y[p] * T[:, 0] for p in range(1, len(rows))),
        ]
        for q, pairs in quadratic:
            for a, b, weight in pairs:
                w, w_dot = value_and_tangent(weight, len(T))
                form = y[a] * y[b]
                rows[q] = rows[q] + s2 * w * form
                if len(T):
                    form_dot = w * (y[a] * T[:, b] + y[b] * T[:, a]) + w_dot * form
                    tangents[q] = tangents[q] + s2 * form_dot + s3 * w * form * T[:, 0]
        out = torch.stack(rows)[None]
        return Jet(torch.cat([out, torch.stack(tangents, 1)]) if len(T) else out, self.streams)

    def reciprocal(self) -> Jet:
        """1 / u."""
        r = 1.0 / self.value
        return self.compose(r, -r * r, 2 * r**3, -6 * r**4)

    def exp(self) -> Jet:
        """exp(u)."""
        e = self.value.exp()
        return self.compose(e, e, e, e)

    def log(self) -> Jet:
        """log(u), u > 0."""
        r = 1.0 / self.value
        return self.compose(self.value.log(), r, -r * r, 2 * r**3)

    def sqrt(self) -> Jet:
        """sqrt(u), u > 0."""
        return self**0.5

    def sin(self) -> Jet:
        """sin(u)."""
        s, c = self.value.sin(), self.value.cos()
        return self.compose(s, c, -s, -c)

    def cos(self) -> Jet:
        """cos(u)."""
        s, c = self.value.sin(), self.value.cos()
        return self.compose(c, -s, -c, s)

    def tanh(self) -> Jet:
        """tanh(u)."""
        y = self.value.tanh()
        s = 1 - y * y
        return self.compose(y, s, -2 * y * s, s * (6 * y * y - 2))

    def sigmoid(self) -> Jet:
        """1 / (1 + exp(-u))."""
        y = self.value.sigmoid()
        s = y * (1 - y)
        return self.compose(y, s, s * (1 - 2 * y), s * (1 - 6 * s))

    def positive(self) -> Jet:
        """max(u, 0); its derivatives are those of the side on which u is."""
        u = self.value
        return self.compose(u.clamp(min=0), (u > 0).to(u), torch.zeros_like(u), torch.zeros_like(u))

    def softplus(self) -> Jet:
        """log(1 + exp(u))."""
        y = self.value.sigmoid()
        s = y * (1 - y)
        return self.compose(torch.nn.functional.softplus(self.value), y, s, s * (1 - 2 * y))


def _require_number(other: object) -> None:
    """A tensor would lose the derivatives that it stands for.

    Raises
    ------
    TypeError
        For all but a number.
    """
    if not isinstance(other, (int, float, np.number)):
        raise TypeError(
            f"a jet with a {type(other).__name__}: write a coordinate or an unknown as at[name], "
            "a coefficient known at the points as at[name] too (Points.known), a constant as a "
            "number; anything else has no derivatives"
        )


def stack(jets: Sequence[Jet]) -> Tensor:
    """Stack jets of one stream set as network input (1 + m, P, N, d); short ones are broadcast."""
    m = max(len(j.data) for j in jets)
    n = max(j.data.shape[-1] for j in jets)
    columns = []
    for j in jets:
        if j.streams is not jets[0].streams:
            raise ValueError(
                f"inputs over different streams: {j.streams.names}, {jets[0].streams.names}"
            )
        columns.append(padded(j.data.expand(-1, -1, n), m))
    return torch.stack(columns, -1)


def _common(f: Jet, g: Jet) -> tuple[Tensor, Tensor, Streams]:
    if f.streams is g.streams:
        return f.data, g.data, f.streams
    return f.data[:, :1], g.data[:, :1], VALUE
