"""Jets of everything a problem names, at a set of points."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from bilo.jets import Jet
from bilo.points import Points
from bilo.streams import VALUE, Streams

if TYPE_CHECKING:
    from bilo.problem import Problem


class Frame:
    """Coordinates, unknowns and known coefficients as jets: ``at["x"]``, ``at["D"]``, ``at["P"]``.

    Parameters
    ----------
    problem : Problem
    points : Points
    codes : Tensor (m,)
        Optimiser coordinates of the unknowns; (m, N) for other unknowns at every point, without
        tangents.
    direction : Tensor (m, N), optional
        Carry the one derivative along this direction in theta at each point instead of all m of
        them.
    tangents : bool
        False: no derivatives by theta are carried (and autograd may differentiate by `codes`, as a
        PINN does).
    derivatives : bool
        False: values only, for data.

    Attributes
    ----------
    streams : Streams
        Derivatives carried at the points.
    codes : list of Jet
        The optimiser coordinates of the unknowns: the network's last inputs.
    """

    def __init__(
        self,
        problem: Problem,
        points: Points,
        codes: Tensor,
        direction: Tensor | None = None,
        *,
        tangents: bool = True,
        derivatives: bool = True,
    ) -> None:
        self.points = points
        self.streams = VALUE
        self._problem, self._codes = problem, codes
        self._tangents, self._derivatives = tangents, derivatives
        data = _code_data(codes, direction, tangents)
        self._set_unknowns(data)
        if derivatives:
            principal = problem.principal(self)
            build = Streams.bundled if tangents else Streams.expanded
            self.streams = build(principal, *problem.derivatives)
            self.principal = principal
            self._set_unknowns(data)
        self._cache: dict[str, Jet] = {}

    def memo(self, name: str, make: Callable[[Frame], Jet]) -> Jet:
        """A jet that does not depend on the network: made once, and kept by `along`."""
        if name not in self._cache:
            self._cache[name] = make(self)
        return self._cache[name]

    def along(self, direction: Tensor) -> Frame:
        """The same frame with one derivative along `direction` (m, N) in theta at each point."""
        frame = Frame(self._problem, self.points, self._codes, direction)
        for name, jet in self._cache.items():
            tangents = jet.data[1:]
            data = jet.data[:1]
            if len(tangents):
                along = (direction[: len(tangents), None] * tangents).sum(0, keepdim=True)
                data = torch.cat([data.expand(-1, -1, along.shape[-1]), along])
            own = jet.streams is self.streams
            frame._cache[name] = Jet(data, frame.streams if own else jet.streams)
        return frame

    def moved(self, codes: Tensor) -> Frame:
        """The same points and derivatives at other values of the unknowns."""
        carried = {"tangents": self._tangents, "derivatives": self._derivatives}
        return Frame(self._problem, self.points, codes, None, **carried)

    def _set_unknowns(self, data: list[Tensor]) -> None:
        self.codes = [_constant(d, self.streams) for d in data]
        self._unknowns = {}
        for unknown, code in zip(self._problem.unknowns, data, strict=True):
            value = Jet(code.unsqueeze(1), VALUE) * unknown.scale
            value = value.exp() if unknown.log else value
            self._unknowns[unknown.name] = _constant(value.weight, self.streams)

    def __getitem__(self, name: str) -> Jet:
        if name in self._unknowns:
            return self._unknowns[name]
        if name in self.points.known:
            return Jet.known(self.points.known[name])
        if name not in self._cache:
            self._cache[name] = Jet.coordinate(self.points.coordinates[name], name, self.streams)
        return self._cache[name]

    def constant(self, name: str) -> Jet:
        """A coefficient known at the points that varies nowhere near them, as a whole jet."""
        return _constant(self.points.known[name].unsqueeze(0), self.streams)

    def apply(self, u: Jet) -> Jet:
        """The principal operator on `u`, whether it is one stream of its own or several."""
        if "M" in self.streams.names:
            return u.d("M")
        total = None
        for a, w in self.principal.drift:
            term = u.d(a) * w
            total = term if total is None else total + term
        for a, b, weight in self.principal.diffusion:
            factor = Jet(weight.unsqueeze(1), VALUE) if isinstance(weight, Tensor) else weight
            term = u.d(a + b) * factor
            total = term if total is None else total + term
        assert total is not None
        return total


def _code_data(codes: Tensor, direction: Tensor | None, tangents: bool) -> list[Tensor]:
    """Value and tangents (1 + m', N or 1) of each optimiser coordinate."""
    m = len(codes)
    if direction is not None:
        return [torch.stack([codes[j].expand(direction.shape[1]), direction[j]]) for j in range(m)]
    if not tangents:
        return [codes[j].reshape(1, -1) for j in range(m)]
    unit = torch.eye(m, dtype=codes.dtype, device=codes.device)
    return [torch.cat([codes[j].reshape(1), unit[j]]).unsqueeze(1) for j in range(m)]


def _constant(data: Tensor, streams: Streams) -> Jet:
    """A field constant in x: all its derivatives in the coordinates vanish."""
    full = data.unsqueeze(1)
    if streams.size > 1:
        full = torch.cat([full, full.new_zeros(len(data), streams.size - 1, data.shape[1])], 1)
    return Jet(full, streams)
