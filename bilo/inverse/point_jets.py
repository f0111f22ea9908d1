"""Jets of everything a problem names, at a set of points."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Self
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from bilo.inverse.box import Box
from bilo.inverse.coordinate_jets import CoordinateJets
from bilo.inverse.points import Points
from bilo.taylor.jets import Jet
from bilo.taylor.streams import VALUE, Operator, Recorder, Streams

if TYPE_CHECKING:
    from bilo.inverse.problem import Problem


class PointJets(CoordinateJets):
    """Jets that know the unknowns: ``at["x"]``, ``at["D"]``, ``at["P"]``.

    The tangents are derivatives by the operator's inputs z, one an unknown: a scalar's coordinate,
    or the value of a function at the point, whose own derivatives in space are then held.

    Parameters
    ----------
    problem : Problem
    points : Points
    params : Tensor (size,)
        Optimiser coordinates of all unknowns (m, if they are scalars).
    direction : Tensor (m, N), optional
        Carry the one derivative along this direction in z at each point instead of all m of them.
    tangents : bool
        False: no derivatives by z are carried (and autograd may differentiate by `params`, as a
        PINN does).
    derivatives : bool
        False: values only, for data.
    also : tuple of str
        Derivatives that are carried beside those of the equation.

    Attributes
    ----------
    streams : Streams
        Derivatives carried at the points.
    used : set of str
        Unknowns that an expression has asked for.
    """

    def __init__(
        self,
        problem: Problem,
        points: Points,
        params: Tensor,
        direction: Tensor | None = None,
        *,
        tangents: bool = True,
        derivatives: bool = True,
        also: tuple[str, ...] = (),
    ) -> None:
        super().__init__(points, VALUE)
        self.used: set[str] = set()
        self.solution: dict[str, Jet] = {}
        self._shifts: list[Tensor] = []
        self._unknowns: dict[str, Jet] = {}
        self._inputs: dict[int, Jet]
        self._values: dict[int, Tensor]
        self._problem, self.params, self._direction = problem, params, direction
        self._tangents, self._derivatives = tangents, derivatives
        self._also = also
        self.principal: Operator | None = None
        self._forget()
        if derivatives:
            self.principal = problem.principal(self)
            self.streams = self._carried()
            self._forget()

    @classmethod
    def of_inputs(cls, problem: Problem, points: Points, inputs: Tensor) -> Self:
        """Values only, at other unknowns at every point, given as the operator's inputs (m, N)."""
        frame = cls(problem, points, inputs[:0], tangents=False, derivatives=False)
        frame._values = dict(enumerate(inputs[:, None, None]))
        return frame

    @classmethod
    def recording(cls, problem: Problem, points: Points, params: Tensor) -> Self:
        """Values only, whose `streams` note the derivatives that an expression asks for."""
        frame = cls(problem, points, params, tangents=False, derivatives=False)
        frame.streams = Recorder()
        frame._forget()
        return frame

    def fields(self) -> tuple[Jet, ...]:
        """Fields of some value or other, to see what an expression asks of them."""
        half = self.params.new_full((1, self.streams.size, len(self.points)), 0.5)
        return tuple(Jet(half, self.streams) for _ in self._problem.fields)

    @property
    def inputs(self) -> list[Jet]:
        """The unknowns as the operator sees them: the network's last inputs."""
        return [self._input(j) for j in range(len(self._problem.unknowns))]

    def _input(self, j: int) -> Jet:
        if j not in self._inputs:
            value = self._input_value(j)
            if self._shifts:
                value = value + self._shifts[j]
            self._inputs[j] = self._with_tangents(value, j)
        return self._inputs[j]

    def shifted(self) -> list[Tensor]:
        """Leaves of zeros (1, P, N), one an unknown, that are added to the inputs from now on.

        Autograd then gives derivatives by the inputs and their derivatives in space.
        """
        like = self.params.new_zeros(1, self.streams.size, len(self.points))
        self._shifts = [like.clone().requires_grad_() for _ in self._problem.unknowns]
        self._cache, self._unknowns, self._inputs = {}, {}, {}
        if self.principal is not None:  # its weights may hold unknowns
            self.principal = self._problem.principal(self)
        return self._shifts

    @property
    def stop_gradient_inputs(self) -> list[Jet]:
        """The inputs as plain features: their derivatives in space, and none by themselves."""
        return [Jet(z.data[:1], z.streams) for z in self.inputs]

    def held(self, name: str) -> Jet:
        """An unknown as `stop_gradient_inputs` has it."""
        j = [k.name for k in self._problem.unknowns].index(name)
        return self._problem.unknowns[j].value(self.stop_gradient_inputs[j])

    def along(self, direction: Tensor) -> Self:
        """The same frame with one derivative along `direction` (m, N) in z at each point."""
        frame = type(self)(self._problem, self.points, self.params, direction, also=self._also)
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

    def moved(self, params: Tensor) -> Self:
        """The same points and derivatives at other values of the unknowns."""
        return type(self)(
            self._problem,
            self.points,
            params,
            tangents=self._tangents,
            derivatives=self._derivatives,
            also=self._also,
        )

    def __getitem__(self, name: str) -> Jet:
        names = [k.name for k in self._problem.unknowns]
        if name not in names:
            if name in self.solution:
                return self.solution[name]
            if name in self._problem.coefficients:
                return self.cached(name, self._coefficient(name))
            if name not in self.points.known and name not in self.points.coordinates:
                there = ", ".join((*self.points.coordinates, *names, *self._problem.coefficients))
                raise KeyError(f"no {name!r} at a point of {self._problem.name}; there are {there}")
            return super().__getitem__(name)
        self.used.add(name)
        if name not in self._unknowns:
            j = names.index(name)
            self._unknowns[name] = self._problem.unknowns[j].value(self._input(j))
        return self._unknowns[name]

    def bind(self, u: tuple[Jet, ...]) -> None:
        """The fields that functions of the solution are functions of."""
        self.solution = dict(zip(self._problem.fields, u, strict=True))
        for j, k in enumerate(self._problem.unknowns):
            if k in self._problem.of_the_solution:
                self._values.pop(j, None)
                self._inputs.pop(j, None)
                self._unknowns.pop(k.name, None)

    def apply(self, u: Jet) -> Jet:
        """The principal operator on `u`, whether it is one stream of its own or several.

        Raises
        ------
        TypeError
            If the problem has no principal operator.
        """
        if self.principal is None and not isinstance(self.streams, Recorder):
            raise TypeError(f"{self._problem.name} has no principal operator to apply")
        if self.principal is None:
            return Jet(u.data[:, :1], VALUE)
        if self.principal.name in self.streams.names:
            return u.d(self.principal.name)
        total = None
        for a, w in self.principal.drift:
            term = u.d(a) * w
            total = term if total is None else total + term
        for a, b, weight in self.principal.diffusion:
            factor = Jet(weight.unsqueeze(1), VALUE) if isinstance(weight, Tensor) else weight
            term = u.d(a, b) * factor
            total = term if total is None else total + term
        assert total is not None
        return total

    def box_of(self, names: tuple[str, ...]) -> Box:
        """The problem's intervals; those of other names are (0, 1)."""
        known = self._problem.domain.intervals
        return Box(**{name: known.get(name, (0.0, 1.0)) for name in names})

    def _carried(self) -> Streams:
        """Streams of the equation: its operator in one or expanded, and what else it asks for."""
        problem, principal = self._problem, self.principal
        asked = problem.derivatives if principal is not None else None
        if asked is None:
            asked = asked_by_the_equation(problem, self.points, self.params)
        asked = (*asked, *self._also)
        if principal is None:
            return Streams.of_derivatives(asked, problem.coordinates)
        first = tuple(a for a in asked if a in problem.coordinates)
        second = [a for a in asked if a not in first]
        build = Streams.bundled if self._tangents else Streams.expanded
        found = build(principal, *first)
        if not second:
            return found
        more = Streams.of_derivatives(second, problem.coordinates)
        known = {op.name for op in found.second}
        firsts = tuple(dict.fromkeys((*found.first, *more.first)))
        return Streams(firsts, (*found.second, *(op for op in more.second if op.name not in known)))

    def _coefficient(self, name: str) -> Callable[[CoordinateJets], Jet]:
        """A known coefficient at the points."""
        function = self._problem.coefficients[name]
        return lambda at: Jet.known(function(at.points).to(self.params))

    def _forget(self) -> None:
        """Nothing of other streams is kept."""
        self._cache, self._unknowns = {}, {}
        self._inputs, self._values = {}, {}

    def _input_value(self, j: int) -> Tensor:
        """An input without tangents, (1, P, N or 1)."""
        if j not in self._values:
            part = self._problem.split(self.params)[j]
            self._values[j] = self._problem.unknowns[j].input(part, self)
        return self._values[j]

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


_ASKED: WeakKeyDictionary[Problem, tuple[str, ...]] = WeakKeyDictionary()
"""What the equation of each problem has been found to ask for."""


@torch.no_grad()
def asked_by(
    problem: Problem, expression: Callable[..., object], points: Points, params: Tensor
) -> tuple[str, ...]:
    """Derivatives that an expression (u, at) asks for."""
    at = PointJets.recording(problem, points.part(slice(0, 1)), params)
    expression(problem.together(at.fields()), at)
    return tuple(_noted(at))


@torch.no_grad()
def asked_by_the_equation(problem: Problem, points: Points, params: Tensor) -> tuple[str, ...]:
    """Derivatives that residual and conditions ask for, found by evaluating them once."""
    if problem not in _ASKED:
        at = PointJets.recording(problem, points.part(slice(0, 1)), params)
        problem.residuals(at.fields(), at)
        asked = _noted(at)
        for condition in problem.conditions():
            there = PointJets.recording(problem, condition.points.to(params), params)
            condition.residual(problem.together(there.fields()), there)
            asked |= _noted(there)
        _ASKED[problem] = tuple(asked)
    return _ASKED[problem]


def _noted(at: PointJets) -> dict[str, None]:
    assert isinstance(at.streams, Recorder)
    return at.streams.asked
