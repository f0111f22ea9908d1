"""What a problem's declaration may not be, and what it says in words."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from bilo.inverse import shapes
from bilo.inverse.box import Box
from bilo.inverse.coordinate_jets import CoordinateJets
from bilo.inverse.points import Points
from bilo.inverse.problem import Problem
from bilo.inverse.unknown import Scalar
from bilo.taylor.jets import Jet
from bilo.taylor.streams import VALUE, Streams

D = Scalar("D", start=1.0, bounds=(0.1, 10.0))


class Stated(Problem):
    """What every problem has to say."""

    box = Box(t=(0, 2), x=(0, 1))

    def transform(self, N: Any, at: Any) -> Any:
        return N

    def residual(self, u: Any, at: Any) -> Any:
        return u.d("t")


@pytest.mark.parametrize(
    ("words", "options"),
    [
        ("bounds .* are no interval", {"bounds": (2.0, 1.0)}),
        ("bounds .* are no interval", {"bounds": (1.0, 1.0)}),
        ("bounds .* are no interval", {"bounds": (0.0, math.inf)}),
        ("the start 3 is outside its bounds", {"start": 3.0, "bounds": (0.0, 2.0)}),
        ("the start nan is outside its bounds", {"start": math.nan}),
        ("a logarithm needs positive bounds, not 0", {"bounds": (0.0, 2.0), "log": True}),
        ("the scale 0 is not positive", {"scale": 0.0}),
        ("the scale nan is not positive", {"scale": math.nan}),
    ],
)
def test_a_scalar_that_cannot_be(words: str, options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=f"k: {words}"):
        Scalar("k", **{"start": 1.0, "bounds": (0.5, 2.0), **options})


@pytest.mark.parametrize(
    ("options", "unit"),
    [
        ({"start": 250.0, "bounds": (1.0, 1e4)}, 250.0),
        ({"start": -4.0, "bounds": (-9.0, 9.0)}, 4.0),
        ({"start": 0.0, "bounds": (-9.0, 9.0)}, 1.0),
        ({"start": 250.0, "bounds": (1.0, 1e4), "log": True}, 1.0),
        ({"start": 250.0, "bounds": (1.0, 1e4), "log": True, "scale": 0.5}, 0.5),
        ({"start": 250.0, "bounds": (1.0, 1e4), "scale": 100.0}, 100.0),
    ],
)
def test_the_coordinate_of_a_scalar(options: dict[str, Any], unit: float) -> None:
    """Value over scale, or ln (value / start) over scale; there and back, and its slope."""
    k = Scalar("k", **options)
    assert k.unit == unit
    value = 1.3 * k.start or 0.7
    code = math.log(1.3) / unit if k.log else value / unit
    assert k.to_params(value) == pytest.approx(code, rel=1e-12)
    assert k.from_params(k.to_params(value)) == pytest.approx(value, rel=1e-12)
    h = 1e-6
    slope = (k.from_params(code + h) - k.from_params(code - h)) / (2 * h)
    assert k.slope(value) == pytest.approx(slope, rel=1e-6)
    jet = k.value(Jet(torch.tensor([code], dtype=torch.float64).reshape(1, 1, 1), VALUE))
    assert float(jet.value) == pytest.approx(value, rel=1e-12)


def test_a_missing_comma_is_seen() -> None:
    with pytest.raises(TypeError, match=r"Fin: a comma is missing .* \(Scalar\(\.\.\.\),\)"):
        type("Fin", (Stated,), {"unknowns": D})


def test_two_unknowns_of_one_name() -> None:
    with pytest.raises(TypeError, match="Fin: two unknowns are called 'D'"):
        type("Fin", (Stated,), {"unknowns": (D, D)})


def test_an_unknown_with_the_name_of_a_coordinate() -> None:
    x = Scalar("x", start=1.0, bounds=(0.1, 10.0))
    with pytest.raises(TypeError, match="Fin: the unknown 'x' has the name of a coordinate"):
        type("Fin", (Stated,), {"unknowns": (x,)})


def test_a_class_has_a_name_and_the_coordinates_of_its_box() -> None:
    said = {k: Stated.__dict__[k] for k in ("box", "transform", "residual")}
    found = type("CoolingFin", (Problem,), {"unknowns": (D,), **said})
    assert found.name == "cooling_fin"
    assert found.coordinates == ("t", "x")
    assert not found().has_reference
    assert found().numerical({"D": 1.0}) is None
    with pytest.raises(NotImplementedError, match="cooling_fin generates no data"):
        found().observe({"D": 1.0}, 0.0, 0)


X = Points({"x": torch.linspace(0, 1, 5, dtype=torch.float64)})


def test_shapes_of_functions() -> None:
    assert shapes.of(lambda x: 2 * x)(X).tolist() == [0.0, 0.5, 1.0, 1.5, 2.0]
    assert shapes.everywhere(3.0)(X).tolist() == [3.0] * 5
    assert shapes.tent(2.0, ends=1.0)(X).tolist() == [1.0, 1.5, 2.0, 1.5, 1.0]
    nodes = shapes.nodal_values(shapes.tent(1.0), 3)
    assert nodes.tolist() == [0.0, 1.0, 0.0]


@pytest.mark.parametrize(
    ("transform", "ends", "low", "high"),
    [
        (shapes.zero_at_ends, 0.0, -math.inf, math.inf),
        (shapes.positive_zero_at_ends, 0.0, 0.0, math.inf),
        (shapes.pinned_at_ends(1.5), 1.5, -math.inf, math.inf),
        (shapes.between(3.0, 12.0), None, 3.0, 12.0),
    ],
)
def test_what_a_transform_says_of_every_function(
    transform: shapes.Transform, ends: float | None, low: float, high: float
) -> None:
    draw = torch.Generator().manual_seed(0)
    for size in (1.0, 30.0):
        N = Jet(size * torch.randn(1, 1, 5, generator=draw, dtype=torch.float64), VALUE)
        f = transform(N, CoordinateJets(X, VALUE)).value
        assert ((f >= low) & (f <= high)).all()
        if ends is not None:
            assert f[[0, -1]].tolist() == [ends, ends]
        assert len(f.unique()) > 2


@pytest.mark.parametrize(
    "operation", ["u + c", "c + u", "u - c", "c - u", "u * c", "c * u", "u / c"]
)
def test_a_jet_refuses_tensors(operation: str) -> None:
    """Which would lose the derivatives that they stand for; a number of numpy is a number."""
    streams = Streams.of("x", "xx")
    u = Jet.coordinate(X.coordinates["x"], "x", streams)
    with pytest.raises(TypeError, match=r"write a coordinate or an unknown as at\[name\]"):
        eval(operation, {"u": u, "c": torch.ones(5)})
    value = eval(operation, {"u": u, "c": X.coordinates["x"].numpy()[2]})
    assert torch.equal(value.data, eval(operation, {"u": u, "c": 0.5}).data)
