"""What makes no sense is refused in words, and nothing is trained."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from bilo.inverse.box import Box
from bilo.inverse.function import Function
from bilo.inverse.least_squares import LeastSquares
from bilo.inverse.point_jets import PointJets
from bilo.inverse.points import Points, values_at
from bilo.inverse.problem import Condition, Problem
from bilo.inverse.regulariser import Regulariser
from bilo.inverse.unknown import Scalar
from bilo.methods._fit import Method, fit
from bilo.methods._preflight import require_sense
from bilo.methods.adjoint import Adjoint
from bilo.methods.bilo import BiLO
from bilo.methods.bpn import BPN
from bilo.methods.deeponet import DeepONet
from bilo.methods.descent import Descent
from bilo.methods.direct_fit import DirectFit
from bilo.methods.pinn import PINN
from bilo.methods.tikhonov import Tikhonov
from bilo.problems import get, names
from bilo.problems.fisher_kpp import FisherKPP
from bilo.problems.heat import Heat
from bilo.training.session import Session


class Decay(Problem):
    """u'' = k u on (0, 2), without a numerical solution."""

    box = Box(x=(0, 2))
    unknowns: Any = (Scalar("k", start=1.0, bounds=(0.1, 10.0)),)

    def transform(self, N: Any, at: PointJets) -> Any:
        return N * at.vanishing("x") + 1.0

    def residual(self, u: Any, at: PointJets) -> Any:
        return u.d("x", "x") - at["k"] * u


class Pair(Decay):
    """Two fields."""

    fields = ("u", "v")

    def transform(self, N: Any, at: PointJets) -> Any:
        return tuple(n * at.vanishing("x") for n in N)

    def residual(self, u: Any, at: PointJets) -> Any:
        return u[0].d("x", "x") - at["k"] * u[1], u[1].d("x", "x") - u[0]


def _of(base: type[Problem] = Decay, **own: Any) -> Problem:
    return type("Mine", (base,), own)()


def _data(n: int = 5, **coordinates: Any) -> LeastSquares:
    rows = coordinates or {"x": torch.linspace(0, 2, n).double()}
    return LeastSquares(Points(rows), torch.ones(len(next(iter(rows.values())))))


def _refused(
    problem: Any, data: Any, words: str, method: Any = None, kind: Any = ValueError
) -> None:
    with pytest.raises(kind, match=words) as found:
        fit(problem, data, method or BiLO())
    told = [str(found.value), *getattr(found.value, "__notes__", ())]
    assert re.search(words, "\n".join(told))


@pytest.mark.parametrize("name", names())
def test_the_package_s_problems_make_sense(name: str) -> None:
    problem = get(name)
    data = problem.observe(problem.truth(), 0.0, 0)
    for method in (BiLO(), PINN()):
        require_sense(problem, data, method)


def test_kinds() -> None:
    _refused(Decay, _data(), r"an instance is needed, Decay\(\)", kind=TypeError)
    _refused("heat", _data(), "a str is no Problem", kind=TypeError)
    _refused(Decay(), torch.ones(5), "a Tensor is no objective, such as LeastSq", kind=TypeError)
    numbers = _of(unknowns=(Scalar("k", 1.0, (0.1, 10.0)),))
    numbers.unknowns = (*numbers.unknowns, 3.0)
    _refused(numbers, _data(), "unknown 3.0 is a float, neither a Scalar nor", kind=TypeError)
    _refused(Decay(), _data(), r"method: an instance is needed, BiLO\(\)", BiLO, kind=TypeError)
    for slip, words in (
        ({"coordinates": "x"}, r"k: coordinates are a tuple of names, \('x',\)"),
        ({"start": 0.3}, "k: its start is a function, lambda points: 0.3"),
        ({"regulariser": 1e-3}, r"k: a float is no regulariser, such as Regulariser\(points\)"),
    ):
        made: dict[str, Any] = {"coordinates": ("x",), "box": Decay.box, **slip}
        _refused(_of(unknowns=(Function("k", **made),)), _data(), words, kind=TypeError)
    none = _of()
    none.unknowns = ()
    _refused(none, _data(), "has no unknowns")


def test_shapes_of_data() -> None:
    many = LeastSquares(Points({"x": [0.1, 0.2]}), torch.ones(4))
    _refused(Decay(), many, r"4 values for 2 points with 1 numbers each \(fields u\)")
    _refused(Pair(), _data(), r"5 values for 5 points with 2 numbers each \(fields u, v\)")
    means = replace(_data(), functional=torch.ones(5, 4))
    _refused(Decay(), means, "functionals of 4 numbers for 5 points with 1")
    twice = replace(_data(), seen=lambda u, at: (u, u.d("x")))
    _refused(Decay(), twice, r"5 values for 5 points with 2 numbers each \(data.seen\)")


def test_places_of_data() -> None:
    _refused(FisherKPP(), _data(), "points lack the coordinate t; fisher_kpp has t, x")
    _refused(
        Decay(), _data(x=[0.5, 2.5, -1.0]),
        r"2 of 3 points lie outside Box\(x=\(0.0, 2.0\)\), the first at x = 2.5",
    )  # fmt: skip


def test_homes_of_functions() -> None:
    """Outside of its box a network would be read where nothing was asked of it."""
    _refused(
        _of(unknowns=(Function("k", ("x",)),)), _data(),
        r"k: without a box a function lives on \(0, 1\), and .* has x in \(0, 2\): give it box=",
    )  # fmt: skip
    there = Function("k", ("x",), box=Decay.box, regulariser=Regulariser(Points({"y": [0.0]})))
    _refused(
        _of(unknowns=(there,)), _data(), "k: the points of its regulariser lack the coordinate x"
    )
    require_sense(_of(unknowns=(Function("k", ("x",), box=Decay.box),)), _data(), BiLO())


def test_a_start_is_a_row_or_a_number() -> None:
    def first(start: Any) -> Any:
        k = Function("k", ("x",), start=start)
        return values_at(k.sensors, k.start)

    assert torch.equal(first(lambda points: 0.5), torch.full((101,), 0.5).double())
    assert torch.equal(first(lambda points: np.ones(len(points))), torch.ones(101).double())
    for wrong in (torch.ones(3), torch.ones(101, 1)):
        with pytest.raises(ValueError, match=rf"gave {re.escape(str(tuple(wrong.shape)))} for 101"):
            first(lambda points, wrong=wrong: wrong)


def test_names_at_a_point() -> None:
    def residual(self: Any, u: Any, at: PointJets) -> Any:
        return u.d("x", "x") - at["rate"] * u

    _refused(
        _of(residual=residual), _data(), "no 'rate' at a point of .*; there are x, k", kind=KeyError
    )


def test_numbers() -> None:
    with pytest.raises(TypeError, match="points: a ndarray does not name its coordinates"):
        LeastSquares(np.linspace(0, 2, 5), torch.ones(5))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="values: 1 of 5 numbers are not finite"):
        LeastSquares(Points({"x": torch.linspace(0, 2, 5)}), [1.0, math.nan, 1.0, 1.0, 1.0])

    def residual(self: Any, u: Any, at: PointJets) -> Any:
        return u.d("x", "x") - at["k"] * u / at["x"]

    words = r"residual is not finite at 1 of 51 points with the unknowns at their start.*x = 0"
    _refused(_of(residual=residual), _data(), words)


def test_unused_unknowns() -> None:
    two = (*Decay.unknowns, Scalar("c", start=1.0, bounds=(0.1, 10.0)))
    _refused(_of(unknowns=two), _data(), "neither the equation nor the data use c")

    def conditions(self: Any) -> Any:
        end = Points({"x": torch.tensor([2.0])})
        return (Condition(end, lambda u, at: u.d("x") - at["c"].d("1")),)

    require_sense(_of(unknowns=two, conditions=conditions), _data(), BiLO())
    seen = replace(_data(), seen=lambda u, at: at["c"] * u)
    require_sense(_of(unknowns=two), seen, BiLO())


def test_what_the_equation_returns() -> None:
    def values(self: Any, N: Any, at: PointJets) -> Any:
        return N.value * 2.0

    _refused(
        _of(transform=values), _data(), "transform returns a Tensor, not a jet", kind=TypeError
    )
    _refused(
        _of(residual=lambda self, u, at: (u.d("x", "x") - at["k"] * u).value), _data(),
        "residual returns a Tensor, not a jet", kind=TypeError,
    )  # fmt: skip
    _refused(
        _of(residual=lambda self, u, at: at["k"] * u * torch.ones(3)), _data(),
        "a jet with a Tensor: write a coordinate", kind=TypeError,
    )  # fmt: skip
    one = _of(Pair, transform=lambda self, N, at: N[0] * at.vanishing("x"))
    both = LeastSquares(_data().points, torch.ones(10))
    _refused(one, both, "transform returns 1 fields, and there are 2: u, v")
    few = _of(Pair, residual=lambda self, u, at: u[0].d("x", "x") - at["k"] * u[1])
    _refused(few, both, "1 equations for 2 fields")


def test_an_error_of_the_problem_s_own_says_where() -> None:
    def residual(self: Any, u: Any, at: PointJets) -> Any:
        return u.d("x", "x") - at["kappa"] * u

    with pytest.raises(KeyError) as found:
        fit(_of(residual=residual), _data(), BiLO())
    assert "before any training" in found.value.__notes__[0]


def test_what_the_data_see() -> None:
    wrong = replace(_data(), seen=lambda u, at: at["flux"])
    _refused(Decay(), wrong, "data.seen failed: KeyError: .*no .*flux.* at a point of decay")
    plain = replace(_data(), seen=lambda u, at: u.value)
    _refused(Decay(), plain, "data.seen returns a Tensor", kind=TypeError)


HEAT = Heat()
FISHER = FisherKPP()


@pytest.mark.parametrize(
    ("problem", "method", "words"),
    [
        (HEAT, BPN(), "bpn takes unknown scalars, no functions: f"),
        (HEAT, DirectFit(), "direct_fit takes unknown scalars, no functions: f"),
        (HEAT, BiLO(start_grid=2), "multi-start .* takes unknown scalars, no functions: f"),
        (FISHER, Adjoint(), "adjoint takes one unknown function, no scalars: D, rho"),
        (FISHER, Descent(), "descent takes one unknown function"),
        (FISHER, Tikhonov(), "tikhonov takes one unknown function"),
        (FISHER, BiLO(w_reg=1e-3), "fisher_kpp has no regulariser, of which w_reg is the weight"),
        (
            Decay(),
            BiLO(start_grid=3),
            r"decay has no numerical solution to judge .*start_grid",
        ),
        (Decay(), DirectFit(), "decay has no numerical solution, which direct_fit needs"),
        (Decay(), DeepONet(), "decay has no numerical solution, which deeponet needs"),
    ],
)
def test_methods_that_do_not_fit(problem: Problem, method: Method, words: str) -> None:
    data = _data(**{c: torch.ones(3) for c in problem.coordinates})
    _refused(problem, data, words, method)


def test_no_data_are_written_over(tmp_path: Path) -> None:
    table, folder = tmp_path / "wells.csv", tmp_path / "fit.safetensors"
    table.write_text("km,metres")
    folder.mkdir()
    for file in (table, folder):
        with pytest.raises(ValueError, match=f"{file.name} is written over: name a file"):
            fit(Decay(), _data(), BiLO(), checkpoint=file)
    assert table.read_text() == "km,metres"


@pytest.mark.parametrize("device", ["cuda:97", "gpu"])
def test_a_device_that_is_not_there(device: str) -> None:
    words = rf"device '{device}' cannot be used \(.*\): 'auto' takes CUDA where it is"
    with pytest.raises(ValueError, match=words):
        fit(Decay(), _data(), BiLO(), device=device)


def test_nothing_of_it_moves_a_fit() -> None:
    """The same answer to the bit as by the method itself."""
    problem = FisherKPP()
    data = problem.observe(problem.truth(), 0.0, 0)
    tiny = BiLO(width=8, layers=2, pretrain_steps=4, finetune_steps=8, points=25)
    alone = tiny.fit(problem, data, Session())
    assert torch.equal(fit(problem, data, tiny).params, alone.params)
