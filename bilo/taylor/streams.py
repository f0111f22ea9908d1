"""Which partial derivatives travel together through a network: the stream set."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

Weight = float | Tensor


@dataclass(frozen=True, eq=False)
class Operator:
    """A second-order operator carried as one stream.

        L = sum_a drift_a d_a + sum_ab diffusion_ab d_a d_b

    Parameters
    ----------
    name : str
    drift : tuple of (str, float)
        First-order part; its coordinates need no stream of their own.
    diffusion : tuple of (str, str, weight)
        Second-order part over carried first derivatives. A weight is a number, or a Tensor
        (1 + m, N or 1): its value at the points and its derivative by each unknown, so that the
        tangents of ``L u`` are total ones.
    """

    name: str
    drift: tuple[tuple[str, float], ...] = ()
    diffusion: tuple[tuple[str, str, Weight], ...] = ()


@dataclass(frozen=True, eq=False)
class Streams:
    """A downward-closed set of derivatives in the coordinates, of order at most two.

    A field is carried as its value, its first derivatives along `first`, and the second-order
    operators `second`. The chain rule that everything rests on is

        d_a s(y) = s'(y) d_a y,        L s(y) = s'(y) L y + s''(y) sum_ab w_ab d_a y d_b y.

    Two stream sets are the same only if they are the same object.

    Examples
    --------
    >>> s = Streams.of("t", "x", "xx")
    >>> s.names
    ('1', 't', 'x', 'xx')
    >>> s.index("xx"), s.pairs(3)
    (3, ((2, 2, 1.0),))
    """

    first: tuple[str, ...] = ()
    second: tuple[Operator, ...] = ()

    @classmethod
    def bundled(cls, operator: Operator, *first: str) -> Streams:
        """One stream for a whole operator; first derivatives are those asked for or needed."""
        needed = [c for a, b, _ in operator.diffusion for c in (a, b)]
        return cls(tuple(dict.fromkeys((*first, *needed))), (operator,))

    @classmethod
    def expanded(cls, operator: Operator, *first: str) -> Streams:
        """One stream for every derivative in `operator`.

        Its weights may then be differentiated by autograd.
        """
        needed = [a for a, _ in operator.drift] + [
            c for a, b, _ in operator.diffusion for c in (a, b)
        ]
        pure = tuple(Operator(a + b, diffusion=((a, b, 1.0),)) for a, b, _ in operator.diffusion)
        return cls(tuple(dict.fromkeys((*first, *needed))), pure)

    def __post_init__(self) -> None:
        for op in self.second:
            for a, b, _ in op.diffusion:
                if a not in self.first or b not in self.first:
                    raise ValueError(
                        f"operator {op.name!r} needs the first derivatives {a!r}, {b!r}"
                    )

    @classmethod
    def of(cls, *names: str) -> Streams:
        """Short notation: one letter is a first derivative, two letters a second derivative."""
        first = tuple(n for n in names if len(n) == 1)
        second = tuple(Operator(n, diffusion=((n[0], n[1], 1.0),)) for n in names if len(n) == 2)
        return cls(first, second)

    @property
    def names(self) -> tuple[str, ...]:
        """Names in storage order; ``"1"`` is the value."""
        return ("1", *self.first, *(op.name for op in self.second))

    @property
    def tangents(self) -> int:
        """Number of unknowns by which an operator weight varies.

        Known fields then need as many tangents.
        """
        weights = [w for op in self.second for _, _, w in op.diffusion if isinstance(w, Tensor)]
        return max((len(w) - 1 for w in weights), default=0)

    @property
    def size(self) -> int:
        """Number of streams P."""
        return 1 + len(self.first) + len(self.second)

    def index(self, name: str) -> int:
        """Position of a stream; raises KeyError for a derivative that is not carried."""
        try:
            return self.names.index(name)
        except ValueError:
            raise KeyError(f"derivative {name!r} is not carried; there are {self.names}") from None

    def pairs(self, q: int) -> tuple[tuple[int, int, Weight], ...]:
        """The quadratic form of the second-order stream at position `q`, as (a, b, weight)."""
        op = self.second[q - 1 - len(self.first)]
        return tuple((self.index(a), self.index(b), w) for a, b, w in op.diffusion)

    @property
    def quadratic(self) -> tuple[tuple[int, tuple[tuple[int, int, Weight], ...]], ...]:
        """All streams with a second-order part as (position, pairs)."""
        start = 1 + len(self.first)
        return tuple((q, p) for q in range(start, self.size) if (p := self.pairs(q)))


VALUE = Streams()
"""The value alone, no derivatives in the coordinates."""
