"""`bilo.check` compares the weak form with the residual, term by term."""

from __future__ import annotations

import re
from typing import Any, ClassVar

import pytest

from bilo import Box, Problem, Scalar, check
from bilo.training.checks import Check
from tests.bilo.lower.test_galerkin import Fin
from tests.bilo.rods import Rod


def _found(problem: Problem) -> Check:
    report = check(problem)
    (found,) = [c for c in report.checks if c.name == "weak form"]
    assert report.ok == (found.passed is not False), str(report)
    return found


class Divided(Rod):
    """Its residual is divided by the coefficient."""

    def residual(self, u: Any, at: Any) -> Any:
        return super().residual(u, at) / at["a"].d("1")


class Disc(Rod):
    """On a disc, x the radius: the weak form has the weight of dx, the residual none."""

    def residual(self, u: Any, at: Any) -> Any:
        return super().residual(u, at) + at["a"] * u.d("x") / at["x"]

    def weak(self, u: Any, v: Any, at: Any) -> Any:
        return at["x"] * super().weak(u, v, at)


class Layered(Rod):
    """A known coefficient that jumps five times: no residual has its slope."""

    coefficients: ClassVar = {
        "P": lambda p: 1.0 + 2.0 * ((5 * p.coordinates["x"]).floor() % 2).double()
    }

    def residual(self, u: Any, at: Any) -> Any:
        return at["P"] * super().residual(u, at)

    def weak(self, u: Any, v: Any, at: Any) -> Any:
        return at["P"] * super().weak(u, v, at)


class Evolution(Problem):
    """u_t + u u_x - D (u_xx + u_xy + u_yy) + c u^3 = sin x: not linear, with mixed slopes."""

    box = Box(t=(0, 2), x=(-1, 3), y=(0, 0.5))
    unknowns = (
        Scalar("D", start=0.3, bounds=(0.01, 1.0), log=True),
        Scalar("c", start=0.5, bounds=(0.0, 2.0)),
    )

    def transform(self, N: Any, at: Any) -> Any:
        return 1 + at["t"] * N * at.vanishing("x", "y")

    def residual(self, u: Any, at: Any) -> Any:
        spread = u.d("x", "x") + u.d("x", "y") + u.d("y", "y")
        flow = u.d("t") + u * u.d("x")
        return flow - at["D"] * spread + at["c"] * u**3 - at["x"].sin()

    def weak(self, u: Any, v: Any, at: Any) -> Any:
        ux, uy, vx, vy = u.d("x"), u.d("y"), v.d("x"), v.d("y")
        spread = ux * vx + (ux * vy + uy * vx) / 2 + uy * vy
        rest = u.d("t") + at["c"] * u**3 - at["x"].sin()
        return rest * v - u**2 / 2 * vx + at["D"] * spread


@pytest.mark.parametrize(
    ("problem", "words"),
    [
        (Rod(), "it is the residual by parts, times -1"),
        (Fin(), "it is the residual by parts"),
        (Evolution(), "it is the residual by parts"),
        (Layered(), "it is the residual by parts, times -1"),
    ],
)
def test_the_same_equation(problem: Problem, words: str) -> None:
    found = _found(problem)
    assert found.passed
    assert found.words == words


@pytest.mark.parametrize(
    ("problem", "least", "most"), [(Divided(), -2.0, -1.5), (Disc(), -0.9, -0.1)]
)
def test_the_same_equation_but_for_a_factor(problem: Problem, least: float, most: float) -> None:
    found = _found(problem)
    assert found.passed
    factors = re.search(r"times a factor between (\S+) and (\S+)", found.words)
    assert factors, found.words
    low, high = map(float, factors.groups())
    assert least - 0.02 <= low < high <= most + 0.02


class Twice(Rod):
    """Twice the source."""

    def weak(self, u: Any, v: Any, at: Any) -> Any:
        return at["a"] * u.d("x") * v.d("x") - 20 * v


class OtherSign(Rod):
    """The source has the wrong sign."""

    def weak(self, u: Any, v: Any, at: Any) -> Any:
        return at["a"] * u.d("x") * v.d("x") + 10 * v


class NoSource(Rod):
    """The source is forgotten."""

    def weak(self, u: Any, v: Any, at: Any) -> Any:
        return at["a"] * u.d("x") * v.d("x")


class NoSlope(Rod):
    """The residual of a constant coefficient."""

    def residual(self, u: Any, at: Any) -> Any:
        return at["a"] * u.d("x", "x") + 10


class NoFlux(Rod):
    """No flux at all."""

    def weak(self, u: Any, v: Any, at: Any) -> Any:
        return at["a"] * u * v - 10 * v


class Plate(Problem):
    """k (u_xx + u_yy) + 1 = 0; the flux along y is forgotten."""

    box = Box(x=(0, 1), y=(0, 2))
    unknowns = (Scalar("k", start=2.0, bounds=(0.1, 10.0)),)

    def transform(self, N: Any, at: Any) -> Any:
        return N * at.vanishing("x", "y")

    def residual(self, u: Any, at: Any) -> Any:
        return at["k"] * (u.d("x", "x") + u.d("y", "y")) + 1

    def weak(self, u: Any, v: Any, at: Any) -> Any:
        return at["k"] * u.d("x") * v.d("x") - v


class HalfReaction(Evolution):
    """Half of the reaction, which is no linear term."""

    def weak(self, u: Any, v: Any, at: Any) -> Any:
        return super().weak(u, v, at) - at["c"] / 2 * u**3 * v


class NoTime(Evolution):
    """Without the derivative in time."""

    def weak(self, u: Any, v: Any, at: Any) -> Any:
        return super().weak(u, v, at) - u.d("t") * v


class Undrifted(Evolution):
    """The nonlinear flux has twice its size."""

    def weak(self, u: Any, v: Any, at: Any) -> Any:
        return super().weak(u, v, at) - u**2 / 2 * v.d("x")


@pytest.mark.parametrize(
    ("problem", "words"),
    [
        (Twice(), "with the same u_xx, the terms without u are 20 in it and 10 in the residual"),
        (OtherSign(), "the terms without u are -10 in it and 10 in the residual"),
        (NoSource(), r"the terms without u are 0 in it and 10 in the residual"),
        (NoSlope(), r"the terms in u_x are -?0\.\d+ in it and 0 in the residual"),
        (NoFlux(), "they share no term of u"),
        (Plate(), r"with the same u_xx, the terms in u_yy are 0 in it and \S+ in the residual"),
        (HalfReaction(), r"the terms in u are \S+ in it and \S+ in the residual"),
        (NoTime(), r"the terms in u_t are 0 in it and \S+ in the residual"),
        (Undrifted(), r"the terms in u_x are \S+ in it and \S+ in the residual"),
    ],
)
def test_another_equation_is_named_by_its_term(problem: Problem, words: str) -> None:
    found = _found(problem)
    assert found.passed is False
    assert found.words.startswith("it is not the residual by parts")
    assert re.search(words, found.words), found.words


class Free(Rod):
    """The end x = 1 is free, and a flux of 3 goes into it."""

    def transform(self, N: Any, at: Any) -> Any:
        """u = N x."""
        return N * at["x"]

    def weak(self, u: Any, v: Any, at: Any) -> Any:
        return super().weak(u, v, at) - 3 * (v + at["x"] * v.d("x"))


class Forgotten(Free):
    """The flux into it is forgotten, which no residual tells."""

    def weak(self, u: Any, v: Any, at: Any) -> Any:
        return at["a"] * u.d("x") * v.d("x") - 10 * v


class Robin(Free):
    """And it is cooled: a u' = 3 - 7 u."""

    def weak(self, u: Any, v: Any, at: Any) -> Any:
        """7 u v at x = 1 is the integral of (7 u x v)'."""
        x = at["x"]
        cooled = u * v + x * (u.d("x") * v + u * v.d("x"))
        return super().weak(u, v, at) + 7 * cooled


@pytest.mark.parametrize(
    ("problem", "condition"),
    [
        (Free(), r"1\.\d+ u_x - 3 = 0"),
        (Forgotten(), r"1\.\d+ u_x = 0"),
        (Robin(), r"1\.\d+ u_x \+ 7 u - 3 = 0"),
    ],
)
def test_what_a_free_side_is_asked_for_is_told(problem: Problem, condition: str) -> None:
    """No residual decides it: it is told, and no failure."""
    found = _found(problem)
    assert found.passed
    asked = f"of sides that the transform leaves free it asks {condition} at x = 1$"
    assert re.search(asked, found.words), found.words


class Everywhere(Rod):
    """A known coefficient that is other at every point."""

    coefficients: ClassVar = {"P": lambda p: 1 + (1e7 * p.coordinates["x"]).sin().abs()}

    def weak(self, u: Any, v: Any, at: Any) -> Any:
        return at["P"] * super().weak(u, v, at)


def test_a_coefficient_that_jumps_everywhere_is_not_judged() -> None:
    found = _found(Everywhere())
    assert found.passed is None
    assert "almost everywhere" in found.words


def test_what_is_no_weak_form_is_said() -> None:
    class Slope(Rod):
        def weak(self, u: Any, v: Any, at: Any) -> Any:
            return -at["a"].d("x") * u.d("x") * v - 10 * v

    found = _found(Slope())
    assert found.passed is False
    assert "the slope 'x' of a" in found.words


def test_a_problem_without_one_has_no_such_row() -> None:
    class Strong(Rod):
        unknowns = (Scalar("a", start=2.0, bounds=(0.5, 5.0)),)
        weak = Problem.weak

    assert "weak form" not in {c.name for c in check(Strong()).checks}
