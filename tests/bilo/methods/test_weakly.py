"""BiLO with a weak form: a coefficient that jumps, found by its values."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

import bilo
from bilo import (
    BiLO,
    Box,
    Cells,
    Function,
    LeastSquares,
    Observation,
    Points,
    Problem,
    Regulariser,
    Scalar,
    Solution,
)
from bilo.inverse.cells import on_cells
from bilo.inverse.regulariser import total_variation
from bilo.inverse.shapes import everywhere, of
from bilo.lower.galerkin import Galerkin, Quadrature
from bilo.lower.trunk import tiling
from bilo.problems.darcy import Darcy
from bilo.training.progress import Record
from bilo.training.session import Progress
from bilo.upper.directions import FIRST_MU
from bilo.upper.weak_level import WeakLevel
from tests.bilo.rods import CUT, Rod, rod_data

NODES = 21


def _nearest(x: Tensor) -> Tensor:
    return (x * (NODES - 1)).round() / (NODES - 1)


INCLUSION = of(
    lambda x, y: 3.0 + 9.0 * ((_nearest(x) - 0.4) ** 2 + (_nearest(y) - 0.55) ** 2 < 0.04)
)
METHOD = BiLO("varpro", width=150, layers=1, points="all", w_reg=1e-9)


class Coarse(Darcy):
    """Darcy flow on 21 x 21 nodes, from a constant."""

    unknowns = (
        replace(
            Darcy.unknowns[0],
            start=everywhere(6.0),
            truths=(INCLUSION,),
            cells=Cells(NODES, 3.0, 12.0),
            regulariser=total_variation(NODES, ("x", "y"), 1.0),
        ),
    )
    observation = Observation(x=NODES, y=NODES)
    nodes = NODES


class Unsolved(Coarse):
    """Without a numerical solution."""

    solve = Problem.solve


def _data() -> LeastSquares:
    data = Coarse().observe({"A": INCLUSION}, 0.0, 0)
    assert isinstance(data, LeastSquares)
    return data


def test_a_file_gives_it_back(solved: Solution, tmp_path: Path) -> None:
    solved.save(tmp_path / "fit.safetensors")
    again = bilo.load(tmp_path / "fit.safetensors", Coarse())
    places = {"x": [0.2, 0.41], "y": [0.7, 0.55]}
    assert torch.equal(again.predict(places).value, solved.predict(places).value)
    nodes = Coarse().domain.grid(NODES)
    assert torch.equal(again.unknowns["A"](nodes), solved.unknowns["A"](nodes))
    assert again.summary() == solved.summary()


@pytest.fixture(scope="module")
def solved() -> Solution:
    return bilo.fit(Coarse(), _data(), METHOD, device="cpu")


def test_an_inclusion_is_found(solved: Solution) -> None:
    (A,) = on_cells(Coarse()).functions
    found, truth = (f(A.domain.grid(NODES)) for f in (solved.unknowns["A"], INCLUSION))
    assert float((found - truth).norm()) < 0.25 * float(truth.norm())
    assert float(((found > 7.5) == (truth > 7.5)).double().mean()) > 0.97
    assert float(found.min()) >= 3.0
    assert float(found.max()) <= 12.0


def test_the_network_represents_the_field(solved: Solution) -> None:
    data = _data()
    u = solved.field(data.points)
    assert float((u - data.values).norm()) < 0.01 * float(data.values.norm())
    assert solved.assessment["u_rel_l2_vs_numerical"] < 0.02


def test_a_minimum_on_the_numerical_field_is_converged(solved: Solution) -> None:
    passed = {check.name: check.passed for check in solved.checks}
    assert solved.status == "converged", solved.warnings
    assert passed["numerical solution"]
    assert passed["rest"]
    assert passed["regulariser"] is None
    assert solved.assessment["gain_left"] < 0.05


def test_without_a_numerical_solution_nothing_is_confirmed() -> None:
    found = bilo.fit(Unsolved(), _data(), METHOD, device="cpu")
    assert found.status == "unverified", found.warnings


def test_a_field_of_too_few_features_is_not_converged() -> None:
    found = bilo.fit(Coarse(), _data(), replace(METHOD, width=20), device="cpu")
    (check,) = [check for check in found.checks if check.name == "numerical solution"]
    assert check.passed is False
    assert found.status == "not converged"


def test_a_fit_that_was_cut_short_is_not_converged() -> None:
    found = bilo.fit(Coarse(), _data(), replace(METHOD, finetune_steps=3), device="cpu")
    assert found.status == "not converged"


def test_what_is_left_falls_on_the_way_to_the_minimum() -> None:
    """By the model, and no less than half of what such a step does gain."""
    problem = on_cells(Coarse())
    network = tiling(problem, 150, 1, 0).double()
    params = problem.start_params(0)
    galerkin = Galerkin(network, Quadrature.of(problem, None), params)
    level = WeakLevel(galerkin, _data(), 1e-9)
    place, mu = level.settle(params, galerkin.nothing), FIRST_MU
    at_first = level.model(place).left
    for _ in range(8):
        found, mu = level.step(place, mu)
        assert found is not None
        place = found
    at_last, (further, _) = level.model(place).left, level.step(place, 1e-8)
    assert further is not None
    assert at_last > 0.5 * (place.value - further.value)
    assert at_last < 1e-3 * at_first


def test_an_interrupted_fit_ends_on_the_same_bits(solved: Solution, tmp_path: Path) -> None:
    file = tmp_path / "fit.safetensors"

    def stop(progress: Progress) -> Record | None:
        if progress.step == 4:
            raise KeyboardInterrupt
        return None

    first = bilo.fit(Coarse(), _data(), METHOD, device="cpu", checkpoint=file, callback=stop)
    assert first.interrupted
    again = bilo.fit(Coarse(), _data(), METHOD, device="cpu", checkpoint=file)
    assert torch.equal(again.params, solved.params)


def test_values_on_a_bound_are_told(solved: Solution) -> None:
    """Of two phases they are right, and else the bounds hold the answer back: no check tells."""
    (bounds,) = [c for c in solved.checks if c.name == "bounds"]
    nodes = solved.unknowns["A"](Coarse().domain.grid(NODES))
    low, high = int((nodes <= 3.0).sum()), int((nodes >= 12.0).sum())
    assert low + high > 100
    assert bounds.passed is None
    assert bounds.words.startswith(
        f"{low + high} of {NODES**2} values of A lie on a bound ({low} at 3, {high} at 12)"
    )
    inside = bilo.fit(Rod(), rod_data(), BiLO("varpro", width=60, layers=1, w_reg=1e-6))
    (bounds,) = [c for c in inside.checks if c.name == "bounds"]
    assert (bounds.passed, bounds.words) == (True, "no unknown sits on a bound")


class Heated(Problem):
    """u_t = (a(x) u_x)_x + 10 on (0, 1) x (0, 1), u = 0 at first and at both ends."""

    box = Box(t=(0, 1), x=(0, 1))
    unknowns = (
        Function(
            "a",
            ("x",),
            start=everywhere(1.0),
            regulariser=Regulariser(Box(x=(0, 1)).grid(21), corner=0.1),
            cells=Cells(21, 0.2, 4.0),
        ),
    )

    def transform(self, N: Any, at: Any) -> Any:
        return N * at.vanishing("x", after="t")

    def residual(self, u: Any, at: Any) -> Any:
        flow = at["a"].d("x") * u.d("x") + at["a"].d("1") * u.d("x", "x")
        return u.d("t") - flow - 10

    def weak(self, u: Any, v: Any, at: Any) -> Any:
        return (u.d("t") - 10) * v + at["a"] * u.d("x") * v.d("x")


def test_a_function_of_one_of_two_coordinates() -> None:
    """Data by an implicit scheme of finite volumes."""
    nodes, steps = 121, 200
    x = torch.linspace(0, 1, nodes, dtype=torch.float64)
    a = torch.where((x[1:] + x[:-1]) / 2 < CUT, 0.5, 2.0) * (nodes - 1) ** 2
    K = torch.diag(a[1:] + a[:-1]) - torch.diag(a[1:-1], 1) - torch.diag(a[1:-1], -1)
    A, u, rows = torch.eye(nodes - 2).double() + K / steps, torch.zeros(nodes - 2).double(), []
    for _ in range(steps):
        u = torch.linalg.solve(A, u + 10 / steps)
        rows.append(torch.nn.functional.pad(u, (1, 1)))
    points = Box(t=(0, 1), x=(0, 1)).grid(t=11, x=21)
    table = torch.stack([torch.zeros(nodes).double(), *rows])[::20, ::6]
    data = LeastSquares(points, table.flatten())
    method = BiLO("varpro", width=120, layers=1, w_reg=1e-6, points=1600)
    found = bilo.fit(Heated(), data, method, device="cpu").unknowns["a"]
    nodal = Box(x=(0, 1)).grid(21)
    truth = torch.where(nodal.coordinates["x"] < CUT, 0.5, 2.0)
    apart = (found(nodal) - truth).abs()
    assert float(apart.norm()) < 0.15 * float(truth.norm())
    assert int((apart > 0.1).sum()) <= 1  # the value beside the cut


class Bratu(Problem):
    """-u'' = k e^u, u = 0 at both ends, which has no solution above k = 3.51."""

    box = Box(x=(0, 1))
    unknowns = (Scalar("k", start=6.0, bounds=(0.1, 10.0)),)

    def transform(self, N: Any, at: Any) -> Any:
        return N * at.vanishing("x")

    def residual(self, u: Any, at: Any) -> Any:
        return u.d("x", "x") + at["k"] * u.exp()

    def weak(self, u: Any, v: Any, at: Any) -> Any:
        return u.d("x") * v.d("x") - at["k"] * u.exp() * v


def _of_bratu(start: float) -> Solution:
    """A fit to the solution at k = 1, which is 2 ln (cosh q / cosh ((2 x - 1) q)), q = .379."""
    problem = Bratu()
    problem.unknowns = (replace(Bratu.unknowns[0], start=start),)
    x, q = torch.linspace(0, 1, 21, dtype=torch.float64), torch.tensor(0.3792911498)
    u = 2 * (q.cosh() / ((2 * x - 1) * q).cosh()).log()
    return bilo.fit(problem, LeastSquares(Points({"x": x}), u), BiLO("varpro", width=30, layers=1))


def test_a_field_that_was_not_found_is_no_solution() -> None:
    found = _of_bratu(6.0)
    (equation,) = [c for c in found.checks if c.name == "equation"]
    assert found.status == "not converged"
    assert equation.passed is False
    assert equation.words in found.warnings
    assert "no field was found that solves the weak form: Newton's method leaves" in equation.words
    assert found.assessment["weak_residual"] > 1e-3
    found = _of_bratu(2.0)
    assert found.status == "unverified"
    assert found.unknowns["k"] == pytest.approx(1.0, abs=1e-3)
    assert found.assessment["weak_residual"] < 1e-9
