"""The network operation against nested automatic differentiation, in float64."""

from __future__ import annotations

import itertools
import subprocess
import sys

import pytest
import torch
from torch import Tensor

from bilo.inverse.point_jets import PointJets
from bilo.inverse.points import Points
from bilo.inverse.problem import Problem
from bilo.inverse.unknown import Scalar
from bilo.lower.losses import operator_loss, residual_loss
from bilo.networks.network import OperatorNetwork, field
from bilo.problems.fisher_kpp import FisherKPP
from bilo.taylor import kernel, tanh_streams
from bilo.taylor.jets import Jet
from bilo.taylor.streams import Operator, Streams
from bilo.taylor.taylor_mlp import TaylorMLP
from tests.bilo.oracle import by, nested

TOLERANCE = 1e-10


class Anisotropic(Problem):
    """phi u_t = D (P u_xx + 0.2 u_xy + u_yy) + D b u_x + rho phi u (1 - u), D = exp(0.5 code)."""

    name = "anisotropic"
    coordinates = ("t", "x", "y")
    derivatives = ("x",)
    fourier_coordinates = 3
    unknowns = (
        Scalar("D", start=0.7, bounds=(0.1, 10.0), log=True, scale=0.5),
        Scalar("rho", start=1.3, bounds=(0.1, 10.0)),
        Scalar("b", start=0.2, bounds=(-1.0, 1.0)),
    )

    def principal(self, at: PointJets) -> Operator:
        D, P = at["D"], at["P"]
        return Operator(
            "M",
            drift=(("t", 1.0),),
            diffusion=(
                ("x", "x", (D * P * -1.0).weight),
                ("x", "y", (D * -0.2).weight),
                ("y", "y", (D * -1.0).weight),
            ),
        )

    def transform(self, N: Jet, at: PointJets) -> Jet:
        t, x, y = at["t"], at["x"], at["y"]
        return (N * t + at["rho"] * x * y).sigmoid()

    def residual(self, u: Jet, at: PointJets) -> Jet:
        drift = at["D"] * at["b"] * u.d("x")
        return (at.apply(u) - drift - at["rho"] * u * (1 - u)) * at["phi"]

    def weight(self, u: Jet, at: PointJets) -> Tensor:
        return 1 + u.value**2

    def collocation(self, n: int | None, generator: torch.Generator) -> Points:
        txy = torch.rand(3, n or 40, generator=generator)
        known = {"P": 0.5 + torch.rand(n or 40, generator=generator), "phi": txy[0].cos()}
        return Points(dict(zip(self.coordinates, txy, strict=True)), known)


@pytest.fixture(params=["fused", "plain"])
def elementwise(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both implementations of the elementwise half, whatever the machine has."""
    if request.param == "plain":
        monkeypatch.setattr(kernel, "load", lambda: None)
    elif kernel.load() is None:
        pytest.skip("no C compiler here")
    return str(request.param)


def _setting(
    problem: Problem, n: int = 37, fourier: int = 0, theta: bool = True
) -> tuple[OperatorNetwork, Points, Tensor]:
    network = OperatorNetwork(problem, 12, 3, fourier, 3, theta=theta).double()
    points = problem.collocation(n, torch.Generator().manual_seed(5)).to(network.like)
    return network, points, problem.to_params(problem.start()) * 1.1


def _close(found: Tensor, exact: Tensor) -> bool:
    return bool((found - exact).abs().max() <= TOLERANCE * exact.abs().max())


PROBLEMS = pytest.mark.parametrize(
    ("problem", "fourier"), [(FisherKPP(), 0), (Anisotropic(), 0), (Anisotropic(), 5)]
)


@PROBLEMS
@pytest.mark.usefixtures("elementwise")
def test_losses_and_their_gradient(problem: Problem, fourier: int) -> None:
    network, points, params = _setting(problem, fourier=fourier)
    exact = nested(network, points, params, 0.1)
    found = operator_loss(network, points, params, 0.1)
    assert found.residual == pytest.approx(float(exact.residual), rel=TOLERANCE)
    assert found.gradient == pytest.approx(float(exact.gradient), rel=TOLERANCE)
    found.surrogate.backward()
    for name, weights in network.named_parameters():
        assert weights.grad is not None
        assert _close(weights.grad, exact.by_weights[name]), name


@PROBLEMS
def test_residual_and_its_total_tangents(problem: Problem, fourier: int) -> None:
    network, points, params = _setting(problem, fourier=fourier)
    exact = nested(network, points, params, 0.1)
    at = PointJets(problem, points, params)
    r = problem.residual(problem.transform(network(at), at), at)
    assert _close(r.value, exact.r)
    assert _close(r.tangents, exact.tangents)


@PROBLEMS
@pytest.mark.parametrize("theta", [True, False])
@pytest.mark.usefixtures("elementwise")
def test_residual_loss_of_a_pinn(problem: Problem, fourier: int, theta: bool) -> None:
    """Without tangents, differentiated by the weights and by the unknowns themselves."""
    network, points, params = _setting(problem, fourier=fourier, theta=theta)
    exact = nested(network, points, params, 0.0)
    params.requires_grad_()
    found, _ = residual_loss(network, points, params)
    found.backward()
    assert float(found.detach()) == pytest.approx(float(exact.residual), rel=TOLERANCE)
    for name, weights in network.named_parameters():
        assert weights.grad is not None
        assert _close(weights.grad, exact.by_weights[name]), name
    at = PointJets(problem, points, params)
    scale = problem.weight(problem.transform(network(at), at).detach(), at)
    scale = torch.ones_like(exact.r) if scale is None else scale
    assert params.grad is not None
    assert _close(params.grad, 2 * (exact.tangents * exact.r * scale).mean(1))


def test_the_embedding_is_frozen_and_shown_to_the_gradient_loss() -> None:
    network, points, params = _setting(FisherKPP())
    assert "R" not in dict(network.named_parameters())
    assert "R" in network.state_dict()
    seen = operator_loss(network, points, params, 0.1).gradient
    with torch.no_grad():
        network.R *= 2
    assert operator_loss(network, points, params, 0.1).gradient != seen


def test_field_tangents_are_sensitivities_of_the_network() -> None:
    problem = FisherKPP()
    network, points, params = _setting(problem)
    step = torch.tensor([1e-6, 0.0], dtype=torch.float64)
    with torch.no_grad():
        found = field(network, points, params, tangents=True).tangents[0]
        ahead, behind = (field(network, points, params + s).value for s in (step, -step))
    assert (found - (ahead - behind) / 2e-6).abs().max() < 1e-9


# --- an unknown function: u(x, z), z = f(x; V), whose derivatives in x travel along ---

POINTS = 29
FUNCTION = Streams.of("x", "xx")
X = torch.linspace(0.03, 0.97, POINTS, dtype=torch.float64)


def _function(x: Tensor, V: Tensor) -> Tensor:
    return 1 + V[0] * x + V[1] * x**2 + V[2] * (3 * x).sin()


def _function_jet(V: Tensor) -> Jet:
    """The jet of f(x; V) and a unit tangent in z."""
    value = torch.stack(
        [
            _function(X, V),
            V[0] + 2 * V[1] * X + 3 * V[2] * (3 * X).cos(),
            2 * V[1] - 9 * V[2] * (3 * X).sin(),
        ]
    )
    tangent = torch.zeros_like(value)
    tangent[0] = 1.0
    return Jet(torch.stack([value, tangent]), FUNCTION)


def _layers(seed: int = 0) -> list[tuple[Tensor, Tensor]]:
    draw = torch.Generator().manual_seed(seed)
    sizes = [2, 10, 10, 10, 1]
    return [
        (
            torch.randn(o, i, generator=draw, dtype=torch.float64).div(i**0.5).requires_grad_(),
            torch.randn(o, generator=draw, dtype=torch.float64).mul(0.3).requires_grad_(),
        )
        for i, o in itertools.pairwise(sizes)
    ]


def _plain(x: Tensor, z: Tensor, layers: list[tuple[Tensor, Tensor]]) -> Tensor:
    y = torch.stack([x, z], 1)
    for W, b in layers[:-1]:
        y = torch.tanh(y @ W.t() + b)
    return (y @ layers[-1][0].t() + layers[-1][1])[:, 0]


def _streams_of_function(V: Tensor, layers: list[tuple[Tensor, Tensor]]) -> Tensor:
    """u, u_x, u_xx (total derivatives) and each by a shift of z: (2, 3, N), by nested autograd."""
    x = X.clone().requires_grad_()
    shift = torch.zeros_like(X, requires_grad=True)
    u = _plain(x, _function(x, V) + shift, layers)
    rows = [u, by(u, x), by(by(u, x), x)]
    return torch.stack([torch.stack(rows), torch.stack([by(r, shift) for r in rows])])


@pytest.mark.usefixtures("elementwise")
def test_unknown_function_streams_and_gradients_by_both_networks() -> None:
    """Every coefficient, and a random functional's gradient by W and by V."""
    V = torch.tensor([0.3, -0.8, 0.2], dtype=torch.float64, requires_grad=True)
    layers = _layers()
    weights = [V, *(p for layer in layers for p in layer)]
    cotangent = torch.randn(2, 3, POINTS, generator=torch.Generator().manual_seed(1)).double()

    exact = _streams_of_function(V, layers)
    by_exact = torch.autograd.grad((exact * cotangent).sum(), weights)

    z = _function_jet(V)
    x = Jet.coordinate(X, "x", FUNCTION)
    inputs = torch.stack([torch.cat([x.data, torch.zeros_like(x.data)]), z.data], -1)
    found = TaylorMLP(inputs, layers, FUNCTION).along()[..., 0]
    by_found = torch.autograd.grad((found * cotangent).sum(), weights)

    assert _close(found, exact)
    for g, g_exact in zip(by_found, by_exact, strict=True):
        assert _close(g, g_exact)


@pytest.mark.usefixtures("elementwise")
def test_unknown_function_residual_losses() -> None:
    """a(x, z) = (f u')' + pi^2 sin(pi x): both losses and their gradient by W alone."""
    V = torch.tensor([0.3, -0.8, 0.2], dtype=torch.float64)
    layers = _layers()
    weights = [p for layer in layers for p in layer]
    source = torch.pi**2 * (torch.pi * X).sin()

    x = X.clone().requires_grad_()
    shift = torch.zeros_like(X, requires_grad=True)
    value = _plain(x, _function(x, V) + shift, layers) * x * (1 - x)
    f, f_x = _function(x, V) + shift, by(_function(x, V), x).detach()
    r = f * by(by(value, x), x) + f_x * by(value, x) + source
    exact = (r**2).mean() + 0.1 * (by(r, shift) ** 2).mean()
    by_exact = torch.autograd.grad(exact, weights)

    z, at_x = _function_jet(V), Jet.coordinate(X, "x", FUNCTION)
    inputs = torch.stack([torch.cat([at_x.data, torch.zeros_like(at_x.data)]), z.data], -1)

    def residual(N: Tensor, z: Jet) -> Jet:
        u = Jet(N[..., 0], FUNCTION) * at_x * (1 - at_x)
        # the derivative of f is held fixed when z is shifted
        slope = Jet(z.data[:1, 1:2], z.d("x").streams)
        return Jet(z.data[:, :1], slope.streams) * u.d("xx") + slope * u.d("x") + Jet.known(source)

    mlp = TaylorMLP(inputs, layers, FUNCTION)
    with torch.no_grad():
        r_found = residual(mlp.out, z)
        loss = (r_found.value**2).mean() + 0.1 * (r_found.tangents**2).mean()
        direction = r_found.tangents * (0.2 / POINTS)
    along = Jet(torch.cat([z.data[:1], z.data[1:] * direction.unsqueeze(1)]), FUNCTION)
    r_along = residual(mlp.along(direction), along)
    by_found = torch.autograd.grad((r_along.value**2).mean() + r_along.tangents.sum(), weights)

    assert float(loss) == pytest.approx(float(exact.detach()), rel=TOLERANCE)
    for g, g_exact in zip(by_found, by_exact, strict=True):
        assert _close(g, g_exact)


# --- the operation itself ---


def _operation(streams: Streams, m: int = 2, n: int = 53) -> tuple[Tensor, list]:
    draw = torch.Generator().manual_seed(2)
    x = torch.randn(1 + m, streams.size, n, 2, generator=draw, dtype=torch.float64)
    return x.requires_grad_(), _layers()


WEIGHTED = Streams.bundled(
    Operator(
        "M",
        (("t", 1.0),),
        (
            ("x", "x", torch.linspace(-1, 1, 3 * 53, dtype=torch.float64).reshape(3, 53)),
            ("x", "t", 0.5),
        ),
    )
)
SETS = pytest.mark.parametrize("streams", [FUNCTION, WEIGHTED, Streams.of("t", "x", "tt", "tx")])


def _jets(streams: Streams, width: int, m: int = 2) -> tuple[Tensor, Tensor, list]:
    """Random jets with tanh of the value in its place, a gradient, and the pairs."""
    draw = torch.Generator().manual_seed(4)
    y, g = torch.randn(2, 1 + m, streams.size, 53, width, generator=draw, dtype=torch.float64)
    y[0, 0].tanh_()
    return y, g, tanh_streams.pairs_of(streams)


@SETS
def test_the_fused_kernel_is_the_formula(streams: Streams) -> None:
    fused = kernel.load()
    if fused is None:
        pytest.skip("no C compiler here")
    y, g, pairs = _jets(streams, 140)
    z = tanh_streams.forward_torch(y, pairs)
    assert _close(fused.forward(y, pairs), z)
    single = fused.forward(y.float(), tanh_streams.pairs_of(streams))
    assert (single - z).abs().max() < 1e-3
    exact = tanh_streams.adjoint_torch(y, g.clone(), pairs)
    for found, expected in zip(fused.adjoint(y, g.clone(), pairs), exact, strict=True):
        assert _close(found, expected)
    assert _close(exact[1], z)


@SETS
@pytest.mark.usefixtures("elementwise")
def test_tangents_may_be_contracted_before_the_composition(streams: Streams) -> None:
    y, g, pairs = _jets(streams, 70)
    direction = torch.linspace(-2, 1, 2 * 53, dtype=torch.float64).reshape(2, 53)
    z = tanh_streams.contract(tanh_streams.forward(y, pairs), direction)
    along = tanh_streams.pairs_of(streams, direction)
    exact, _ = tanh_streams.adjoint(tanh_streams.contract(y, direction), g[:2].clone(), along)
    found, z_found = tanh_streams.adjoint(y, g[:2].clone(), along, direction)
    assert _close(found, exact)
    assert _close(z_found, z)


@SETS
def test_the_adjoint_is_the_derivative_of_the_forward_formula(streams: Streams) -> None:
    y, g, pairs = _jets(streams, 6)
    value = y[0, 0].clone().atanh().requires_grad_()
    rest = y.clone().requires_grad_()
    s0 = torch.tanh(value)
    v, t = rest[0], rest[1:]
    s1, s2, s3 = 1 - s0**2, -2 * s0 * (1 - s0**2), (6 * s0**2 - 2) * (1 - s0**2)
    first = [s0, *(s1 * v[p] for p in range(1, streams.size))]
    tangent = [s1 * t[:, 0], *(s1 * t[:, p] + s2 * t[:, 0] * v[p] for p in range(1, streams.size))]
    for q, a, b, weight in pairs:
        rows = weight if isinstance(weight, Tensor) else torch.tensor([[weight], [0.0], [0.0]])
        w, w_dot = rows[0][:, None], rows[1:][:, :, None]
        first[q] = first[q] + w * s2 * v[a] * v[b]
        mixed = w * (v[a] * t[:, b] + t[:, a] * v[b]) + w_dot * v[a] * v[b]
        tangent[q] = tangent[q] + s2 * mixed + w * s3 * v[a] * v[b] * t[:, 0]
    z = torch.cat([torch.stack(first)[None], torch.stack(tangent, 1)])
    assert _close(tanh_streams.forward_torch(y, pairs), z)
    by_value, exact = torch.autograd.grad((z * g).sum(), (value, rest))
    exact[0, 0] = by_value
    assert _close(tanh_streams.adjoint_torch(y, g, pairs)[0], exact)


@SETS
@pytest.mark.parametrize("chunk", [1, 16, 53, 1000])
@pytest.mark.usefixtures("elementwise")
def test_the_size_of_a_chunk_does_not_matter(streams: Streams, chunk: int) -> None:
    x, layers = _operation(streams)
    weights = [x, *(p for layer in layers for p in layer)]
    results = []
    for size in (chunk, None):
        out = TaylorMLP(x, layers, streams, chunk=size).along()
        results.append((out, *torch.autograd.grad((out**2).sum(), weights)))
    for found, exact in zip(*results, strict=True):
        assert _close(found, exact)


@SETS
@pytest.mark.usefixtures("elementwise")
def test_along_a_direction_is_the_contraction_of_all_tangents(streams: Streams) -> None:
    x, layers = _operation(streams)
    weights = [p for layer in layers for p in layer]
    draw = torch.Generator().manual_seed(3)
    direction = torch.randn(2, 53, generator=draw, dtype=torch.float64)
    cotangent = torch.randn(2, streams.size, 53, 1, generator=draw, dtype=torch.float64)

    everything = TaylorMLP(x.detach(), layers, streams).along()
    contracted = torch.einsum("jpnk,jn->pnk", everything[1:], direction)
    exact = torch.stack([everything[0], contracted])
    found = TaylorMLP(x.detach(), layers, streams).along(direction)
    assert _close(found, exact)
    by_exact = torch.autograd.grad((exact * cotangent).sum(), weights)
    by_found = torch.autograd.grad((found * cotangent).sum(), weights)
    for g, g_exact in zip(by_found, by_exact, strict=True):
        assert _close(g, g_exact)


def test_two_passes_do_not_share_buffers() -> None:
    """Results stay what they are while the workspace's buffers are used again."""
    network, points, params = _setting(FisherKPP())
    first = operator_loss(network, points, params, 0.1)
    value = first.value.clone()
    second = operator_loss(network, points, params * 2, 0.1)
    second.surrogate.backward()
    network.zero_grad()
    first.surrogate.backward()
    exact = nested(network, points, params, 0.1)
    assert torch.equal(first.value, value)
    for name, weights in network.named_parameters():
        assert weights.grad is not None
        assert _close(weights.grad, exact.by_weights[name]), name


def test_refusals() -> None:
    x, layers = _operation(FUNCTION)
    out = TaylorMLP(x, layers, FUNCTION).along()
    out.sum().backward(retain_graph=True)
    with pytest.raises(RuntimeError, match="differentiated once"):
        out.sum().backward()
    along = TaylorMLP(x, layers, FUNCTION).along(torch.ones(2, 53, dtype=torch.float64))
    with pytest.raises(ValueError, match="needs all tangents"):
        along.sum().backward()


def test_the_kernel_can_be_switched_off() -> None:
    code = "from bilo.taylor import kernel; print(kernel.load())"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"BILO_KERNEL": "0", "PATH": "/usr/bin:/bin", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "None"
