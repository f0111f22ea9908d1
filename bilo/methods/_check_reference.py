"""Tests of a problem's numerical solution against its equation and transform."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping

import numpy as np
import torch
from torch import Tensor

from bilo.inverse.point_jets import PointJets
from bilo.inverse.points import EXACT, Points
from bilo.inverse.problem import Problem
from bilo.lower.losses import terms_of
from bilo.networks.network import OperatorNetwork
from bilo.taylor.jets import Jet
from bilo.training.checks import Check

Solution = Callable[[Points], Tensor]
STEPS = (0.04, 0.02, 0.01)
"""Of central differences, over a side of the box."""
SMALL, ORDER, TINY = 3e-2, 1.0, 1e-3
"""Residual of a numerical solution over the equation's terms: so small and falling with that order
of the step, or tiny."""
INSIDE = 60
SAME = 1e-4
"""Largest difference of transform and numerical solution, over the latter's size."""
NO_SAY = 1e-12
"""Difference of two networks' fields that means that the network has no say."""
DIFFERENCE, WRONG = 1e-4, 1e-3
"""Relative width of a difference by an unknown, and largest error of a sensitivity."""


def values(problem: Problem, params: Tensor, solution: Solution | None) -> Check:
    """One finite number a point and field."""
    name = "numerical solution"
    if solution is None:
        return Check(name, None, "there is none: fits can be checked by known noise alone")
    points = problem.collocation(None, torch.Generator())
    u, fields = solution(points), len(problem.fields)
    shape = (len(points),) if fields == 1 else (len(points), fields)
    if u.shape != shape:
        return Check(name, False, f"it gives {tuple(u.shape)} numbers for {shape}")
    if not bool(u.isfinite().all()):
        return Check(name, False, f"{int((~u.isfinite()).sum())} of {u.numel()} are not finite")
    return Check(name, True, "it gives a finite number a point")


def residual(problem: Problem, params: Tensor, solution: Solution | None) -> Check:
    """The equation at the numerical solution, by central differences."""
    name = "numerical residual"
    if solution is None:
        return Check(name, None, "there is no numerical solution")
    sizes = [_relative_residual(problem, params, solution, h) for h in STEPS]
    order = float(np.log2(max(sizes[0], 1e-300) / max(sizes[-1], 1e-300))) / (len(STEPS) - 1)
    found = ", ".join(f"{s:.2g}" for s in sizes)
    passed = sizes[-1] <= TINY or (sizes[-1] <= SMALL and order >= ORDER)
    words = f"it leaves {found} of the equation's terms, differences of {STEPS} of a side"
    if not passed:
        words = f"the numerical solution does not solve the equation: {words}"
    return Check(name, passed, words)


def transform(problem: Problem, params: Tensor, solution: Solution | None) -> Check:
    """Where the network has no say, on sides of the box, the numerical solution stands."""
    name = "transform"
    if problem.of_the_solution:
        return Check("transform", None, "no network takes a function of the solution as input")
    held, wrong = set(), []
    everywhere = problem.collocation(None, torch.Generator())
    u = None if solution is None else solution(everywhere).view(len(everywhere), -1)
    sizes = [] if u is None else u.abs().max(0).values.clamp(min=1e-300).tolist()
    for c, value, points in sides(problem):
        side = f"{c} = {value:g}"
        exact = None if solution is None else solution(points).view(len(points), -1)
        fields = zip(problem.fields, imposed(problem, params, points), strict=True)
        for k, (field, (v, fixed)) in enumerate(fields):
            if not fixed:
                continue
            held.add(side)
            if exact is None:
                continue
            apart = float((v - exact[:, k]).abs().max()) / sizes[k]
            if apart > SAME:
                wrong.append(f"{field} at {side} by {apart:.2g}")
    if wrong:
        return Check(name, False, f"it differs from the numerical solution: {', '.join(wrong)}")
    if not held and not problem.conditions():
        words = "it imposes nothing on any side, and there are no conditions: the solution is free"
        return Check(name, False, words)
    if not held:
        return Check(name, None, "it imposes nothing; conditions ask for the values")
    return Check(name, True, f"it imposes the values at {', '.join(sorted(held))}")


def sensitivities(problem: Problem, params: Tensor, solution: Solution | None) -> Check:
    """Against differences of the numerical solution."""
    name, theta = "sensitivities", problem.from_params(params)
    own = type(problem).sensitivities is not Problem.sensitivities
    if not own or problem.functions:
        return Check(name, None, "the problem states none")
    where = problem.domain.grid(9) if problem.observation is None else None
    points = (where or problem.observation.points(problem)).to(EXACT)  # type: ignore[union-attr]
    found = problem.sensitivities(theta, problem.place(points.coordinates))
    if found is None:
        return Check(name, None, "there are none where data are observed")
    for k, row in zip(problem.scalars, found[1], strict=True):
        h = (abs(theta[k.name]) or 1.0) * DIFFERENCE
        up, down = ({**theta, k.name: theta[k.name] + s * h} for s in (1, -1))
        exact = (_solved(problem, up, points) - _solved(problem, down, points)) / (2 * h)
        apart = float((row - exact).abs().max()) / max(float(exact.abs().max()), 1e-300)
        if apart > WRONG:
            words = f"that by {k.name} differs by {apart:.2g} from differences of the solution"
            return Check(name, False, words)
    return Check(name, True, "they agree with differences of the numerical solution")


def _solved(problem: Problem, theta: Mapping[str, object], points: Points) -> Tensor:
    solution = problem.numerical(theta)
    assert solution is not None
    return solution(points).flatten()


def _inside(problem: Problem, n: int) -> dict[str, Tensor]:
    """Points away from the edges, at odd hundredths of the sides: numerical solutions on a grid,
    linear in between, cannot be differentiated at its nodes.
    """
    draw, box = torch.Generator().manual_seed(3), problem.domain
    rows = {}
    for name, (low, high) in box.intervals.items():
        part = (2 * torch.randint(10, 40, (n,), generator=draw).double() + 1) / 100
        rows[name] = low + (high - low) * part
    return rows


def imposed(problem: Problem, params: Tensor, points: Points) -> list[tuple[Tensor, bool]]:
    """Of each field its values at points by some network, and whether another has the same."""
    networks = [OperatorNetwork(problem, 12, 3, 0, seed).double() for seed in (0, 1)]
    with torch.no_grad():
        at = PointJets(problem, points, params, tangents=False, derivatives=False)
        one, two = (network.represented(at) for network in networks)
    found = []
    for v, w in zip(one, two, strict=True):
        size = max(float(v.value.abs().max()), 1.0)
        apart = float((v.value - w.value).abs().max())
        found.append((v.value.expand(len(points)), apart <= NO_SAY * size))
    return found


def sides(problem: Problem) -> Iterator[tuple[str, float, Points]]:
    """The sides of the box, each by a coordinate and its value, and points on it."""
    for name, interval in problem.domain.intervals.items():
        for value in interval:
            rows = _inside(problem, 20)
            rows[name] = torch.full_like(rows[name], value)
            yield name, value, problem.place(rows).to(EXACT)


def _relative_residual(problem: Problem, params: Tensor, solution: Solution, h: float) -> float:
    """Root mean square of the residual over that of its terms, the worst equation's."""
    inside, box = _inside(problem, INSIDE), problem.domain.intervals
    points = problem.place(inside).to(EXACT)
    step = {c: h * (high - low) for c, (low, high) in box.items()}

    def u(**by: float) -> Tensor:
        moved = {c: x + step[c] * by.get(c, 0.0) for c, x in inside.items()}
        return solution(Points(moved, points.known)).view(len(points), -1)

    here = u()
    first = {c: (u(**{c: 1}) - u(**{c: -1})) / (2 * step[c]) for c in box}
    second = {}
    for a, b in itertools.product(box, repeat=2):
        if a == b:
            second[a, b] = (u(**{a: 1}) - 2 * here + u(**{a: -1})) / step[a] ** 2
        else:
            corners = [s * r * u(**{a: s, b: r}) for s, r in itertools.product((1, -1), repeat=2)]
            second[a, b] = torch.stack(corners).sum(0) / (4 * step[a] * step[b])
    at = PointJets(problem, points, params, tangents=False)
    fields = tuple(
        Jet.tabulated(
            here[:, k],
            {c: v[:, k] for c, v in first.items()},
            {c: v[:, k] for c, v in second.items()},
            at.streams,
        )
        for k in range(len(problem.fields))
    )
    worst = 0.0
    for r, size in terms_of(problem, fields, at):
        rms = float((r**2).mean().sqrt())
        worst = max(worst, rms / max(float(size.mean().sqrt()), 1e-300))
    return worst
