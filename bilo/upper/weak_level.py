"""Steps of unknowns along the exact derivative of a weak form: Gauss-Newton without a matrix.

    J(theta) = mean l(u) + w_reg R(theta),      low <= theta <= high
    (H + mu |H|) d = -g   where no bound holds theta,       theta <- P(theta + d)

with the generalised Gauss-Newton model of J. H is known by its products T^T l'' T v, for there may
be as many unknown values as data, and more: T = du/dtheta = -Psi K^-1 S dz/dtheta takes one
solution of the factorised equation, its transpose another. A total variation has the weights of the
present slopes (Vogel and Oman 1996).

References: Nocedal and Wright 2006, Numerical Optimization, sections 7.1 and 16.7.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from bilo.inverse.coordinate_jets import CoordinateJets
from bilo.inverse.function import Function
from bilo.inverse.objective import SeparableObjective
from bilo.inverse.regulariser import regularisation, regulariser_products
from bilo.inverse.unknown import Unknown
from bilo.lower.galerkin import Form, Galerkin
from bilo.optimisation.conjugate_gradients import conjugate_gradients, largest_eigenvalue
from bilo.taylor.streams import VALUE
from bilo.upper.directions import ACCEPTED, TRIES

TOLERANCE, MOST = 1e-2, 100
"""Of conjugate gradients, relative, and their iterations."""
POWER = 5
"""Iterations for the largest eigenvalue, which the damping is relative to."""
HARDLY = 1e-8
"""Damping, relative, of the step that tells what is left to gain."""
Product = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Response:
    """T = du/dtheta at the data, by its products.

    Attributes
    ----------
    times : callable
        v (size,) -> T v (N,).
    transposed : callable
        c (N,) -> T^T c (size,).
    """

    times: Product
    transposed: Product


@dataclass(frozen=True)
class Model:
    """J about a place, to second order.

    Attributes
    ----------
    gradient : Tensor (size,)
    H : callable
        v (size,) -> H v.
    free : Tensor (size,)
        1 where no bound holds an unknown, else 0.
    """

    gradient: Tensor
    H: Product
    free: Tensor

    @property
    def size(self) -> float:
        """|H|, which damping is relative to."""
        free = self.free
        return largest_eigenvalue(lambda v: free * self.H(v), free * self.gradient, POWER)

    def minimum(self, damping: float) -> Tensor:
        """The damped step, of unknowns that no bound holds."""

        def damped(v: Tensor) -> Tensor:
            return self.free * self.H(v) + damping * v

        return conjugate_gradients(damped, -self.free * self.gradient, TOLERANCE, MOST)

    def drop(self, d: Tensor) -> float:
        """What a step gains."""
        return -float(self.gradient @ d + d @ self.H(d) / 2)

    @property
    def left(self) -> float:
        """What a step that is hardly damped gains."""
        return self.drop(self.minimum(HARDLY * self.size))


@dataclass(frozen=True)
class WeakPlace:
    """Both levels at one set of unknowns, the lower one solved.

    Attributes
    ----------
    params : Tensor (size,)
    form : Form
    u : Tensor (N,)
        At the data, float64 on the CPU.
    value : float
        The objective with its regulariser.
    """

    params: Tensor
    form: Form
    u: Tensor
    value: float


class WeakLevel:
    """The upper level over a weak form.

    Parameters
    ----------
    galerkin : Galerkin
    data : SeparableObjective
        Of the field itself.
    w_reg : float

    Attributes
    ----------
    seen : Tensor (N, rows)
        Psi, what the data see of each test function.
    """

    def __init__(self, galerkin: Galerkin, data: SeparableObjective, w_reg: float) -> None:
        self.galerkin, self.data, self.w_reg = galerkin, data, w_reg
        self._u_0, self.seen = galerkin.at(data.points)

    def settle(self, params: Tensor, w: Tensor) -> WeakPlace:
        """The lower level solved at unknowns, from w."""
        form = self.galerkin.solve(params, w)
        u = (self._u_0 + self.seen @ form.w).double().cpu()
        value = float(self.data.value(u, self.data.start))
        if self.w_reg:
            value += self.w_reg * float(regularisation(self.galerkin.problem, params))
        return WeakPlace(params, form, u, value)

    def response(self, place: WeakPlace) -> Response:
        """T at a place."""
        problem, form = self.galerkin.problem, place.form
        at = CoordinateJets(self.galerkin.points, VALUE)
        parts = problem.split(place.params.to(self.seen))
        own = [_input(k, part, at) for k, part in zip(problem.unknowns, parts, strict=True)]
        M = form.matrix.solve(self.seen.t(), transposed=True).t()

        def times(v: Tensor) -> Tensor:
            parts = zip(form.S, own, problem.split(v.to(M)), strict=True)
            return -(M @ torch.stack([S @ z.times(part) for S, z, part in parts]).sum(0)).to(v)

        def transposed(c: Tensor) -> Tensor:
            b = -(c.to(M) @ M)
            parts = [z.transposed(b @ S) for S, z in zip(form.S, own, strict=True)]
            return torch.cat(parts).to(c)

        return Response(times, transposed)

    def model(self, place: WeakPlace) -> Model:
        """J about a place."""
        problem, here = self.galerkin.problem, place.params
        T = self.response(place)
        first, second = self.data.derivatives(place.u)
        gradient = T.transposed(first)
        R = regulariser_products(problem, here) if self.w_reg else None
        if R is not None:
            gradient = gradient + 2 * self.w_reg * R.transposed(R.b)

        def H(v: Tensor) -> Tensor:
            curved = T.transposed(second * T.times(v))
            return curved if R is None else curved + 2 * self.w_reg * R.transposed(R.times(v))

        low, high = problem.param_bounds()
        held = ((here <= low) & (gradient > 0)) | ((here >= high) & (gradient < 0))
        return Model(gradient, H, (~held).to(gradient))

    def step(self, place: WeakPlace, mu: float) -> tuple[WeakPlace | None, float]:
        """A better place, or None where there is none; and mu for the next step."""
        problem, here, model = self.galerkin.problem, place.params, self.model(place)
        size = model.size
        for _ in range(TRIES):
            params = problem.project(here + model.minimum(mu * size))
            d = params - here
            expected = model.drop(d)
            if not expected:  # every value is held by a bound, or nothing is left to gain
                return None, mu
            found = self.settle(params, place.form.w)
            gain = (place.value - found.value) / expected
            better = found.form.holds and found.value < place.value
            if ACCEPTED.accepts(gain) and better:
                return found, ACCEPTED.next(mu, gain)
            mu *= 10
        return None, mu


def _input(k: Unknown, params: Tensor, at: CoordinateJets) -> Response:
    """Derivative of an unknown's input at points by its params."""
    if isinstance(k, Function):
        J, scale = k.factored(params, at, lambda f: f.value), k.scale
        return Response(lambda v: J.times(v) / scale, lambda w: J.transposed(w) / scale)
    count = len(at.points)
    return Response(lambda v: v.expand(count), lambda w: w.sum()[None])
