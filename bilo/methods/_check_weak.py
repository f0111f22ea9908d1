"""Whether the weak form that a problem states is its residual, integrated by parts.

With g(u, v) = a v + sum_c b_c d_c v the integrand of the weak form, all test functions that vanish
on the boundary leave

    int g(u, v) = int W v,       W = a - sum_c d_c b_c,

and the residual r is the same equation where W = s r with one factor s at a point for all fields:
a sign, a constant, a coefficient by which r was divided. At a point both are functions of u and its
derivatives there, whose terms polynomials take one by one; d_c b_c is a central difference.

On sides that the transform leaves free the weak form says more, b . n = 0. No residual tells
whether that is meant: it is put into words.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from bilo.inverse.function import Function
from bilo.inverse.point_jets import PointJets
from bilo.inverse.points import EXACT
from bilo.inverse.problem import Problem
from bilo.lower.galerkin import FirstOrder
from bilo.methods._check_reference import imposed, sides
from bilo.methods._statement import Statement
from bilo.networks.network import OperatorNetwork
from bilo.taylor.jets import Jet
from bilo.taylor.streams import Streams, derivative
from bilo.training.checks import Check

NAME = "weak form"
POINTS, FEWEST = 200, 20
"""Points inside at which terms are compared, and how many of them have to be left."""
STEP = 1e-4
"""Of central differences, over a side of the box."""
SAME, NOTHING = 1e-3, 1e-7
"""Relative difference of a term from which on it is another one; its size over the largest term's
below which it is none."""
JUMP = 1e-3
"""Relative change of a slope of b within a step that means that a coefficient jumps there."""

Names = tuple[str, ...]
"""Coordinates of a derivative; none for the value."""


@dataclass(frozen=True)
class Local:
    """A quadratic around each of n points, by its value and derivatives (n,) there."""

    parts: Mapping[Names, Tensor]
    coordinates: Names

    def jet(self, streams: Streams, along: str = "", h: float = 0.0) -> Jet:
        """Its jet at the points, or beside them along a coordinate."""
        value = self.parts[()]
        first = {c: self.parts[c,] for c in self.coordinates}
        second = {
            (a, b): self.parts[(a, b) if (a, b) in self.parts else (b, a)]
            for a in first
            for b in first
        }
        if along:
            value = value + h * (first[along] + h / 2 * second[along, along])
            first = {c: slope + h * second[c, along] for c, slope in first.items()}
        return Jet.tabulated(value, first, second, streams)

    def plus(self, names: Names, by: float) -> Local:
        """With another value, or another derivative."""
        return replace(self, parts={**self.parts, names: self.parts[names] + by})


class Forms:
    """Both forms of an equation, at points.

    Parameters
    ----------
    problem : Problem
    params : Tensor (size,)
    rows : mapping
        Coordinates (n,) of the points.
    """

    def __init__(self, problem: Problem, params: Tensor, rows: Mapping[str, Tensor]) -> None:
        self.problem, self.params, self.rows = problem, params, rows
        self.n = len(next(iter(rows.values())))
        self.sides = {c: high - low for c, (low, high) in problem.domain.intervals.items()}
        self._at = PointJets(problem, problem.place(rows).to(EXACT), params, tangents=False)
        self._beside: dict[tuple[str, int], FirstOrder] = {}

    def residual(self, u: Local) -> Tensor:
        """r (n,)."""
        (r,) = self.problem.residuals((u.jet(self._at.streams),), self._at)
        return r.value.expand(self.n)

    def weak(self, u: Local) -> Tensor:
        """W (n,)."""
        W = self.parts(u)[0]
        for q, (c, side) in enumerate(self.sides.items(), 1):
            rise = self.parts(u, c, 1)[q] - self.parts(u, c, -1)[q]
            W = W - rise / (2 * STEP * side)
        return W

    def parts(self, u: Local, along: str = "", sign: int = 0) -> Tensor:
        """a and the b_c (1 + d, n), at the points, or a step beside them."""
        h = sign * STEP * self.sides[along] if along else 0.0
        if (along, sign) not in self._beside:
            rows = {c: x + h if c == along else x for c, x in self.rows.items()}
            points = self.problem.place(rows).to(EXACT)
            at = FirstOrder(self.problem, points, self.params, tangents=False)
            self._beside[along, sign] = at
        at = self._beside[along, sign]
        field = u.jet(at.streams, along, h)
        v = torch.zeros_like(field.data).requires_grad_()
        with torch.enable_grad():
            g = self.problem.weak(field, Jet(v, at.streams), at)
            assert g is not None
            (by_v,) = torch.autograd.grad(g.value.expand(self.n).sum(), v)
        return by_v[0]

    def smooth(self, u: Local) -> Tensor:
        """Whether no b_c jumps within a step of a point, (n,)."""
        here, found = self.parts(u), torch.ones(self.n, dtype=torch.bool)
        for q, c in enumerate(self.sides, 1):
            up, down = self.parts(u, c, 1)[q], self.parts(u, c, -1)[q]
            size = up.abs() + down.abs()
            found &= (up + down - 2 * here[q]).abs() <= JUMP * size
        return found


class Probe:
    """A field at points whose terms are taken out one by one.

    Parameters
    ----------
    forms : Forms
        The field has the values of a network there, and slopes as large as these and the box allow.
    """

    def __init__(self, forms: Forms) -> None:
        problem, draw = forms.problem, torch.Generator().manual_seed(1)
        coordinates = problem.coordinates
        network = OperatorNetwork(problem, 12, 3, 0, seed=0).double()
        points = problem.place(forms.rows).to(EXACT)
        with torch.no_grad():
            at = PointJets(problem, points, forms.params, tangents=False, derivatives=False)
            value = network.represented(at)[0].value.expand(forms.n)
        unit = float(value.abs().max()) or 1.0
        pairs = itertools.combinations_with_replacement(coordinates, 2)
        self.names: tuple[Names, ...] = (*pairs, *((c,) for c in coordinates), ())
        """Second derivatives, first ones, the value."""
        self.steps = {
            names: unit / float(torch.tensor([forms.sides[c] for c in names]).prod())
            for names in self.names
        }
        drawn = {
            names: step * torch.randn(forms.n, generator=draw, dtype=torch.float64)
            for names, step in self.steps.items()
        }
        self.field = Local({**drawn, (): value}, coordinates)

    def terms(self, form: Callable[[Local], Tensor]) -> Tensor:
        """What a step of each derivative adds to a form, and what is left without u, (.., n)."""
        here = form(self.field)
        rows = [form(self.field.plus(names, step)) - here for names, step in self.steps.items()]
        for row, (names, step) in zip(rows, self.steps.items(), strict=True):
            here = here - row * self.field.parts[names] / step
        return torch.stack([*rows, here])

    def told(self, k: int) -> str:
        """The k-th term in words."""
        if k == len(self.names):
            return "the terms without u"
        return f"the terms in {_named(self.names[k])}"


def weak_form(problem: Problem, params: Tensor) -> Check:
    """Whether weak form and residual state one equation, and what is asked of free sides."""
    Statement(problem).used_weakly()
    params = _varied(problem, params)
    draw = torch.Generator().manual_seed(4)
    rows = {
        c: low + (high - low) * (0.1 + 0.8 * torch.rand(POINTS, generator=draw).double())
        for c, (low, high) in problem.domain.intervals.items()
    }
    forms = Forms(problem, params, rows)
    probe = Probe(forms)
    weak, residual = probe.terms(forms.weak), probe.terms(forms.residual)
    k = _leading(weak, residual)
    if k is None:
        return Check(NAME, False, "it is not the residual by parts: they share no term of u")
    usable = forms.smooth(probe.field) & (weak + residual).isfinite().all(0)
    usable &= residual[k].abs() > NOTHING * _largest(residual)
    if int(usable.sum()) < FEWEST:
        return Check(NAME, None, "its coefficients jump, or are no numbers, almost everywhere")
    weak, residual = weak[:, usable], residual[:, usable]
    factor = weak[k] / residual[k]
    brought = residual * factor
    apart, size = (weak - brought).abs(), torch.maximum(weak.abs(), brought.abs()).amax(1)
    wrong = apart.amax(1) > SAME * size + NOTHING * size.max()
    if not wrong.any():
        told = f"it is the residual by parts{_times(factor)}"
        asked = ", ".join(_conditions(problem, params))
        free = f"; of sides that the transform leaves free it asks {asked}" if asked else ""
        return Check(NAME, True, told + free)
    first = int(wrong.nonzero()[0])
    n = int(apart[first].argmax())
    where = ", ".join(f"{c} = {float(x[usable][n]):.3g}" for c, x in rows.items())
    both = torch.stack([weak[first, n] / factor[n], residual[first, n]])
    mine, other = both.where(both.abs() > NOTHING * both.abs().max(), 0.0).tolist()
    words = (
        f"it is not the residual by parts: with the same {_named(probe.names[k])}, "
        f"{probe.told(first)} are {mine:.3g} in it and {other:.3g} in the residual, at {where}"
    )
    return Check(NAME, False, words)


def _leading(weak: Tensor, residual: Tensor) -> int | None:
    """The first term of u that both forms have: of the highest order."""
    there = [t[:-1].abs().nan_to_num(0.0).amax(1) > NOTHING * _largest(t) for t in (weak, residual)]
    both = (there[0] & there[1]).nonzero()
    return int(both[0]) if len(both) else None


def _largest(terms: Tensor) -> Tensor:
    return terms.abs().nan_to_num(0.0).max()


def _varied(problem: Problem, params: Tensor) -> Tensor:
    """Functions away from their first guess, which may be a constant: with random weights added."""
    parts = zip(problem.unknowns, problem.split(params), strict=True)
    return torch.cat(
        [part + k.random_params(1) if isinstance(k, Function) else part for k, part in parts]
    )


def _conditions(problem: Problem, params: Tensor) -> Iterator[str]:
    """What b . n = 0 says in the middle of each side that the transform leaves free."""
    middle = {c: (low + high) / 2 for c, (low, high) in problem.domain.intervals.items()}
    for c, value, points in sides(problem):
        if all(held for _, held in imposed(problem, params, points)):
            continue
        rows = {a: torch.tensor([x]).double() for a, x in {**middle, c: value}.items()}
        forms = Forms(problem, params, rows)
        probe, q = Probe(forms), 1 + list(forms.sides).index(c)
        found = probe.terms(lambda u, forms=forms, q=q: forms.parts(u)[q])[:, 0]  # type: ignore[misc]
        kept = found.abs() > NOTHING * found.abs().max()
        if not kept.any():
            continue
        steps = [*probe.steps.items(), (None, 1.0)]
        terms = [
            f"{'-' if t < 0 else '+'} {float(t.abs()) / step:.3g} {_named(names)}".rstrip()
            for t, keep, (names, step) in zip(found, kept, steps, strict=True)
            if keep
        ]
        yield f"{' '.join(terms).removeprefix('+ ')} = 0 at {c} = {value:g}"


def _times(factor: Tensor) -> str:
    low, high = float(factor.min()), float(factor.max())
    if high - low <= SAME * max(abs(low), abs(high)):
        return "" if abs(low - 1) <= SAME else f", times {low:.3g}"
    return f", times a factor between {low:.3g} and {high:.3g}"


def _named(names: Names | None) -> str:
    """A term of u; of None there is no u in it."""
    if names is None:
        return ""
    return f"u_{derivative(*names)}" if names else "u"
