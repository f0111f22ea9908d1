"""Which partial derivatives travel together through a network: the stream set."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from torch import Tensor

Weight = float | Tensor
MAX_ORDER = 2


def derivative(*coordinates: str) -> str:
    """The name of a partial derivative of first or second order.

    >>> derivative("t"), derivative("xx"), derivative("x", "y"), derivative("depth", "depth")
    ('t', 'xx', 'xy', 'depth,depth')
    """
    short = all(len(c) == 1 for c in coordinates)
    return ("" if short else ",").join(coordinates)


def coordinates_of(name: str, known: Iterable[str]) -> tuple[str, ...]:
    """The coordinates of a derivative's name: ``"xx"``, ``"t"``, ``"depth,depth"``.

    Raises
    ------
    KeyError
        If it names no coordinate, or is of an order above two.
    """
    known = tuple(known)
    found = (name,) if name in known else tuple(name.split(",") if "," in name else name)
    if any(c not in known for c in found):
        raise KeyError(f"no derivative {name!r}: the coordinates are {', '.join(known)}")
    if len(found) > MAX_ORDER:
        raise KeyError(f"no derivative {name!r}: orders above two are not carried")
    return found


@dataclass(frozen=True, eq=False)
class Operator:
    """A second-order operator carried as one stream.

        L = sum_a drift_a d_a + sum_ab diffusion_ab d_a d_b

    It is written with `d`: ``d("t") - 0.01 * at["D"] * d("x", "x")``.

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

    def __add__(self, other: Operator) -> Operator:
        return Operator(self.name, self.drift + other.drift, self.diffusion + other.diffusion)

    def __neg__(self) -> Operator:
        return -1.0 * self

    def __sub__(self, other: Operator) -> Operator:
        return self + (-other)

    def __mul__(self, factor: Any) -> Operator:
        if isinstance(factor, (int, float)):
            drift = tuple((a, w * factor) for a, w in self.drift)
            return replace(
                self, drift=drift, diffusion=tuple((a, b, w * factor) for a, b, w in self.diffusion)
            )
        if self.drift:
            raise TypeError(
                "a first derivative joins the principal operator with a number only: "
                "write the term with the coefficient into the residual"
            )
        weighted = tuple((a, b, (factor * w).weight) for a, b, w in self.diffusion)
        return replace(self, diffusion=weighted)

    __rmul__ = __mul__


def d(*coordinates: str) -> Operator:
    """The derivative by one coordinate, or by two, as an operator."""
    if len(coordinates) == 1:
        return Operator("M", drift=((coordinates[0], 1.0),))
    first, second = coordinates
    return Operator("M", diffusion=((first, second, 1.0),))


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
        pairs = [(a, b) for a, b, _ in operator.diffusion]
        return cls(tuple(dict.fromkeys((*first, *needed))), _pure(pairs))

    @classmethod
    def of_derivatives(cls, names: Iterable[str], coordinates: Iterable[str]) -> Streams:
        """One stream for every derivative, and for the first ones that a second one needs."""
        orders = [coordinates_of(name, coordinates) for name in names]
        first = dict.fromkeys(c for order in orders for c in order)
        return cls(tuple(first), _pure([(o[0], o[1]) for o in orders if len(o) == MAX_ORDER]))

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


@dataclass(frozen=True, eq=False)
class Recorder(Streams):
    """Carries the value alone, and notes which derivatives an expression asks for."""

    asked: dict[str, None] = field(default_factory=dict)

    def index(self, name: str) -> int:
        """The value's position, whatever is asked."""
        if name != "1":
            self.asked[name] = None
        return 0


def _pure(pairs: Iterable[tuple[str, str]]) -> tuple[Operator, ...]:
    """Second derivatives, each an operator of its name."""
    return tuple(
        Operator(derivative(a, b), diffusion=((a, b, 1.0),)) for a, b in dict.fromkeys(pairs)
    )
