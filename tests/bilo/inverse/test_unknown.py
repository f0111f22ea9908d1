"""Unknown functions: their networks against plain ones, their derivatives against autograd."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from bilo.inverse.box import Box
from bilo.inverse.coordinate_jets import CoordinateJets
from bilo.inverse.function import Function
from bilo.inverse.points import Points
from bilo.taylor.jets import Jet
from bilo.taylor.streams import VALUE, Streams
from tests.bilo.oracle import derivatives_of, plain_input


def _wave(points: Points) -> Tensor:
    return 2 + (3 * points.coordinates["x"].double()).sin()


def _bent(N: Jet, at: CoordinateJets) -> Jet:
    """1 + x (1 - x) exp(N)."""
    x = at["x"]
    return N.exp() * (x * (1 - x)) + 1.0


LINE = Function("f", ("x",), _bent, start=_wave, truths=(_wave,), scale=3.0, width=7)
WAVES = Function("f", ("x", "y"), _bent, start=_wave, truths=(_wave,), width=5, fourier=2.0)
FIELDS = pytest.mark.parametrize("f", [LINE, WAVES], ids=["line", "Fourier features"])


def _points(f: Function, n: int = 11) -> Points:
    draw = torch.Generator().manual_seed(2)
    rows = torch.rand(len(f.coordinates), n, generator=draw, dtype=torch.float64)
    return Points(dict(zip(f.coordinates, rows, strict=True)))


@FIELDS
def test_the_input_is_a_plain_network_and_its_derivatives(f: Function) -> None:
    params, points = f.random_params(1), _points(f)
    leaves = {c: x.clone().requires_grad_() for c, x in points.coordinates.items()}
    streams = Streams.of(*f.coordinates, *(2 * c for c in f.coordinates))
    exact = derivatives_of(plain_input(f, params, Points(leaves)), leaves, streams)
    found = f.input(params, CoordinateJets(points, streams))
    assert found.shape == (1, streams.size, 11)
    assert torch.allclose(found[0], torch.stack(exact), rtol=1e-11, atol=1e-12)
    assert torch.allclose(f.at(points, params), exact[0] * f.scale, rtol=1e-12)
    assert torch.equal(f.value(Jet(found, streams)).data, found * f.scale)


@FIELDS
def test_the_input_is_differentiable_by_the_weights(f: Function) -> None:
    """Inside a graph, and as a matrix."""
    params, points = f.random_params(1), _points(f)
    exact = torch.autograd.functional.jacobian(lambda v: plain_input(f, v, points), params)
    moving = params.clone().requires_grad_()
    z = f.input(moving, CoordinateJets(points, VALUE))[0, 0]
    (found,) = torch.autograd.grad(z.sum(), moving)
    assert torch.allclose(found, exact.sum(0), rtol=1e-10, atol=1e-13)
    rows = f.input_by_params(params, CoordinateJets(points, VALUE))
    assert rows.shape == (f.size, 11)
    assert torch.allclose(rows.t(), exact, rtol=1e-10, atol=1e-13)


@FIELDS
def test_the_slope_is_differentiable_by_the_weights(f: Function) -> None:
    params, points = f.random_params(1), _points(f)
    leaves = {c: x.clone().requires_grad_() for c, x in points.coordinates.items()}
    moving = params.clone().requires_grad_()
    slope = derivatives_of(plain_input(f, moving, Points(leaves)), leaves, Streams.of("x"))[1]
    exact = torch.stack([torch.autograd.grad(s, moving, retain_graph=True)[0] for s in slope])
    at = CoordinateJets(points, Streams(f.coordinates))
    found = f.rows(params, at, lambda u: u.d("x").value)
    assert torch.allclose(found.t(), exact * f.scale, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("seed", [0, 1])
def test_a_function_is_fitted(seed: int) -> None:
    def parabola(points: Points) -> Tensor:
        x = points.coordinates["x"]
        return 1 + 2 * x * (1 - x)

    params = LINE.fitted(parabola, LINE.random_params(seed))
    assert not torch.equal(params, LINE.random_params(seed))
    assert torch.equal(params, LINE.fitted(parabola, LINE.random_params(seed)))
    points = Box.unit(("x",)).grid(50)
    error = (LINE.from_params(params)(points) - parabola(points)).pow(2).mean().sqrt()
    assert error < 2e-4 * LINE.scale


def test_seeds_draw_networks() -> None:
    assert torch.equal(WAVES.random_params(3), WAVES.random_params(3))
    assert not torch.equal(WAVES.random_params(3), WAVES.random_params(4))
    (first, _), *_ = WAVES.weights(WAVES.random_params(3))
    assert first.shape == (5, 10)
    assert first.abs().max() <= 10**-0.5
    assert (
        sum(W.numel() + b.numel() for W, b in WAVES.weights(WAVES.random_params(3))) == WAVES.size
    )


def test_a_decoded_function_stays_what_it_was() -> None:
    params, points = LINE.random_params(0), _points(LINE)
    f = LINE.from_params(params)
    before = f(points)
    params += 1.0
    assert torch.equal(f(points), before)


def test_a_probe_tells_how_far_a_function_is() -> None:
    params = LINE.random_params(0)
    x = Box.unit(("x",)).grid(101)
    assert torch.allclose(LINE.sensor_values(params) * LINE.scale, LINE.at(x, params))
