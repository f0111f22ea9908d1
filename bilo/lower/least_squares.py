"""A loss of equations as a sum of squares: its rows, and their Jacobian by the weights.

    mean w c^2 + w_rgrad mean sum_j w_j (dc/dtheta_j)^2 = |rho|^2,
    rho = (sqrt(w / n) c,  sqrt(w_rgrad w_j / n) dc/dtheta_j)

A row depends on few output jets of the network, mostly on those at its own point. Its derivative by
the weights is that of the row by the jets (jet arithmetic, differentiated by autograd on tensors as
long as there are points), contracted with that of the jets by the weights (`weight_rows`).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor

from bilo.inverse.frame import Frame
from bilo.inverse.objective import LeastSquares
from bilo.inverse.points import Points
from bilo.lower.losses import residual_weights
from bilo.networks.network import OperatorNetwork
from bilo.taylor.jacobian import weight_rows
from bilo.taylor.jets import Jet
from bilo.taylor.streamed_mlp import StreamedMLP


@dataclass(frozen=True)
class Equation:
    """c(u, theta) = 0 in the mean square, and so its derivatives by the unknowns if asked.

    Attributes
    ----------
    name : str
        Of its loss in the history.
    network : OperatorNetwork
    at : Frame
    form : callable
        (u, at) -> c as a jet.
    factor : float
        Of the whole loss.
    weights : Tensor (1 or 1 + m, N or 1) or None
        Of the squares, of c and of its derivatives; None for one.
    w_rgrad : float
        Weight of the derivatives; 0 leaves them out.
    pointwise : bool
        Whether c at a point depends on u there alone: it has as many entries as there are points.
    """

    name: str
    network: OperatorNetwork
    at: Frame
    form: Callable[[Jet, Frame], Jet]
    factor: float = 1.0
    weights: Tensor | None = None
    w_rgrad: float = 0.0
    pointwise: bool = True

    def moved(self, codes: Tensor) -> Equation:
        """The same at other values of the unknowns; the weights are held."""
        return replace(self, at=self.at.moved(codes))

    def rows(self) -> Tensor:
        """rho (K, n) at the network's present weights; K is 1, or 1 + m with derivatives."""
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
        entries = rho if self.pointwise else rho.flatten()
        by_out = [torch.autograd.grad(e.sum(), out, retain_graph=True)[0] for e in entries]
        with torch.no_grad():
            J = weight_rows(mlp, torch.stack(by_out)[..., 0], self.network.A.shape[1])
            J = J.flatten(0, 1) if self.pointwise else J.sum(1)
            if unknowns:
                by_theta = c.coefficients(1 + len(self.at.inputs))[1:]
                J = torch.cat([J, self._scaled(by_theta, self._root(1)).t()], 1)
        return rho.detach(), J

    def losses(self, rho: Tensor) -> dict[str, float]:
        """The means that the rows are made of, without `factor` and `w_rgrad`, by name."""
        found = {self.name: float((rho[0] ** 2).sum()) / self.factor}
        if self.w_rgrad:
            gradient = float((rho[1:] ** 2).sum()) / (self.factor * self.w_rgrad)
            found[f"{self.name}_gradient"] = gradient
        return found

    @cached_property
    def _inputs(self) -> Tensor:
        with torch.no_grad():
            return self.network.inputs(self.at)

    def _forward(self) -> StreamedMLP:
        return StreamedMLP(self._inputs, self.network.weights(), self.at.streams)

    def _evaluate(self, out: Tensor) -> Jet:
        u = self.network.problem.transform(Jet(out[..., 0], self.at.streams), self.at)
        return self.form(u, self.at)

    def _rho(self, c: Jet) -> Tensor:
        rows = 1 + len(self.at.inputs) if self.w_rgrad else 1
        return self._scaled(c.coefficients(rows), self._root(rows))

    def _root(self, rows: int) -> Tensor:
        """Square roots of all weights (rows or 1, N or 1)."""
        squares = self.network.like.new_full((rows, 1), self.factor)
        squares[1:] *= self.w_rgrad
        return (squares if self.weights is None else squares * self.weights[:rows]).sqrt()

    def _scaled(self, c: Tensor, root: Tensor) -> Tensor:
        return root * c / c.shape[1] ** 0.5


ROWS = 1.4
"""Rows a weight: with fewer, a second-order method fits the points and not what lies between."""


def enough(network: OperatorNetwork, rows: int) -> int:
    """Points for a sufficient number of rows, where each of them makes so many."""
    return math.ceil(ROWS * len(network.vector()) / rows)


def operator_equations(
    network: OperatorNetwork, points: Points, codes: Tensor, w_rgrad: float
) -> list[Equation]:
    """The lower level of `operator_loss`: residual and further conditions.

    Without `w_rgrad` it is a PINN's, of `residual_loss`.
    """
    problem = network.problem
    at = Frame(problem, points, codes)
    with torch.no_grad():
        u = problem.transform(network(at), at)
        r = problem.residual(u, at).coefficients(1 + len(problem.unknowns))
        weights = residual_weights(problem, u, at, r).expand_as(r)
    residual = Equation("residual", network, at, problem.residual, weights=weights, w_rgrad=w_rgrad)
    conditions = [
        Equation(
            "conditions",
            network,
            Frame(problem, condition.points.to(network.like), codes),
            condition.residual,
            factor=condition.weight,
            w_rgrad=w_rgrad,
            pointwise=False,
        )
        for condition in problem.conditions()
    ]
    return [residual, *conditions]


def start_equation(
    network: OperatorNetwork, points: Points, codes: Tensor, w_start: float
) -> list[Equation]:
    """What pretraining adds, u = u_num(theta_0); nothing where that is not known."""
    problem = network.problem
    known = problem.start_solution(points) if w_start else None
    if known is None:
        return []
    weight = problem.start_weight(known, points)
    return [
        Equation(
            "start",
            network,
            Frame(problem, points, codes, tangents=False, derivatives=False),
            lambda u, at: u - Jet.known(known.to(network.like)),
            factor=w_start,
            weights=None if weight is None else weight.unsqueeze(0),
        )
    ]


def data_equation(
    network: OperatorNetwork, data: LeastSquares, codes: Tensor, w_data: float
) -> Equation:
    """A PINN's data, u = u_d."""
    values = data.values.to(network.like)
    return Equation(
        "objective",
        network,
        Frame(network.problem, data.points.to(network.like), codes, derivatives=False),
        lambda u, at: u - Jet.known(values),
        factor=w_data,
    )
