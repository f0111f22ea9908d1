"""Lower-level losses: residual and residual gradient."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from bilo.inverse.fields import as_tuple, values
from bilo.inverse.point_jets import PointJets
from bilo.inverse.points import Points
from bilo.inverse.problem import Problem
from bilo.networks.network import Network, OperatorNetwork
from bilo.taylor.jets import Jet

TINY = 1e-30
"""Smallest length that a random direction is divided by."""


@dataclass(frozen=True)
class OperatorLoss:
    """L_LO = L_res + w_rgrad L_rgrad at one set of points.

    Attributes
    ----------
    surrogate : Tensor
        A scalar with the gradient of L_LO by the weights (its value is not L_LO).
    value : Tensor (N,)
        The represented field at the points, inside the same graph.
    residual, gradient : float
        L_res and L_rgrad.
    conditions : float
        `condition_loss`, a part of the surrogate.
    """

    surrogate: Tensor
    value: Tensor
    residual: float
    gradient: float
    conditions: float = 0.0


def operator_loss(
    network: OperatorNetwork, points: Points, params: Tensor, w_rgrad: float
) -> OperatorLoss:
    """Residual and residual-gradient losses of the local operator,

        L_res = mean r^2,    L_rgrad = mean sum_j (dr/dtheta_j)^2      (total derivatives).

    All tangents are carried forward. The gradient by W of L_rgrad is that of
    ``sum_n v_n . dr_n/dtheta`` with ``v = 2 w_rgrad / N dr/dtheta`` held fixed: one directional
    derivative per point, so one tangent goes backward.

    Parameters
    ----------
    network : OperatorNetwork
    points : Points
        N residual points.
    params : Tensor (m,)
        Unknowns in optimiser coordinates; derivatives by theta are by these.
    w_rgrad : float
        Weight of the residual-gradient loss.
    """
    problem = network.problem
    if len(problem.fields) > 1:
        return _all_tangents_loss(network, points, params, w_rgrad)
    at = PointJets(problem, points, params)
    mlp = network.streams(at)
    with torch.no_grad():
        u = problem.represent(mlp.out, at)
        (r,) = problem.residuals(u, at)
        scale, scales = (
            residual_weights(problem, u, at, r.value),
            residual_weights(problem, u, at, r.tangents),
        )
        residual = (scale * r.value**2).mean()
        gradient = (scales * r.tangents**2).sum(0).mean()
        direction = r.tangents * (scales * (2 * w_rgrad / len(points)))
    along = at.along(direction)
    u = problem.represent(mlp.along(direction), along)
    (r,) = problem.residuals(u, along)
    surrogate = (scale * r.value**2).mean() + r.tangents.sum()
    further = condition_loss(network, params, w_rgrad)
    return OperatorLoss(
        surrogate + further, values(u), float(residual), float(gradient), further.item()
    )


def _all_tangents_loss(
    network: OperatorNetwork, points: Points, params: Tensor, w_rgrad: float
) -> OperatorLoss:
    """The same for a system, whose equations have directions of their own: all tangents go back."""
    problem = network.problem
    at = PointJets(problem, points, params)
    u = problem.represent(network.streams(at).along(), at)
    residual = gradient = network.like.new_zeros(())
    for r in problem.residuals(u, at):
        residual = residual + (residual_weights(problem, u, at, r.value) * r.value**2).mean()
        scales = residual_weights(problem, u, at, r.tangents)
        gradient = gradient + (scales * r.tangents**2).sum(0).mean()
    further = condition_loss(network, params, w_rgrad)
    total = residual + w_rgrad * gradient + further
    return OperatorLoss(total, values(u), residual.item(), gradient.item(), further.item())


def sampled_operator_loss(
    network: OperatorNetwork,
    points: Points,
    params: Tensor,
    w_rgrad: float,
    generator: torch.Generator,
) -> OperatorLoss:
    """`operator_loss` with one random direction v in theta at each point, |v|^2 = m:

        L_rgrad = mean (v . dr/dtheta)^2,      E v v^T = 1,

    an unbiased estimate of mean sum_j (dr/dtheta_j)^2 for the price of one tangent.
    """
    problem = network.problem
    m, like = len(problem.unknowns), params
    v = torch.randn(m, len(points), generator=generator)
    # a normal number of single precision is 0 once in ten million draws
    v = (v * (m**0.5 / v.norm(dim=0).clamp(min=TINY))).to(like)
    at = PointJets(problem, points, params, v)
    u = network.represented(at)
    residual = gradient = network.like.new_zeros(())
    for r in problem.residuals(u, at):
        along = r.coefficients(2)[1]
        residual = residual + (residual_weights(problem, u, at, r.value) * r.value**2).mean()
        gradient = gradient + (residual_weights(problem, u, at, along) * along**2).mean()
    further = condition_loss(network, params, w_rgrad)
    surrogate = residual + w_rgrad * gradient + further
    return OperatorLoss(surrogate, values(u), residual.item(), gradient.item(), further.item())


def condition_loss(
    network: Network, params: Tensor, w_rgrad: float, *, tangents: bool = True
) -> Tensor:
    """Loss of all further equations, see `Problem.conditions`; 0 where there are none.

    Without `tangents` the first term alone, differentiable by `params`: a PINN's.
    """
    problem = network.problem
    total = network.like.new_zeros(())
    for condition in problem.conditions():
        at = PointJets(problem, condition.points.to(network.like), params, tangents=tangents)
        for c in as_tuple(condition.residual(problem.together(network.represented(at)), at)):
            loss = (c.value**2).mean()
            if tangents:
                loss = loss + w_rgrad * (c.tangents**2).sum(0).mean()
            total = total + condition.weight * loss
    return total


def residual_loss(network: Network, points: Points, params: Tensor) -> tuple[Tensor, Tensor]:
    """Mean r^2 without derivatives by theta, and the field; differentiable by W, `params`."""
    problem = network.problem
    at = PointJets(problem, points, params, tangents=False)
    u = network.represented(at)
    total = network.like.new_zeros(())
    for r in problem.residuals(u, at):
        total = total + (residual_weights(problem, u, at, r.value) * r.value**2).mean()
    return total, values(u)


def relative_residual(network: Network, points: Points, params: Tensor) -> float:
    """Root mean square of the residual over that of the terms it is made of, weights of both equal.

    The terms of r(y), y the fields and their derivatives, are y_k dr/dy_k and what is left of r: in
    a linear equation every derivative with its coefficient, and the load. Of a system that of the
    worst equation. 1e-3 says that the terms balance to one part in a thousand.
    """
    problem = network.problem
    at = PointJets(problem, points, params, tangents=False)
    with torch.no_grad():
        fixed = network.represented(at)
    worst = 0.0
    for r, squares in terms_of(problem, fixed, at):
        weight = residual_weights(problem, fixed, at, r)
        size = float((weight * squares).mean())
        worst = max(worst, float((weight * r**2).mean()) / max(size, TINY))
    return worst**0.5


def terms_of(
    problem: Problem, fixed: tuple[Jet, ...], at: PointJets
) -> Iterator[tuple[Tensor, Tensor]]:
    """Of every equation the residual (N,), and the sum of squares (N,) of its terms."""
    u = tuple(Jet(f.data.detach().requires_grad_(), f.streams) for f in fixed)
    for r in problem.residuals(u, at):
        slopes = torch.autograd.grad(
            r.value.sum(), [f.data for f in u], allow_unused=True, retain_graph=True
        )
        terms = [g * f.data for g, f in zip(slopes, u, strict=True) if g is not None]
        rest = r.value - sum((t.sum((0, 1)) for t in terms), torch.zeros_like(r.value))
        squares = sum(((t**2).sum((0, 1)) for t in terms), rest**2)
        yield r.value.detach(), squares.detach()


@torch.no_grad()
def residual_weights(problem: Problem, u: tuple[Jet, ...], at: PointJets, r: Tensor) -> Tensor:
    """Weights of squared residuals r (.., N), held fixed; outliers count linearly (Huber)."""
    weight = problem.weight(problem.together(u), at)
    weight = torch.ones_like(r) if weight is None else weight
    if problem.huber_delta == float("inf"):
        return weight
    size = weight.sqrt() * r.abs()
    return weight * (problem.huber_delta / size.clamp(min=problem.huber_delta))
