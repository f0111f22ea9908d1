"""One training step of each kind, on equal terms: loss, gradient by the weights, Adam update."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from benchmarks.cost import nested
from bilo.inverse.points import Points
from bilo.inverse.regulariser import regularisation
from bilo.lower.losses import condition_loss, operator_loss, residual_loss
from bilo.networks.network import OperatorNetwork, field
from bilo.problems import get
from bilo.taylor import kernel

Step = Callable[[], object]

W_RGRAD, W_REG = 0.1, 1e-3
WIDTH, LAYERS = 128, 3


def engine(problem: str) -> Step:
    """Lower-level step of BiLO with the derivative engine, on the problem's full set of points."""

    def loss(network: OperatorNetwork, points: Points, params: Tensor, w_rgrad: float) -> Tensor:
        return operator_loss(network, points, params, w_rgrad).surrogate

    return _local_operator(problem, loss)


def plain(problem: str) -> Step:
    """The same step without the fused kernel, as on a machine without a compiler."""
    step = engine(problem)

    def without_kernel() -> None:
        with kernel.unused():
            step()

    return without_kernel


def textbook(problem: str) -> Step:
    """The same step by nested autograd, one call a derivative."""
    return _local_operator(problem, nested.TEXTBOOK[problem])


def economical(problem: str) -> Step:
    """The same step by nested autograd with the fewest passes."""
    return _local_operator(problem, nested.ECONOMICAL[problem])


def pinn(problem: str) -> Step:
    """A step of a PINN with the engine: all its losses, by weights and unknowns."""
    torch.set_num_threads(1)
    declared = get(problem)
    network = OperatorNetwork(declared, WIDTH, LAYERS, 0, 0, theta=False)
    data = declared.observe(_truth(problem), 0.0, 0)
    points = declared.collocation(None, torch.Generator().manual_seed(0)).to(network.like)
    data_points = data.points.to(network.like)
    params = declared.start_params(0).to(network.like).requires_grad_()
    adam = torch.optim.Adam([*network.parameters(), params], 1e-3)

    def step() -> None:
        residual, _ = residual_loss(network, points, params)
        residual = residual + condition_loss(network, params, 0.0, tangents=False)
        u = field(network, data_points, params).value
        total = residual + data.value(u.double(), data.start).to(residual)
        if declared.functions:
            total = total + W_REG * regularisation(declared, params)
        adam.zero_grad()
        total.backward()
        adam.step()

    return step


def interleaved(steps: Mapping[str, Step], rounds: int) -> dict[str, float]:
    """Median seconds of each step; they take turns, so that a busy machine slows all alike."""
    for step in steps.values():
        step()
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(rounds):
        for name, step in steps.items():
            began = time.perf_counter()
            step()
            seconds[name].append(time.perf_counter() - began)
    return {name: statistics.median(values) for name, values in seconds.items()}


def _local_operator(problem: str, loss: nested.NestedLoss) -> Step:
    torch.set_num_threads(1)
    declared = get(problem)
    network = OperatorNetwork(declared, WIDTH, LAYERS, 0, 0)
    points = declared.collocation(None, torch.Generator().manual_seed(0)).to(network.like)
    params = declared.start_params(0).to(network.like)
    adam = torch.optim.Adam(network.parameters(), 1e-3)

    def step() -> None:
        adam.zero_grad()
        loss(network, points, params, W_RGRAD).backward()
        adam.step()

    return step


def _truth(problem: str) -> dict[str, float]:
    return get(problem).truth()
