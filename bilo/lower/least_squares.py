"""A loss of equations as a sum of squares: its rows, and their Jacobian by the weights.

    mean w c^2 + w_rgrad mean sum_j w_j (dc/dtheta_j)^2 = |rho|^2,
    rho = (sqrt(w / n) c,  sqrt(w_rgrad w_j / n) dc/dtheta_j)

A row depends on few output jets of the network, mostly on those at its own point. Its derivative by
the weights is that of the row by the jets (jet arithmetic, differentiated by autograd on tensors as
long as there are points), contracted with that of the jets by the weights
(`per_point_weight_jacobian`).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from bilo.inverse.fields import Fields, as_tuple
from bilo.inverse.least_squares import LeastSquares
from bilo.inverse.point_jets import PointJets
from bilo.inverse.points import Points
from bilo.lower.losses import residual_weights
from bilo.networks.network import OperatorNetwork
from bilo.taylor.jacobian import per_point_weight_jacobian
from bilo.taylor.jets import Jet
from bilo.taylor.taylor_mlp import TaylorMLP
from bilo.training.recipes import RecipeError


@dataclass(frozen=True)
class Equation:
    """c(u, theta) = 0 in the mean square, and so its derivatives by the unknowns if asked.

    Attributes
    ----------
    name : str
        Of its loss in the history.
    network : OperatorNetwork
    at : PointJets
    form : callable
        (u, at) -> c as a jet, or several: equations of one kind at the same points.
    factor : float
        Of the whole loss.
    weights : Tensor (1 or 1 + m, 1 or equations, N or 1) or None
        Of the squares, of c and of its derivatives, equation by equation; None for one.
    w_rgrad : float
        Weight of the derivatives; 0 leaves them out.
    """

    name: str
    network: OperatorNetwork
    at: PointJets
    form: Callable[[Any, PointJets], Fields]
    factor: float = 1.0
    weights: Tensor | None = None
    w_rgrad: float = 0.0

    def moved(self, params: Tensor) -> Equation:
        """The same at other values of the unknowns; the weights are held."""
        return replace(self, at=self.at.moved(params))

    def rows(self) -> Tensor:
        """rho (K, n) at the network's present weights.

        K is the number of equations, and so many times 1 + m with derivatives: all values first.
        """
        with torch.no_grad():
            return self._rho(self._evaluate(self._forward().out))

    def linearise(self, *, unknowns: bool = False) -> tuple[Tensor, Tensor]:
        """rho (K, n), and its Jacobian (K n, P) by the weights in the order of their vector.

        With `unknowns`, m columns more: the derivatives by theta of equations without `w_rgrad`.
        """
        mlp = self._forward()
        out = mlp.out.requires_grad_()
        c = self._evaluate(out)
        rho = self._rho(c)
        pointwise = _is_pointwise(rho, out)
        entries = rho if pointwise else rho.flatten()
        by_out = [torch.autograd.grad(e.sum(), out, retain_graph=True)[0] for e in entries]
        with torch.no_grad():
            J = per_point_weight_jacobian(mlp, torch.stack(by_out), self.network.A.shape[1])
            J = J.flatten(0, 1) if pointwise else J.sum(1)
            if unknowns:
                m = len(self.at.inputs)
                by_theta = torch.stack([e.coefficients(1 + m)[1:] for e in c], 1)
                scaled = by_theta * self._root(1) / by_theta.shape[2] ** 0.5
                J = torch.cat([J, scaled.flatten(1).t()], 1)
        return rho.detach(), J

    def losses(self, rho: Tensor) -> dict[str, float]:
        """The means that the rows are made of, without `factor` and `w_rgrad`, by name."""
        equations = len(rho) // self._kinds
        found = {self.name: float((rho[:equations] ** 2).sum()) / self.factor}
        if self.w_rgrad:
            gradient = float((rho[equations:] ** 2).sum()) / (self.factor * self.w_rgrad)
            found[f"{self.name}_gradient"] = gradient
        return found

    @cached_property
    def _inputs(self) -> Tensor:
        with torch.no_grad():
            return self.network.inputs(self.at)

    def _forward(self) -> TaylorMLP:
        return TaylorMLP(self._inputs, self.network.weights(), self.at.streams)

    def _evaluate(self, out: Tensor) -> tuple[Jet, ...]:
        problem = self.network.problem
        return as_tuple(self.form(problem.together(problem.represent(out, self.at)), self.at))

    @property
    def _kinds(self) -> int:
        """The value alone, or with its derivatives by the unknowns."""
        return 1 + len(self.at.inputs) if self.w_rgrad else 1

    def _rho(self, c: tuple[Jet, ...]) -> Tensor:
        rows = torch.stack([e.coefficients(self._kinds) for e in c], 1)
        return (self._root(self._kinds) * rows / rows.shape[2] ** 0.5).flatten(0, 1)

    def _root(self, rows: int) -> Tensor:
        """Square roots of all weights (rows or 1, 1 or equations, N or 1)."""
        squares = self.network.like.new_full((rows, 1, 1), self.factor)
        squares[1:] *= self.w_rgrad
        return (squares if self.weights is None else squares * self.weights[:rows]).sqrt()


def _is_pointwise(rho: Tensor, out: Tensor) -> bool:
    """Whether an entry depends on the network at its own point alone; judged by the middle one.

    All entries of a kind then need one backward pass together.
    """
    n = out.shape[2]
    if rho.shape[1] != n:
        return False
    (by_out,) = torch.autograd.grad(rho[0, n // 2], out, retain_graph=True)
    elsewhere = by_out.abs().sum((0, 1, 3))
    elsewhere[n // 2] = 0.0
    return not bool(elsewhere.any())


ROWS = 1.4
"""Rows a weight: with fewer, a second-order method fits the points and not what lies between."""


def enough(network: OperatorNetwork, rows: int) -> int:
    """Points for a sufficient number of rows, where an equation makes so many of each of them."""
    return math.ceil(ROWS * len(network.vector()) / (rows * len(network.problem.fields)))


def operator_equations(
    network: OperatorNetwork, points: Points, params: Tensor, w_rgrad: float
) -> list[Equation]:
    """The lower level of `operator_loss`: residual and further conditions.

    Without `w_rgrad` it is a PINN's, of `residual_loss`.
    """
    problem = network.problem
    at = PointJets(problem, points, params)
    with torch.no_grad():
        u = network.represented(at)
        c = [r.coefficients(1 + len(problem.unknowns)) for r in problem.residuals(u, at)]
        weights = torch.stack([residual_weights(problem, u, at, r).expand_as(r) for r in c], 1)
    residual = Equation("residual", network, at, problem.residual, weights=weights, w_rgrad=w_rgrad)
    conditions = [
        Equation(
            "conditions",
            network,
            PointJets(problem, condition.points.to(network.like), params),
            condition.residual,
            factor=condition.weight,
            w_rgrad=w_rgrad,
        )
        for condition in problem.conditions()
    ]
    return [residual, *conditions]


def start_equation(
    network: OperatorNetwork, points: Points, params: Tensor, w_pretraining: float
) -> list[Equation]:
    """What pretraining adds, u = u_num(theta_0); nothing where that is not known."""
    problem = network.problem
    known = problem.pretraining_target(points) if w_pretraining else None
    if known is None:
        return []
    weight = problem.pretraining_weight(known, points)
    return [
        Equation(
            "start",
            network,
            PointJets(problem, points, params, tangents=False, derivatives=False),
            lambda u, at: _minus(u, known.to(network.like)),
            factor=w_pretraining,
            weights=None if weight is None else weight.view(1, 1, -1),
        )
    ]


def data_equation(
    network: OperatorNetwork, data: LeastSquares, params: Tensor, w_data: float
) -> Equation:
    """A PINN's data, u = u_d.

    Raises
    ------
    RecipeError
        If they are weighted, or see more than the field.
    """
    if not (data.seen is None and data.functional is None and data.weights is None):
        raise RecipeError(
            "a PINN with recipe lm takes unweighted data of the fields themselves; recipe fast "
            "takes any"
        )
    problem, like = network.problem, network.like
    points = data.points.to(like)
    values = data.values.to(like).view(len(points), -1)
    return Equation(
        "objective",
        network,
        PointJets(problem, points, params, derivatives=False),
        lambda u, at: _minus(u, values),
        factor=w_data,
        # the mean over the fields too, as `LeastSquares` has it
        weights=like.new_full((1, 1, 1), 1 / len(problem.fields)),
    )


def _minus(u: Any, known: Tensor) -> tuple[Jet, ...]:
    """u - known, (N,) or (N, fields)."""
    columns = known.unsqueeze(-1) if known.ndim == 1 else known
    return tuple(f - Jet.known(columns[:, k]) for k, f in enumerate(as_tuple(u)))
