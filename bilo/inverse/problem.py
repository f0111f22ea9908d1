"""What an inverse problem is: coordinates, unknowns, equation, constraints. One file a problem."""

from __future__ import annotations

import math
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from bilo.inverse.box import Box, Placement
from bilo.inverse.condition import Condition
from bilo.inverse.fields import Fields, as_tuple
from bilo.inverse.least_squares import LeastSquares
from bilo.inverse.nodal import Nodal
from bilo.inverse.objective import SeparableObjective
from bilo.inverse.observation import Observation
from bilo.inverse.parametrisation import Parametrisation, Values, require_unknowns
from bilo.inverse.point_jets import PointJets
from bilo.inverse.points import Points
from bilo.inverse.poisson_process import Snapshots
from bilo.inverse.solved import Solved
from bilo.inverse.unknown import PointFunction
from bilo.solvers.discretised import Discretised
from bilo.taylor.jets import Jet
from bilo.taylor.streams import Operator

MOST_GRIDDED = 2
"""Coordinates of which a grid is made; for more a lattice covers the box with fewer points."""


class Problem(Parametrisation, Solved, ABC):
    """An inverse problem F(D^k u, theta) = 0 with unknowns theta, scalars or functions.

    A subclass states the mathematics and nothing else: no files, no plots, no training. One field
    u, or several: with `fields` of two names `transform` and `residual` take tuples of jets, and
    return one.

    Raises
    ------
    TypeError
        When a class is made whose unknowns or coordinates contradict each other.
    """

    name: str
    box: Box | None = None
    """The domain; coordinates, points and the scale of the network's inputs follow from it."""
    coordinates: tuple[str, ...]
    fields: tuple[str, ...] = ("u",)
    coefficients: Mapping[str, PointFunction] = {}
    """Known coefficients, functions of points; ``at[name]`` in the equation."""
    observation: Observation | Snapshots | None = None
    """Points and noise of generated data."""
    derivatives: tuple[str, ...] | None = None
    """First derivatives that the residual uses beside the principal operator; None: whatever it
    asks for."""
    nodes: int = 51
    """Points along every axis of the full fixed set."""
    placement: Placement = "lattice"
    """How n residual points are placed in the box."""
    stop_gradient_inputs: bool = False
    """Whether the operator takes the unknowns twice, u(x, z_0, z) with z_0 = z, of which only z has
    a derivative (`PointJets.stop_gradient_inputs`). Where f jumps u has kinks; through z alone they
    would ask of du/dz what the residual-gradient loss forbids."""
    fourier_coordinates: int = 0
    """How many leading features get Fourier pairs, where the network has any."""
    fourier_scale: float = 1.0
    """Standard deviation of their frequencies, in half waves on the unit interval."""

    def __init_subclass__(cls, **rest: Any) -> None:
        super().__init_subclass__(**rest)
        own = cls.__dict__
        if not hasattr(cls, "name"):
            cls.name = (
                cls.__module__.rpartition(".")[2]
                if "bilo.problems" in cls.__module__
                else (re.sub(r"(?<=[a-z])(?=[A-Z])", "_", cls.__name__).lower())
            )
        if cls.box is not None and "coordinates" not in own:
            cls.coordinates = cls.box.names
        if "unknowns" in own and not isinstance(own["unknowns"], property):
            require_unknowns(cls.__name__, own["unknowns"], getattr(cls, "coordinates", ()))

    def principal(self, at: PointJets) -> Operator | None:
        """The highest-order part M of the equation, one linear operator; `at.apply(u)` applies it.

        It saves a quarter of the work of a step. None: the residual's derivatives are carried one
        by one, ``u.d("t")``, ``u.d("x", "x")``.
        """
        return None

    @abstractmethod
    def transform(self, N: Any, at: PointJets) -> Fields:
        """The represented field from the network's output; imposes initial and boundary values."""

    @abstractmethod
    def residual(self, u: Any, at: PointJets) -> Fields:
        """F(D^k u, theta), zero for a solution; a tuple for a system."""

    def weak(self, u: Any, v: Any, at: PointJets) -> Jet | None:
        """The weak form's integrand, linear in v: its integral is zero for every test function v.

        Values of the unknowns, values and first derivatives of u and v; None: it is not stated.
        Nothing else is solved then: a condition on a side is stated here, or in `transform`.
        """
        return None

    def collocation(self, n: int | None, generator: torch.Generator) -> Points:
        """Residual points: n by the problem's `placement`, or for None the full fixed set.

        That is a grid with `nodes` points along every axis, or a lattice of as many as two axes
        have, where there are three or more.
        """
        box = self.domain
        if n is not None:
            return self.place(box.scatter(self.placement, n, generator).coordinates)
        if len(box.names) > MOST_GRIDDED:
            fixed = torch.Generator().manual_seed(0)
            return self.place(box.lattice(self.nodes**MOST_GRIDDED, fixed).coordinates)
        return self.place(box.grid(self.nodes).coordinates)

    @property
    def domain(self) -> Box:
        """The box, or the unit box of the coordinates."""
        return self.box or Box.unit(self.coordinates)

    def place(self, coordinates: Mapping[str, Tensor]) -> Points:
        """Points (N,) with what the problem knows there."""
        return Points(coordinates)

    def conditions(self) -> tuple[Condition, ...]:
        """Further equations that the transform does not impose."""
        return ()

    def features(self, at: PointJets) -> list[Jet]:
        """Network inputs before the unknowns; the coordinates, as parts of the box's sides."""
        here = {c: at[c] for c in self.coordinates}
        return list((here if self.box is None else self.box.relative(here)).values())

    def feature_count(self) -> int:
        """Number of `features`, found by asking for them at one point."""
        point = self.place(self.domain.midpoints(1).coordinates)
        params = torch.zeros(sum(k.size for k in self.unknowns))
        return len(self.features(PointJets(self, point, params, tangents=False, derivatives=False)))

    def weight(self, u: Any, at: PointJets) -> Tensor | None:
        """Weight (N,) of each squared residual, held fixed in a step; None for one."""
        return None

    def observe(self, theta: Values, noise: float, seed: int) -> SeparableObjective:
        """Data of the problem's observation, generated by the reference solver.

        Raises
        ------
        NotImplementedError
            If the problem says of no observation, and brings its own data.
        """
        if self.observation is None:
            raise NotImplementedError(f"{self.name} generates no data")
        return self.observation.data(self, theta, noise, seed)

    def departure_points(self, points: Points, u: Tensor) -> Points:
        """Where an unknown function acts on what u (N,) is at points; there itself, unless known.

        The upper level takes the derivative of u through the operator's input for that by the
        function's value there.
        """
        return points

    def discretise(self, *points: Any, **coordinates: Any) -> Discretised | None:
        """Data at points by the nodal values of the one function; None: there is no scheme.

        Raises
        ------
        ValueError
            If the scheme cannot predict data at these points.
        """
        return None

    def nodal(self, data: LeastSquares) -> Nodal | None:
        """The discretised inverse problem of data, for classical methods; None: there is none."""
        scheme = self.discretise(**self._rows(data.points))
        if scheme is None or data.seen is not None or data.functional is not None:
            return None
        (f,) = self.functions
        return Nodal(f, scheme, data.values.numpy())

    def pretraining_target(self, points: Points) -> Tensor | None:
        """The numerical solution at the start at points (N,), which pretraining uses."""
        if self._at_start is None:
            self._at_start = self.numerical(self.start())
        return None if self._at_start is None else self._at_start(points)

    def pretraining_weight(self, known: Tensor, points: Points) -> Tensor | None:
        """Weight (N,) in what pretraining adds, mean w (u - u_num(theta_0))^2; None for one."""
        return None

    keep_best_by_reference: bool = False
    """Whether a fit keeps the best unknowns it saw by the numerical solution, because where both
    levels rest need not be near an optimum; for a solution that costs little."""

    untested: tuple[str, ...] = ()
    """Checks (`bilo.training.checks`) that are not made of a fit, because they would not say
    anything of it; what they measure stands in the assessment."""

    _at_start: Callable[[Points], Tensor] | None = None

    huber_delta: float = math.inf
    """Weighted residuals larger than this count linearly, not squared (Huber)."""

    def truth(self, seed: int = 0) -> dict[str, Any]:
        """The unknowns behind generated data, as far as the problem says them.

        The usual ones, whatever the seed, unless the problem draws them.
        """
        found = {k.name: k.truth for k in self.scalars if k.truth is not None}
        return {**found, **{k.name: k.truths[0] for k in self.functions if k.truths}}

    def identity(self) -> Any:
        """What makes the problem itself, for the checkpoints of its fits.

        The source of its class and of those before it, its unknowns, and its attributes.
        """
        mine = [c for c in type(self).__mro__ if c.__module__ != __name__]
        own = {k: v for k, v in vars(self).items() if k != "_at_start"}
        return [*(c for c in mine if c not in (ABC, object)), self.unknowns, own]

    # --- several fields ---------------------------------------------------------------------------
    def represent(self, out: Tensor, at: PointJets) -> tuple[Jet, ...]:
        """The represented fields from the network's output (1 + m, P, N, fields)."""
        N = tuple(Jet(out[..., k], at.streams) for k in range(len(self.fields)))
        return as_tuple(self.transform(self.together(N), at))

    def together(self, jets: tuple[Jet, ...]) -> Any:
        """A single jet for one field, the tuple for several: what the equation is written with."""
        return jets[0] if len(self.fields) == 1 else jets

    def residuals(self, u: tuple[Jet, ...], at: PointJets) -> tuple[Jet, ...]:
        """All equations."""
        if self.of_the_solution:
            at.bind(u)
        return as_tuple(self.residual(self.together(u), at))
