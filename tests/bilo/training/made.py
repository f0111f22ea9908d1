"""Problems with a posterior that is known in closed form, and solutions that were never trained."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bilo.inverse.box import Box
from bilo.inverse.least_squares import LeastSquares
from bilo.inverse.objective import Objective
from bilo.inverse.point_jets import PointJets
from bilo.inverse.points import Points
from bilo.inverse.problem import Problem
from bilo.inverse.unknown import Scalar
from bilo.networks.network import Network, OperatorNetwork, seen
from bilo.taylor.jets import Jet
from bilo.training.linearised import Linearised
from bilo.training.solution import Solution

NOISE = 0.1


class Line(Problem):
    """u'' = 0 on (0, 2), u(0) = b, u(2) = b + 2 a: u = a x + b, linear in its unknowns."""

    box = Box(x=(0, 2))
    unknowns = (
        Scalar("a", start=2.0, bounds=(-50.0, 50.0)),
        Scalar("b", start=-0.5, bounds=(-50.0, 50.0)),
    )

    def transform(self, N: Jet, at: PointJets) -> Jet:
        return at["a"] * at["x"] + at["b"] + N * at.vanishing("x")

    def residual(self, u: Jet, at: PointJets) -> Jet:
        return u.d("x", "x")

    def solve(self, theta: Any) -> Any:
        return lambda x: theta["a"] * x + theta["b"]


def line_data(a: float, b: float, n: int, seed: int, sigma: float | None = None) -> LeastSquares:
    """n equidistant points with noise."""
    x = np.linspace(0, 2, n)
    noise = NOISE * np.random.default_rng(seed).standard_normal(n)
    return LeastSquares(Points({"x": x}), a * x + b + noise, sigma=sigma)


def design(data: LeastSquares) -> np.ndarray:
    """Derivative (n, 2) of the data by a and b."""
    x = data.points.coordinates["x"].numpy()
    return np.stack([x, np.ones_like(x)], 1)


def line_fit(data: LeastSquares, problem: Problem | None = None) -> Solution:
    """Least squares in closed form."""
    problem, X = problem or Line(), design(data)
    theta, *_ = np.linalg.lstsq(X, data.values.numpy(), rcond=None)
    params = problem.to_params(problem.named(theta))
    slopes = [k.slope(v) for k, v in zip(problem.scalars, theta.tolist(), strict=True)]
    u, J = torch.from_numpy(X @ theta), torch.from_numpy(X * np.array(slopes)).t()
    return untrained(problem, data, params, None, Linearised.of(data, u, J))


def operator(problem: Problem, data: Objective, params: Tensor, **size: Any) -> Solution:
    """A network of random weights as a solution."""
    shape = {"width": 10, "layers": 3, "fourier": 0, **size}
    network = OperatorNetwork(problem, **shape, seed=3).double()
    with torch.no_grad():
        u = seen(network, data, params, tangents=network.theta)
    J = u.tangents if network.theta else None
    return untrained(problem, data, params, network, Linearised.of(data, u.value, J))


def untrained(
    problem: Problem,
    data: Objective,
    params: Tensor,
    network: Network | None,
    linearised: Linearised | None,
) -> Solution:
    """A solution from its parts."""
    return Solution(
        method="bilo" if network is None or network.theta else "pinn",
        unknowns=problem.from_params(params),
        params=params,
        data_loss=0.0,
        converged=False,
        status="unverified",
        network=network,
        problem=problem,
        linearised=linearised,
    )


def regularised(solution: Solution, w_reg: float, J: Tensor | None = None) -> Solution:
    """The same with another weight of the regulariser, or another Jacobian."""
    linear = solution.linearised
    assert linear is not None
    return replace(
        solution, linearised=replace(linear, w_reg=w_reg, J=linear.J if J is None else J)
    )
