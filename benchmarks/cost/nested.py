"""The textbook way: losses of the local operator by nested reverse-mode differentiation.

Written out for each problem as a tutorial would write it, without the engine, to compare cost (and
values: the tests hold the engine against it). Every derivative is one `torch.autograd.grad` that
keeps its graph; the gradient by the weights is a reverse pass through all of these graphs.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from bilo.inverse.points import Points
from bilo.networks.network import OperatorNetwork

NestedLoss = Callable[[OperatorNetwork, Points, Tensor, float], Tensor]
"""(network, points, params (m,), w_rgrad) -> L_res + w_rgrad L_rgrad, inside the graph."""


def fisher_kpp(network: OperatorNetwork, points: Points, params: Tensor, w_rgrad: float) -> Tensor:
    """L_LO of Fisher-KPP, one call a derivative: u_t, u_x, u_xx, dr/dD, dr/drho."""
    t, x, D, rho = _leaves(points, params)
    u = _fisher_kpp_field(network, t, x, D, rho)
    u_t = _by(u, t)
    u_x = _by(u, x)
    u_xx = _by(u_x, x)
    r = u_t - 0.01 * D * u_xx - rho * u * (1 - u)
    r_D = _by(r, D)
    r_rho = _by(r, rho)
    return (r**2).mean() + w_rgrad * (r_D**2 + r_rho**2).mean()


def fisher_kpp_economical(
    network: OperatorNetwork, points: Points, params: Tensor, w_rgrad: float
) -> Tensor:
    """The same with the fewest passes: u_t and u_x in one call, dr/dD and dr/drho in one."""
    t, x, D, rho = _leaves(points, params)
    u = _fisher_kpp_field(network, t, x, D, rho)
    u_t, u_x = torch.autograd.grad(u.sum(), (t, x), create_graph=True)
    u_xx = _by(u_x, x)
    r = u_t - 0.01 * D * u_xx - rho * u * (1 - u)
    r_D, r_rho = torch.autograd.grad(r.sum(), (D, rho), create_graph=True)
    return (r**2).mean() + w_rgrad * (r_D**2 + r_rho**2).mean()


def particles(network: OperatorNetwork, points: Points, params: Tensor, w_rgrad: float) -> Tensor:
    """L_LO of the particles, one call a derivative: u_x, u_xx, dr/dlambda, dr/dmu; the jump."""
    r, rate, decay = _particles_residual(network, points, params)
    r_rate = _by(r, rate)
    r_decay = _by(r, decay)
    jump, rate, decay = _jump(network, params)
    c_rate = _by(jump, rate)
    c_decay = _by(jump, decay)
    conditions = (jump**2 + w_rgrad * (c_rate**2 + c_decay**2)).mean()
    return (r**2).mean() + w_rgrad * (r_rate**2 + r_decay**2).mean() + conditions


def particles_economical(
    network: OperatorNetwork, points: Points, params: Tensor, w_rgrad: float
) -> Tensor:
    """The same with the fewest passes: derivatives by both unknowns in one call."""
    r, rate, decay = _particles_residual(network, points, params)
    r_rate, r_decay = torch.autograd.grad(r.sum(), (rate, decay), create_graph=True)
    jump, rate, decay = _jump(network, params)
    c_rate, c_decay = torch.autograd.grad(jump.sum(), (rate, decay), create_graph=True)
    conditions = (jump**2 + w_rgrad * (c_rate**2 + c_decay**2)).mean()
    return (r**2).mean() + w_rgrad * (r_rate**2 + r_decay**2).mean() + conditions


def poisson(network: OperatorNetwork, points: Points, params: Tensor, w_rgrad: float) -> Tensor:
    """L_LO of Poisson with an unknown function: D_x, u_x, u_xx, dr/dz at z = D(x).

    Derivatives by x are total, through z too; D_x is no function of z. No two share a pass.
    """
    (x,) = _coordinates(points)
    z = 1 + function_output(network, params, x) * x * (1 - x)
    D_x = _by(z, x)
    u = network_output(network, x, z) * x * (1 - x)
    u_x = _by(u, x)
    u_xx = _by(u_x, x)
    r = D_x * u_x + z * u_xx + math.pi**2 * torch.sin(math.pi * x)
    r_z = _by(r, z)
    return (r**2).mean() + w_rgrad * (r_z**2).mean()


def heat(network: OperatorNetwork, points: Points, params: Tensor, w_rgrad: float) -> Tensor:
    """L_LO of the heat equation with an unknown function: u_t, u_x, u_xx, dr/dz at z = f(x)."""
    t, x = _coordinates(points)
    u, z = _heat_field(network, params, t, x)
    u_t = _by(u, t)
    u_x = _by(u, x)
    r = u_t - 0.01 * _by(u_x, x)
    r_z = _by(r, z)
    return (r**2).mean() + w_rgrad * (r_z**2).mean()


def heat_economical(
    network: OperatorNetwork, points: Points, params: Tensor, w_rgrad: float
) -> Tensor:
    """The same with the fewest passes: u_t and u_x in one call."""
    t, x = _coordinates(points)
    u, z = _heat_field(network, params, t, x)
    u_t, u_x = torch.autograd.grad(u.sum(), (t, x), create_graph=True)
    r = u_t - 0.01 * _by(u_x, x)
    r_z = _by(r, z)
    return (r**2).mean() + w_rgrad * (r_z**2).mean()


TEXTBOOK: dict[str, NestedLoss] = {
    "fisher_kpp": fisher_kpp,
    "particles": particles,
    "poisson": poisson,
    "heat": heat,
}
ECONOMICAL: dict[str, NestedLoss] = {
    "fisher_kpp": fisher_kpp_economical,
    "particles": particles_economical,
    "poisson": poisson,
    "heat": heat_economical,
}


def network_output(network: OperatorNetwork, *inputs: Tensor) -> Tensor:
    """Output (N,) of the network at coordinates and unknowns, (N,) each; no Fourier features."""
    y = torch.stack(inputs, 1)
    for W, b in network.weights()[:-1]:
        y = torch.tanh(torch.nn.functional.linear(y, W, b))
    return torch.nn.functional.linear(y, *network.weights()[-1])[:, 0]


def function_output(network: OperatorNetwork, params: Tensor, x: Tensor) -> Tensor:
    """Output (N,) of the unknown function's own network at x, its weights held."""
    (k,) = network.problem.functions
    y = x.unsqueeze(1)
    layers = k.weights(params.to(x).detach())
    for W, b in layers[:-1]:
        y = torch.tanh(torch.nn.functional.linear(y, W, b))
    return torch.nn.functional.linear(y, *layers[-1])[:, 0]


def _heat_field(
    network: OperatorNetwork, params: Tensor, t: Tensor, x: Tensor
) -> tuple[Tensor, Tensor]:
    """u and z = f(x)."""
    z = torch.nn.functional.softplus(function_output(network, params, x)) * x * (1 - x)
    return network_output(network, t, x, z) * x * (1 - x) * t + z, z


def _fisher_kpp_field(network: OperatorNetwork, t: Tensor, x: Tensor, *theta: Tensor) -> Tensor:
    N = network_output(network, t, x, *theta)
    return 0.5 * torch.sin(math.pi * x) ** 2 + N * x * (1 - x) * t


def _particles_field(
    network: OperatorNetwork, x: Tensor, s: Tensor, rate: Tensor, decay: Tensor
) -> Tensor:
    """v(x, s) with lambda = 250 rate and mu = 5 decay."""
    N = network_output(network, 2 * x - 1, 4 * s - 1, rate, decay)
    return 250 * torch.nn.functional.softplus(N) * x * (1 - x)


def _particles_residual(
    network: OperatorNetwork, points: Points, params: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """r away from the birth place, and the unknowns point by point."""
    x, rate, decay = _leaves(points, params)
    s = (x - 0.5) * points.known["side"]
    u = _particles_field(network, x, s, rate, decay)
    u_x = _by(u, x)
    u_xx = _by(u_x, x)
    r = (u_xx - 5 * decay * u) / 250
    return r, rate, decay


def _jump(network: OperatorNetwork, params: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """dv/ds(z, 0) + lambda / 2 in units of 250, and the unknowns to differentiate by."""
    x, s = params.new_full((1,), 0.5), params.new_zeros(1).requires_grad_()
    rate, decay = (c.reshape(1).clone().requires_grad_() for c in params.detach())
    v_s = _by(_particles_field(network, x, s, rate, decay), s)
    return v_s / 250 + rate / 2, rate, decay


def _leaves(points: Points, params: Tensor) -> list[Tensor]:
    """Coordinates and, point by point, unknowns to differentiate by."""
    return _coordinates(points) + [c.repeat(len(points)).requires_grad_() for c in params.detach()]


def _coordinates(points: Points) -> list[Tensor]:
    """Coordinates to differentiate by."""
    return [v.clone().requires_grad_() for v in points.coordinates.values()]


def _by(f: Tensor, x: Tensor) -> Tensor:
    """df_n/dx_n; each value depends on its own point only, so the sum has the same derivative."""
    return torch.autograd.grad(f.sum(), x, create_graph=True)[0]
