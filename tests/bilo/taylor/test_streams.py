"""Stream sets: names, positions, quadratic forms, refusals."""

from __future__ import annotations

import pytest
import torch

from bilo.taylor.streams import VALUE, Operator, Streams

HEAT = Operator("M", drift=(("t", 1.0),), diffusion=(("x", "x", -0.5), ("x", "y", 0.25)))


def test_short_notation_orders_value_first_second() -> None:
    streams = Streams.of("xx", "t", "x")
    assert streams.names == ("1", "t", "x", "xx")
    assert streams.size == 4
    assert streams.pairs(streams.index("xx")) == ((2, 2, 1.0),)


def test_a_bundle_carries_only_what_its_quadratic_form_needs() -> None:
    bundle = Streams.bundled(HEAT)
    assert bundle.names == ("1", "x", "y", "M")
    assert bundle.pairs(3) == ((1, 1, -0.5), (1, 2, 0.25))
    assert Streams.bundled(HEAT, "t", "x").names == ("1", "t", "x", "y", "M")


def test_an_expansion_carries_every_derivative() -> None:
    assert Streams.expanded(HEAT).names == ("1", "t", "x", "y", "xx", "xy")


def test_tangents_of_operator_weights() -> None:
    assert Streams.of("x", "xx").tangents == 0
    weighted = Operator("M", diffusion=(("x", "x", torch.ones(3, 5)),))
    assert Streams.bundled(weighted).tangents == 2


def test_the_value_alone() -> None:
    assert VALUE.names == ("1",)
    assert VALUE.quadratic == ()


def test_an_operator_needs_its_first_derivatives() -> None:
    with pytest.raises(ValueError, match="'M' needs the first derivatives 'x', 'y'"):
        Streams(("x",), (HEAT,))


def test_a_derivative_that_is_not_carried() -> None:
    with pytest.raises(KeyError, match="'t' is not carried"):
        Streams.of("x", "xx").index("t")
