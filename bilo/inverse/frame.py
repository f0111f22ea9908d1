"""Jets of everything a problem names, at a set of points."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import torch
from torch import Tensor

from bilo.inverse.chart import Chart
from bilo.inverse.points import Points
from bilo.taylor.jets import Jet
from bilo.taylor.streams import VALUE, Streams

if TYPE_CHECKING:
    from bilo.inverse.problem import Problem


class Frame(Chart):
    """A chart that knows the unknowns: ``at["x"]``, ``at["D"]``, ``at["P"]``.

    The tangents are derivatives by the operator's inputs z, one an unknown: a scalar's coordinate,
    or the value of a function at the point, whose own derivatives in space are then held.

    Parameters
    ----------
    problem : Problem
    points : Points
    codes : Tensor (size,)
        Optimiser coordinates of all unknowns (m, if they are scalars).
    direction : Tensor (m, N), optional
        Carry the one derivative along this direction in z at each point instead of all m of them.
    tangents : bool
        False: no derivatives by z are carried (and autograd may differentiate by `codes`, as a
        PINN does).
    derivatives : bool
        False: values only, for data.

    Attributes
    ----------
    streams : Streams
        Derivatives carried at the points.
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
        super().__init__(points, VALUE)
        self._unknowns: dict[str, Jet] = {}
        self._inputs: list[Jet] | None
        self._values: list[Tensor] | None
        self._problem, self.codes, self._direction = problem, codes, direction
        self._tangents, self._derivatives = tangents, derivatives
        self._forget()
        if derivatives:
            principal = problem.principal(self)
            build = Streams.bundled if tangents else Streams.expanded
            self.streams = build(principal, *problem.derivatives)
            self.principal = principal
            self._forget()

    @classmethod
    def of_inputs(cls, problem: Problem, points: Points, inputs: Tensor) -> Self:
        """Values only, at other unknowns at every point, given as the operator's inputs (m, N)."""
        frame = cls(problem, points, inputs[:0], tangents=False, derivatives=False)
        frame._values = list(inputs[:, None, None])
        return frame

    @property
    def inputs(self) -> list[Jet]:
        """The unknowns as the operator sees them: the network's last inputs."""
        if self._inputs is None:
            self._inputs = [
                self._with_tangents(value, j) for j, value in enumerate(self._input_values())
            ]
        return self._inputs

    @property
    def held_inputs(self) -> list[Jet]:
        """The inputs as plain features: their derivatives in space, and none by themselves."""
        return [Jet(z.data[:1], z.streams) for z in self.inputs]

    def held(self, name: str) -> Jet:
        """An unknown as `held_inputs` has it."""
        j = [k.name for k in self._problem.unknowns].index(name)
        return self._problem.unknowns[j].value(self.held_inputs[j])

    def along(self, direction: Tensor) -> Self:
        """The same frame with one derivative along `direction` (m, N) in z at each point."""
        frame = type(self)(self._problem, self.points, self.codes, direction)
        frame._values = self._values
        for name, jet in self._cache.items():
            tangents = jet.data[1:]
            data = jet.data[:1]
            if len(tangents):
                along = (direction[: len(tangents), None] * tangents).sum(0, keepdim=True)
                data = torch.cat([data.expand(-1, -1, along.shape[-1]), along])
            own = jet.streams is self.streams
            frame._cache[name] = Jet(data, frame.streams if own else jet.streams)
        return frame

    def moved(self, codes: Tensor) -> Self:
        """The same points and derivatives at other values of the unknowns."""
        carried = {"tangents": self._tangents, "derivatives": self._derivatives}
        return type(self)(self._problem, self.points, codes, None, **carried)

    def __getitem__(self, name: str) -> Jet:
        names = [k.name for k in self._problem.unknowns]
        if name not in names:
            return super().__getitem__(name)
        if name not in self._unknowns:
            j = names.index(name)
            self._unknowns[name] = self._problem.unknowns[j].value(self.inputs[j])
        return self._unknowns[name]

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

    def _forget(self) -> None:
        """Nothing of other streams is kept."""
        self._cache, self._unknowns = {}, {}
        self._inputs = self._values = None

    def _input_values(self) -> list[Tensor]:
        """The inputs without tangents, (1, P, N or 1) each."""
        if self._values is None:
            parts = self._problem.split(self.codes)
            pairs = zip(self._problem.unknowns, parts, strict=True)
            self._values = [unknown.input(part, self) for unknown, part in pairs]
        return self._values

    def _with_tangents(self, value: Tensor, j: int) -> Jet:
        """Input j with its derivative by itself (or along the direction) at its value."""
        if self._direction is not None:
            n = self._direction.shape[1]
            along = value.new_zeros(1, value.shape[1], n)
            along[0, 0] = self._direction[j]
            return Jet(torch.cat([value.expand(-1, -1, n), along]), self.streams)
        if not self._tangents:
            return Jet(value, self.streams)
        unit = value.new_zeros(len(self._problem.unknowns), *value.shape[1:])
        unit[j, 0] = 1.0
        return Jet(torch.cat([value, unit]), self.streams)
