"""BiLO with a weak form: a coefficient that jumps, found by its values."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

import bilo
from bilo import BiLO, Cells, LeastSquares, Observation, Problem, Solution
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
