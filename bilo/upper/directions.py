"""Steps of unknowns along the exact derivative: Gauss-Newton in the directions' c.

    J(f) = mean l(u) + w_reg R(f),     u(f + sum c_k phi_k) = u + T c,     T = Psi w + dtransform
    (H + mu |H|) c = -g,               f <- f + sum c_k phi_k,   w_0 <- w_0 + sum c_k w_k,   c <- 0

g and H are those of the generalised Gauss-Newton model of J by c. The step of w_0 is the operator
read at c instead of 0: the lower level begins where the operator says the field will be. Because T
is the derivative of J's own u, a step is judged by what it gains (Levenberg-Marquardt).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from bilo.inverse.directions import Directions
from bilo.inverse.objective import SeparableObjective
from bilo.inverse.points import Points
from bilo.inverse.regulariser import regularisation, regulariser_model
from bilo.lower.response import Observed, Solved, solve
from bilo.networks.response import ResponseNetwork
from bilo.optimisation.damping import Damping

CUT = 1e-5
"""Directions kept: singular values of the function network's Jacobian above this part."""
TRIES = 10
"""Values of mu that a step tries."""
REACH = 0.7
"""Longest change of an unknown in one step, over its scale."""
SETTLE = 6
"""Most Gauss-Newton steps of the fields after a step of the unknowns."""
FIRST_MU = 1e-2
ACCEPTED = Damping(after_good=0.1, after_fair=0.5, after_bad=2.0, good=0.5, fair=0.1)
"""Of a step that gained; one that did not is tried again with ten times the mu."""


@dataclass(frozen=True)
class Place:
    """Both levels at one set of unknowns, the lower one solved.

    Attributes
    ----------
    params : Tensor (size,)
    lower : Solved
    observed : Observed
    value : float
        The objective with its regulariser.
    """

    params: Tensor
    lower: Solved
    observed: Observed
    value: float

    @property
    def u(self) -> Tensor:
        """What is seen (N,), float64 on the CPU."""
        return self.observed.u.double().cpu()

    def answer(self, B: Tensor) -> tuple[Tensor, Tensor]:
        """The rows w_k of directions B (size, K), and T^T (K, N), float64 on the CPU."""
        S, direct = self.lower.residual.moved_by_params(), self.observed.moved_by_params()
        w = -self.lower.factors.solve(S @ B.to(S))
        return w, (self.observed.Psi @ w + direct @ B.to(w)).t().double().cpu()


@dataclass(frozen=True)
class DirectionsLevel:
    """The upper level over an operator in directions.

    Attributes
    ----------
    network : ResponseNetwork
    points : Points
        Residual points, held.
    data : SeparableObjective
    w_reg : float
    """

    network: ResponseNetwork
    points: Points
    data: SeparableObjective
    w_reg: float

    def settle(self, params: Tensor, steps: int = SETTLE) -> Place:
        """Solve the lower level at unknowns, from the network's present last layer."""
        problem, here = self.network.problem, params.to(self.network.like)
        lower = solve(self.network, self.points, here, steps)
        observed = Observed(self.network, self.data, here)
        value = float(self.data.value(observed.u.double().cpu(), self.data.start))
        if self.w_reg:
            value += self.w_reg * float(regularisation(problem, params))
        return Place(params, lower, observed, value)

    def step(self, place: Place, mu: float) -> tuple[Place | None, float]:
        """A better place, or None where there is none; and mu for the next step."""
        problem, network = self.network.problem, self.network
        along = Directions.leading(problem, place.params, CUT)
        B = along.B
        w, response = place.answer(B)
        g, H = self.data.model(place.u, response)
        if self.w_reg:
            g_R, H_R = regulariser_model(problem, place.params, B)
            g, H = g + self.w_reg * g_R, H + self.w_reg * H_R
        size, rows = torch.linalg.matrix_norm(H, 2), network.rows
        for _ in range(TRIES):
            damped = H.clone()
            damped.diagonal().add_(mu * size)
            c = -torch.linalg.solve(damped, g)
            params = problem.project(along.followed(c))
            if problem.distance(params, place.params) < REACH:
                network.put(rows + w @ c.to(w))
                found = self.settle(params)
                gain = (place.value - found.value) / -float(g @ c + c @ H @ c / 2)
                if ACCEPTED.accepts(gain):
                    return found, ACCEPTED.next(mu, gain)
                network.put(rows)
            mu *= 10
        return None, mu
