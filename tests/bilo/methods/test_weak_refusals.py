"""What is no weak form, and cells that nothing takes, are refused in words before any training."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from typing import Any

import pytest
import torch

import bilo
from bilo import PINN, BiLO, Box, Cells, Function, LeastSquares, Problem, Scalar
from bilo.inverse.shapes import between, everywhere
from bilo.methods._fit import Method
from bilo.methods._preflight import require_sense
from tests.bilo.rods import Rod, rod_data

WEAKLY = BiLO("varpro", width=30, layers=1, finetune_steps=1)


def _rod(**changes: Any) -> Rod:
    """A rod whose function is another one."""
    problem = Rod()
    problem.unknowns = (replace(Rod.unknowns[0], **changes),)
    return problem


def _stating(form: Any) -> Rod:
    """A rod with another weak form."""

    class Stated(Rod):
        weak = form

    problem = Stated()
    problem.name = "rod"
    return problem


def _refused(problem: Problem, method: Method, words: str) -> None:
    with pytest.raises((TypeError, ValueError), match=words):
        require_sense(problem, rod_data(), method)


@pytest.mark.parametrize(
    ("form", "words"),
    [
        (
            lambda self, u, v, at: (at["a"] * u.d("x") * v.d("x"), -10 * v),
            "rod: weak returns 2 numbers, not one: their sum",
        ),
        (
            lambda self, u, v, at: (at["a"] * u.d("x") * v.d("x") - 10 * v).value,
            "rod: weak returns a Tensor, not a jet",
        ),
        (lambda self, u, v, at: None, "rod: weak returns nothing; is its `return` missing"),
        (
            lambda self, u, v, at: at["a"] * u.d("x") * v.d("x") - 10,
            r"rod: weak has a term without v \(10 at most where v = 0\)",
        ),
        (
            lambda self, u, v, at: at["a"] * u.d("x") * v.d("x") - 10 * v * v,
            "rod: weak is not linear in v",
        ),
        (
            lambda self, u, v, at: -at["a"].d("x") * u.d("x") * v - 10 * v,
            "weak asks for the slope 'x' of a",
        ),
        (
            lambda self, u, v, at: -(at["a"] * u).d("x") * v,
            "values of the unknowns, and values and first derivatives .* 'x' is not carried",
        ),
        (
            lambda self, u, v, at: at["a"] * u.d("x", "x") * v,
            "values of the unknowns, and values and first derivatives .* 'xx' is not carried",
        ),
        (
            lambda self, u, v, at: u.d("x") * v.d("x") - 10 * v,
            "rod: the weak form does not use a",
        ),
        (lambda self, u, v, at: at["b"] * v, "no 'b' at a point of rod"),
    ],
)
def test_what_is_no_weak_form(form: Any, words: str) -> None:
    _refused(_stating(form), WEAKLY, words)


def test_it_is_of_one_field_that_no_unknown_is_a_function_of() -> None:
    class Reaction(Rod):
        unknowns = (Function("r", ("u",), box=Box(u=(0, 1))),)

        def residual(self, u: Any, at: Any) -> Any:
            return u.d("x", "x") + at["r"]

        def weak(self, u: Any, v: Any, at: Any) -> Any:
            return u.d("x") * v.d("x") - at["r"] * v

    _refused(Reaction(), WEAKLY, "rod states a weak form, .* has a function of the solution")


def test_linear_functionals_are_no_values_at_points() -> None:
    data = rod_data()
    means = torch.full((3, len(data.points)), 1 / len(data.points), dtype=torch.float64)
    data = LeastSquares(data.points, torch.ones(3), functional=means)
    with pytest.raises(ValueError, match=r"the data are linear functionals of it \(functional\)"):
        bilo.fit(Rod(), data, WEAKLY, device="cpu")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ((21, 5.0, 0.5), r"cells: \(5, 0.5\) is no interval: Cells\(nodes, low, high\)"),
        ((21, 2.0, 2.0), "is no interval"),
        ((21, math.nan, 5.0), "is no interval"),
        ((0.5, 5.0, 21), "cells: 0.5 nodes an axis is no whole number of at least 2"),
        ((1, 0.5, 5.0), "cells: 1 nodes an axis"),
    ],
)
def test_cells_are_nodes_and_bounds(given: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Cells(*given)


def test_cells_need_a_weak_form() -> None:
    class Strong(Rod):
        weak = Problem.weak

    words = r"a has cells, which a weak form takes, and rod states none: write weak\(self"
    _refused(Strong(), WEAKLY, words)
    report = bilo.check(Strong())
    assert re.search(words, report.checks[0].words), str(report)
    _refused(_rod(cells=21), WEAKLY, r"a: a int is no grid of cells, Cells\(nodes, low, high\)")


@pytest.mark.parametrize("method", [BiLO("lm"), BiLO("fast"), PINN()])
def test_cells_need_a_method_that_takes_them_or_a_network_inside_their_bounds(
    method: Method,
) -> None:
    words = "a has cells, values between 0.5 and 5, .* transform=lambda N, at: 0.5 [+] 4.5"
    _refused(Rod(), method, words)
    require_sense(_rod(transform=between(0.5, 5.0)), rod_data(), method)
    require_sense(_rod(cells=None), rod_data(), method)


def test_the_start_is_inside_the_bounds() -> None:
    words = r"a: the start, 7 to 7, is outside the bounds of its cells, \(0.5, 5\)"
    _refused(_rod(start=everywhere(7.0)), WEAKLY, words)
    require_sense(_rod(start=everywhere(5.0)), rod_data(), WEAKLY)


def test_what_its_network_does_not_have_is_said_in_words() -> None:
    class Uniform(Rod):
        unknowns = (Scalar("a", start=2.0, bounds=(0.5, 5.0)),)

    found = bilo.fit(Uniform(), rod_data(), WEAKLY, device="cpu")
    words = "network of bilo does not take the unknowns, so it has no sensitivities: .* 'lm'"
    with pytest.raises(ValueError, match=words):
        found.predict({"x": [0.5]}, sensitivities=True)
    with pytest.raises(ValueError, match="so it has no field at other unknowns"):
        found.predict({"x": [0.5]}, {"a": 1.0})
