"""What is left to gain: the directions in which functions are moved, and a dense least squares."""

from __future__ import annotations

import pytest

from bilo.inverse.box import Box
from bilo.inverse.least_squares import LeastSquares
from bilo.methods._optimum import FARTHEST, NUDGE, PART, _directions, left
from bilo.problems import get
from bilo.problems.heat import Heat
from tests.bilo.decaying import small


@pytest.mark.parametrize("name", ["burgers", "heat", "poisson", "darcy"])
def test_functions_move_along_their_derivatives(name: str) -> None:
    """By no more than is asked for, also where the network hardly follows."""
    problem = get(name)
    (k,) = problem.functions
    params = k.random_params(1)
    points = Box.unit(k.coordinates).grid(21)
    before = k.at(points, params)
    found = _directions(problem, params)
    assert len(found) == 12
    for v in found:
        assert float(v.norm()) <= FARTHEST * (1 + 1e-12)
        plus, minus = (k.at(points, params + s * PART * v) - before for s in (1, -1))
        most = PART * NUDGE * k.scale
        assert float(plus.abs().max()) <= 1.1 * most
        assert float((plus + minus).abs().max()) < 0.1 * most


class SmallHeat(Heat):
    """With a function of few weights."""

    unknowns = small(Heat)


def test_at_the_optimum_nothing_is_left_and_elsewhere_something_is() -> None:
    """Data of the function itself, and of a higher one; noise of 1e-3."""
    problem = SmallHeat()
    params = problem.start_params(0)
    u = problem.numerical(problem.from_params(params))
    assert u is not None
    points = problem.observe(problem.truth(), 0.0, 0).points
    exact = LeastSquares(points, u(points), sigma=1e-3)
    higher = LeastSquares(points, 1.01 * u(points), sigma=1e-3)
    there, apart = (left(problem, data, params, 0.0) for data in (exact, higher))
    assert there is not None
    assert apart is not None
    assert there.gain < 1e-12
    # one per cent of u is 51 data of up to 9 sigma, and nearly all of it can be gained
    chi_squared = float(((0.01 * u(points) / 1e-3) ** 2).sum())
    assert apart.gain == pytest.approx(chi_squared / 12, rel=0.05)
