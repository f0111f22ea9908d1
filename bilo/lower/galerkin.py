"""The lower level by a weak form: Galerkin's method over the features of the trunk.

    F_i(w, z) = int g(u, psi_i) = 0  for all i,       u = u_0 + sum_j w_j psi_j

with g the integrand that the problem states (`Problem.weak`), z the values of the unknowns, psi_j
the represented fields of single features: they vanish where the transform imposes values, so that
they serve as test functions. Newton's method finds the field, and one factorisation of its matrix
serves all responses too,

    K dw = -F,       K = dF/dw,              dw/dz = -K^-1 S,       S = dF/dz.

No derivative of an unknown is asked for, nor a second one of u: coefficients may jump.

References: Ern and Guermond 2004, Theory and Practice of Finite Elements, ch. 2; Chen, Chi, E and
Yang 2022, J. Mach. Learn. 1 (random features).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from bilo.inverse.point_jets import PointJets
from bilo.inverse.points import Points, grid
from bilo.inverse.problem import MOST_GRIDDED, Problem
from bilo.lower.response import Expansion
from bilo.networks.response import ResponseNetwork
from bilo.taylor.jets import Jet
from bilo.taylor.streams import Streams
from bilo.training.recipes import RecipeError

INDEPENDENT = 1e-12
"""Part of the largest eigenvalue of the features' products below which a combination is none."""
FEW = 20
"""Points at which the transform is tested."""
NEWTON = 20
"""Most Newton steps of the field; a linear equation needs one."""
ROUNDING, TINY = 1e-9, 1e-300
SOLVED = 1e-9
"""|F| of a field that is found, over that of u_0."""
HOLDS = 1e-6
"""|F| over the size of its terms below which the equation counts as solved. The |F| of u_0 that
others are compared with is at least as much: a u_0 which solves the start has but rounding."""


def states_weak_form(problem: Problem) -> bool:
    """Whether a problem states one."""
    return type(problem).weak is not Problem.weak


@dataclass(frozen=True)
class Quadrature:
    """Points in the domain and their weights.

    Attributes
    ----------
    points : Points
    weights : Tensor (N,)
    """

    points: Points
    weights: Tensor

    @classmethod
    def of(cls, problem: Problem, count: int | None) -> Quadrature:
        """Gauss's rule of two points on equal intervals: at least `count` points.

        None: the intervals between the problem's `nodes`, or, for three coordinates or more, as
        many points as two axes have. Where a function is constant around nodes, each half of an
        interval has a point of its own.
        """
        box = problem.domain
        axes = len(box.names)
        if count is None:
            count = (2 * (problem.nodes - 1)) ** min(axes, MOST_GRIDDED)
        intervals = math.ceil(count ** (1 / axes) / 2 - ROUNDING)
        x, _ = np.polynomial.legendre.leggauss(2)
        within = (torch.from_numpy(x) + 1) / 2
        axis = ((torch.arange(intervals)[:, None] + within) / intervals).flatten()
        rows = {c: low + (high - low) * axis for c, (low, high) in box.intervals.items()}
        points = problem.place(grid(**rows).coordinates)
        volume = math.prod(high - low for low, high in box.intervals.values())
        weights = torch.full((len(points),), volume / len(points), dtype=torch.float64)
        return cls(points, weights)


class FirstOrder(PointJets):
    """Jets of values and first derivatives, all that a weak form asks for."""

    def _carried(self) -> Streams:
        return Streams(self._problem.coordinates)


class _Field(Expansion):
    """The represented field with its first derivatives, (P, N)."""

    def expression(self, u: tuple[Jet, ...]) -> Tensor:
        """Value and slopes."""
        return u[0].data[0]


def represented(network: ResponseNetwork, points: Points, params: Tensor) -> tuple[Tensor, Tensor]:
    """u_0 (P, N) and psi_j (P, N, rows) with their first derivatives."""
    at = FirstOrder(network.problem, points.to(network.like), params, tangents=False)
    field = _Field(network, at)
    with torch.no_grad():
        u_0 = field.value(torch.zeros_like(network.rows))
    return u_0, field.linearise()[1]


@dataclass(frozen=True)
class Matrix:
    """K of a form, whose derivative by test function, field and their slopes is by_u (P, P, N)."""

    psi: Tensor
    by_u: Tensor

    def solve(self, b: Tensor, *, transposed: bool = False) -> Tensor:
        """K^-1 b of columns (rows, k), or with the transpose of K."""
        found: Tensor = torch.linalg.lu_solve(*self._factors, b, adjoint=transposed)
        return found

    @cached_property
    def _factors(self) -> tuple[Tensor, Tensor]:
        rows = self.psi.shape[2]
        K = self.psi.new_zeros(rows, rows)
        for test, by in zip(self.psi, self.by_u, strict=True):
            asked = [c[:, None] * psi for c, psi in zip(by, self.psi, strict=True) if c.any()]
            if asked:
                K += test.t() @ torch.stack(asked).sum(0)
        factors, pivots = torch.linalg.lu_factor(K)
        return factors, pivots


@dataclass(frozen=True)
class Form:
    """F at unknowns and a field, and its derivatives by both.

    Attributes
    ----------
    w : Tensor (rows,)
    F : Tensor (rows,)
    matrix : Matrix
        K.
    by_z : tuple of Tensor (P, N)
        Derivative by test function with its slopes, and by the value of each unknown's input.
    size : float
        Root of ``int a^2 + |b|^2`` for g = a v + b . grad v, the largest |F| of such terms.
    """

    w: Tensor
    F: Tensor
    matrix: Matrix
    by_z: tuple[Tensor, ...]
    size: float

    @property
    def left(self) -> float:
        """|F| over the size of its terms; not a number where F is none."""
        return float(self.F.norm()) / max(self.size, TINY)

    @property
    def holds(self) -> bool:
        """Whether the field solves the equation."""
        return self.left <= HOLDS

    @cached_property
    def S(self) -> tuple[Tensor, ...]:
        """dF/dz (rows, N) of each unknown, by its values at the points."""
        psi = self.matrix.psi
        return tuple(torch.einsum("pnj,pn->jn", psi, by) for by in self.by_z)


def _require_affine(network: ResponseNetwork, points: Points, params: Tensor) -> None:
    """u_0 + sum_j w_j psi_j is the represented field at any w, and at other unknowns.

    Raises
    ------
    RecipeError
    """
    few = points.part(slice(0, None, max(len(points) // FEW, 1)))
    u_0, psi = represented(network, few, params)
    at = FirstOrder(network.problem, few, params + 0.1, tangents=False)
    rows = torch.ones_like(network.rows)
    with torch.no_grad():
        elsewhere = _Field(network, at).value(rows)
    if not torch.allclose(elsewhere, u_0 + psi @ rows, rtol=1e-6, atol=1e-6):
        raise RecipeError(
            f"the weak form of {network.problem.name} needs a transform that is linear in N and "
            "does not move the field with the unknowns"
        )


class Galerkin:
    """The weak form of a problem over a trunk, at the points of a quadrature.

    The psi_j are those combinations of features, rows = features Q, that are orthonormal in the
    Sobolev product ``int u v + grad u . grad v``: what is no independent feature is left out.

    Parameters
    ----------
    network : ResponseNetwork
    quadrature : Quadrature
    params : Tensor (size,)
        Of the start; the represented fields do not depend on them.

    Raises
    ------
    RecipeError
        If the problem has several fields, or its transform is not linear, or moves the field with
        the unknowns.
    """

    def __init__(self, network: ResponseNetwork, quadrature: Quadrature, params: Tensor) -> None:
        problem = network.problem
        if len(problem.fields) > 1:
            raise RecipeError(f"a weak form is one of a single field: {problem.name} has several")
        self.network, self.problem = network, problem
        self.points = quadrature.points.to(network.like)
        self._weights = quadrature.weights.to(network.like)
        self._params = params.to(network.like)
        _require_affine(network, self.points, self._params)
        self._u_0, psi = represented(network, self.points, self._params)
        products = sum(p.t() @ (self._weights[:, None] * p) for p in psi)
        values, Q = torch.linalg.eigh(products)
        kept = values > INDEPENDENT * values[-1]
        self._Q = Q[:, kept] / values[kept].sqrt()
        self._psi = psi @ self._Q
        start = self.linearise(params, self.nothing)
        self._load = max(float(start.F.norm()), HOLDS * start.size)

    @property
    def nothing(self) -> Tensor:
        """The w of u_0."""
        return self._psi.new_zeros(self._psi.shape[2])

    def at(self, points: Points) -> tuple[Tensor, Tensor]:
        """u_0 (N,) and psi_j (N, rows) at other points."""
        u_0, psi = represented(self.network, points, self._params)
        return u_0[0], psi[0] @ self._Q

    def put(self, w: Tensor) -> None:
        """Leave a field in the network's last layer."""
        self.network.put(self._Q @ w)

    def solve(self, params: Tensor, w: Tensor) -> Form:
        """The form at the field that solves it, by Newton's method from w.

        `Form.holds` says whether one was found; a field on its way to infinity is the last finite.
        """
        form = self.linearise(params, w)
        for _ in range(NEWTON):
            if float(form.F.norm()) <= SOLVED * self._load:
                break
            w = form.w - form.matrix.solve(form.F[:, None])[:, 0]
            found = self.linearise(params, w, form.matrix)
            if not found.F.isfinite().all():
                break
            form = found
        return form

    def linearise(self, params: Tensor, w: Tensor, known: Matrix | None = None) -> Form:
        """The form at unknowns and a field; with a known matrix where that is the same."""
        at = FirstOrder(self.problem, self.points, params.to(self.network.like), tangents=False)
        with torch.enable_grad():
            z = at.shifted()
            u = (self._u_0 + self._psi @ w).requires_grad_()
            v = torch.zeros_like(u).requires_grad_()
            g = self.problem.weak(Jet(u[None], at.streams), Jet(v[None], at.streams), at)
            assert g is not None
            total = (self._weights * g.value).sum()
            (by_v,) = torch.autograd.grad(total, v, create_graph=True)
            by_uz = [_derivatives(row, [u, *z]) for row in by_v]
        by_u = torch.stack([row[0] for row in by_uz])
        if known is None or not torch.equal(by_u, known.by_u):
            known = Matrix(self._psi, by_u)
        by_z = (torch.stack([row[1 + k][0, 0] for row in by_uz]) for k in range(len(z)))
        F = torch.einsum("pnj,pn->j", self._psi, by_v.detach())
        size = float((by_v.detach() ** 2 / self._weights).sum().sqrt())
        return Form(w, F, known, tuple(by_z), size)


def _derivatives(row: Tensor, inputs: list[Tensor]) -> list[Tensor]:
    """Of a row's sum; zero by what it does not depend on."""
    if not row.requires_grad:
        return [torch.zeros_like(x) for x in inputs]
    found = torch.autograd.grad(row.sum(), inputs, retain_graph=True, allow_unused=True)
    return [torch.zeros_like(x) if g is None else g for g, x in zip(found, inputs, strict=True)]
