"""The jet algebra against automatic differentiation of the same expressions."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from bilo.taylor.jets import Jet, stack
from bilo.taylor.streams import VALUE, Operator, Streams

T = torch.linspace(0.2, 0.9, 7, dtype=torch.float64)
X = torch.linspace(-0.7, 0.8, 7, dtype=torch.float64)
A, B = 0.7, 1.3
EVERY = Streams.of("t", "x", "tt", "tx", "xx")


def _jets(streams: Streams) -> tuple[Jet, Jet, Jet, Jet]:
    """Coordinates t, x and unknowns a, b with unit tangents."""

    def unknown(value: float, j: int) -> Jet:
        data = torch.zeros(3, streams.size, 1, dtype=torch.float64)
        data[0, 0], data[1 + j, 0] = value, 1.0
        return Jet(data, streams)

    t, x = Jet.coordinate(T, "t", streams), Jet.coordinate(X, "x", streams)
    return t, x, unknown(A, 0), unknown(B, 1)


def _derivatives(f: Callable[..., Tensor], streams: Streams) -> Tensor:
    """The same coefficients (3, P, N) by nested autograd; unknowns vary point by point."""
    t, x = T.clone().requires_grad_(), X.clone().requires_grad_()
    a = torch.full_like(T, A).requires_grad_()
    b = torch.full_like(T, B).requires_grad_()

    def by(g: Tensor, z: Tensor) -> Tensor:
        if not g.requires_grad:
            return torch.zeros_like(z)
        (d,) = torch.autograd.grad(g.sum(), z, create_graph=True, allow_unused=True)
        return torch.zeros_like(z) if d is None else d

    leaves = {"t": t, "x": x}
    u = f(t, x, a, b)
    rows = [u, *(by(u, leaves[n]) for n in streams.first)]
    for op in streams.second:
        row = sum((w * by(u, leaves[n]) for n, w in op.drift), torch.zeros_like(u))
        for p, q, w in op.diffusion:
            weight = w(a, b) if callable(w) else w
            row = row + weight * by(by(u, leaves[p]), leaves[q])
        rows.append(row)
    return torch.stack(
        [torch.stack(rows), *(torch.stack([by(r, z) for r in rows]) for z in (a, b))]
    )


EXPRESSIONS: dict[str, Callable] = {
    "ring": lambda t, x, a, b: (a * t - x * 3 + 1) * (2 - b * x * t) - a * b,
    "quotient": lambda t, x, a, b: (a + x * t) / (b + x * x) + 1 / (t + b) - x / 4,
    "square": lambda t, x, a, b: (a * x + t) ** 2,
    "power": lambda t, x, a, b: (b + a * x * x + t) ** 2.5 + (t + b) ** -1 + (t * x * a) ** 3,
    "exponent": lambda t, x, a, b: (b + a * x * x + t) ** (a + x * t),
    "exp_log": lambda t, x, a, b: (a * x * t).exp() + (b + x * x * a + t).log(),
    "sqrt": lambda t, x, a, b: (b + a * t * x + 1).sqrt(),
    "waves": lambda t, x, a, b: (a * x * math.pi).sin() * (b * t + x).cos(),
    "sigmoids": lambda t, x, a, b: (a * x + t * b).tanh() + (x * t * 2 - a).sigmoid() * b,
    "transform": lambda t, x, a, b: (
        (x * math.pi).sin() ** 2 * 0.5 + (a * x).tanh() * x * (1 - x) * t
    ),
}


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_expressions(name: str) -> None:
    f = EXPRESSIONS[name]
    jet = f(*_jets(EVERY))
    assert (jet.data - _derivatives(f, EVERY)).abs().max() < 1e-12


def test_softplus() -> None:
    t, x, a, b = _jets(EVERY)
    exact = _derivatives(lambda t, x, a, b: torch.nn.functional.softplus(a * x + b * t), EVERY)
    assert ((a * x + b * t).softplus().data - exact).abs().max() < 1e-12


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_an_operator_whose_weight_depends_on_the_unknowns(name: str) -> None:
    """M = d_t - 0.3 a b^2 d_xx as one stream; its tangents contain d(weight)/d(a, b)."""
    weight = -0.3 * torch.tensor([A * B**2, B**2, 2 * A * B], dtype=torch.float64).reshape(3, 1)
    drift = (("t", 1.0),)
    bundle = Streams.bundled(Operator("M", drift, (("x", "x", weight),)), "x")
    spoken = Streams(("x",), (Operator("M", drift, (("x", "x", lambda a, b: -0.3 * a * b**2),)),))  # type: ignore[arg-type]
    f = EXPRESSIONS[name]
    assert (f(*_jets(bundle)).data - _derivatives(f, spoken)).abs().max() < 1e-12


def test_parts() -> None:
    t, x, a, _ = _jets(EVERY)
    u = a * x * x * t
    assert torch.allclose(u.value, A * X**2 * T)
    assert torch.allclose(u.tangents[0], X**2 * T)
    assert torch.allclose(u.d("xx").value, 2 * A * T)
    assert torch.allclose(u.d("tx").tangents[0], 2 * X)
    assert u.d("tx").streams is VALUE
    assert u.weight.shape == (3, 7)


def test_operands_over_different_streams_are_truncated_to_values() -> None:
    _, x, a, _ = _jets(EVERY)
    product = (x * x).d("xx") * (a * x)
    assert product.streams is VALUE
    assert torch.allclose(product.value, 2 * A * X)
    assert torch.allclose(product.tangents[0], 2 * X)


def test_a_tabulated_field_is_the_field() -> None:
    """sin(x) t^2 from its derivatives at the points."""
    streams = Streams.bundled(Operator("M", (("t", 1.0),), (("x", "x", -0.25),)), "t", "x")
    first = {"t": 2 * T * X.sin(), "x": T**2 * X.cos()}
    known = Jet.tabulated(T**2 * X.sin(), first, {("x", "x"): -(T**2) * X.sin()}, streams)
    t, x = Jet.coordinate(T, "t", streams), Jet.coordinate(X, "x", streams)
    assert (known.data - (x.sin() * t**2).data).abs().max() < 1e-14


def test_gradients_flow_through_jets() -> None:
    """A residual's squared tangents are differentiable by what the jet was made of."""
    w = torch.tensor([0.4, -0.3], dtype=torch.float64, requires_grad=True)

    def loss(w: Tensor) -> Tensor:
        t, x, a, b = _jets(EVERY)
        rest = torch.zeros(EVERY.size - 1, dtype=torch.float64)
        c, d = (Jet(torch.cat([v.reshape(1), rest]).reshape(1, -1, 1), EVERY) for v in w)
        u = (a * x * c + b * t).tanh() * d
        return (u.d("xx").tangents ** 2).sum() + (u.d("t").value * T).sum()

    (found,) = torch.autograd.grad(loss(w), w)
    for j, step in enumerate(1e-6 * torch.eye(2, dtype=torch.float64)):
        with torch.no_grad():
            central = (loss(w + step) - loss(w - step)) / 2e-6
        assert float(found[j]) == pytest.approx(float(central), rel=1e-7)


def test_stack_broadcasts_and_pads() -> None:
    t, x, a, b = _jets(EVERY)
    inputs = stack([t, x, a, b])
    assert inputs.shape == (3, EVERY.size, 7, 4)
    assert torch.equal(inputs[0, 0, :, 2], torch.full((7,), A, dtype=torch.float64))
    assert torch.equal(inputs[2, 0, :, 3], torch.ones(7, dtype=torch.float64))
    with pytest.raises(ValueError, match="different streams"):
        stack([t, Jet.coordinate(X, "x", Streams.of("x"))])


@pytest.mark.parametrize(
    ("function", "named"),
    [
        (np.exp, "np.exp"),
        (torch.exp, "torch.exp"),
        (math.exp, "a function of numbers"),
        (np.add.reduce, "np.add"),
        (lambda u: np.maximum(u, 0), "np.maximum"),
        (lambda u: torch.where(T > 0.5, u, u), "torch.where"),
    ],
)
def test_functions_of_others_are_refused_in_words(
    function: Callable[[Jet], object], named: str
) -> None:
    t, *_ = _jets(EVERY)
    with pytest.raises(TypeError, match=f"{named} does not know jets: write their methods, u.exp"):
        function(t)


def test_numbers_of_numpy_take_part_in_arithmetic() -> None:
    t, *_ = _jets(EVERY)
    two = np.float64(2)
    for theirs, ours in ((two + t, 2 + t), (two - t, 2 - t), (two * t, 2 * t), (two / t, 2 / t)):
        assert torch.equal(theirs.data, ours.data)
    for array in (np.ones(7), torch.ones(7)):
        with pytest.raises(TypeError, match="a jet with a"):
            array * t


def test_refuses_data_of_another_shape() -> None:
    with pytest.raises(ValueError, match="needs data"):
        Jet(torch.zeros(1, 3, 4), EVERY)
