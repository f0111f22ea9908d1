"""The experiment `theory`: for scalars, the approximate upper gradient against the exact one.

At fixed unknowns theta, away from the optimum, the lower level Phi(theta, W) = L_LO is solved
better and better. At each stage the gradient that BiLO descends along,

    g = dL/dtheta        through the network's input,

is compared with the hypergradient of the bilevel problem by the implicit function theorem,

    h = dL/dtheta + (dL/dW) dW*/dtheta,      Phi_WW dW*/dtheta = -Phi_Wtheta,

and with the gradient J^T dL/du of the reduced objective by the classical solver. The theorem
(paper, section 3) says that the second term of h vanishes with Phi for a linear elliptic equation.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from benchmarks.design.setting import Setting
from benchmarks.experiments.theory import FUNCTIONS, SCALARS
from benchmarks.runs import machine
from benchmarks.theory.functions import FITS, along_a_fit
from bilo.classical.search import classical
from bilo.inverse.objective import SeparableObjective
from bilo.inverse.points import Points
from bilo.inverse.problem import Problem
from bilo.lower.losses import operator_loss
from bilo.networks.network import OperatorNetwork, field
from bilo.problems import get

WIDTH, LAYERS, POINTS, W_RGRAD = 16, 3, 196, 0.1
STAGES = (0, 30, 100, 300, 1000, 3000)
"""Iterations of L-BFGS after which the gradients are compared."""
STEP = 1e-5
"""Of the central differences of Phi's gradient, whose rounding error is then 1e-10."""
CUT = 1e-9
"""Eigenvalues of the Hessian below this share of the largest count as zero: the least-squares
solution. A lower level with more weights than equations leaves directions that change nothing; with
1e-6 or 1e-12 the ratio of the gradients is the same to 1e-3."""


def run(setting: Setting) -> dict[str, Any]:
    """A list for each problem: `stages` of scalars, places along a fit of functions."""
    torch.set_num_threads(1)
    return {
        "experiment": setting.experiment,
        "method": setting.method,
        "profile": setting.profile,
        **{name: stages(get(name), STAGES) for name in SCALARS},
        **{name: along_a_fit(name, FITS[name]) for name in FUNCTIONS},
        "network": {"width": WIDTH, "layers": LAYERS, "points": POINTS, "w_rgrad": W_RGRAD},
        "device": "cpu",
        "threads": 1,
        "precision": "float64",
        "machine": machine.describe(),
        "versions": {name: version(name) for name in ("torch", "numpy")},
    }


def stages(problem: Problem, iterations: tuple[int, ...]) -> list[dict[str, float]]:
    """Gradients and sensitivities at the problem's start after so many iterations.

    Returns
    -------
    list of dict
        ``lower_loss`` (L_LO), ``cosine`` and ``norm_ratio`` of g to h, ``cosine_solver`` and
        ``norm_ratio_solver`` of g to the solver's gradient, ``sensitivity_rel_error``: the largest
        relative L2 error, over the unknowns, of du/dtheta at the data.
    """
    torch.manual_seed(0)
    network = OperatorNetwork(problem, WIDTH, LAYERS, 0, seed=0).double()
    points = problem.collocation(POINTS, torch.Generator().manual_seed(1)).to(network.like)
    truth = problem.truth()
    data = problem.observe(truth, 0.0, 0)
    found, done = [], 0
    for total in iterations:
        _solve(network, points, total - done)
        done = total
        found.append(compare(network, points, data))
        numbers = "  ".join(f"{key} {value:.3g}" for key, value in found[-1].items())
        print(f"theory {problem.name}: iteration {total}  {numbers}", file=sys.stderr, flush=True)
    return found


def compare(network: OperatorNetwork, points: Points, data: SeparableObjective) -> dict[str, float]:
    """One stage at the problem's start."""
    problem = network.problem
    params = problem.to_params(problem.start())
    slopes = torch.tensor([k.slope(k.start) for k in problem.scalars], dtype=torch.float64)
    with torch.no_grad():
        u = field(network, data.points, params, tangents=True)
    approximate = u.tangents @ data.gradient(u.value, data.start)[1]
    dW = _implicit(network, points, params)
    exact = approximate + dW @ _objective_by_weights(network, data, params)
    solved, J = (torch.from_numpy(a) for a in classical(problem, data)(_start(problem)))
    J = J.t() * slopes[:, None]
    reduced = J @ data.gradient(solved, data.start)[1]
    local = operator_loss(network, points, params, W_RGRAD)
    return {
        "lower_loss": local.residual + W_RGRAD * local.gradient + local.conditions,
        **_angle(approximate, exact, ""),
        **_angle(approximate, reduced, "_solver"),
        "sensitivity_rel_error": float(((u.tangents - J).norm(dim=1) / J.norm(dim=1)).max()),
    }


def _implicit(network: OperatorNetwork, points: Points, params: Tensor) -> Tensor:
    """dW*/dtheta (m, P) by the implicit function theorem, in the least-squares sense."""
    W = parameters_to_vector(network.parameters()).detach()
    by_theta = _differences(lambda c: _lower_gradient(network, points, c, W), params)
    hessian = _differences(lambda V: _lower_gradient(network, points, params, V), W)
    vector_to_parameters(W, network.parameters())
    values, vectors = torch.linalg.eigh((hessian + hessian.t()) / 2)
    kept = values.abs() > CUT * values.abs().max()
    inverse = torch.where(kept, 1 / values.where(kept, values.new_ones(())), 0.0)
    return -(by_theta @ vectors) * inverse @ vectors.t()


def _differences(gradient: Callable[[Tensor], Tensor], at: Tensor) -> Tensor:
    """Central differences of a vector-valued function, one row a coordinate."""
    rows = []
    for j in range(len(at)):
        step = torch.zeros_like(at)
        step[j] = STEP
        rows.append((gradient(at + step) - gradient(at - step)) / (2 * STEP))
    return torch.stack(rows)


def _lower_gradient(network: OperatorNetwork, points: Points, params: Tensor, W: Tensor) -> Tensor:
    """Phi_W (P,) at the unknowns and weights given."""
    vector_to_parameters(W, network.parameters())
    surrogate = operator_loss(network, points, params, W_RGRAD).surrogate
    return _flat(torch.autograd.grad(surrogate, list(network.parameters())))


def _objective_by_weights(
    network: OperatorNetwork, data: SeparableObjective, params: Tensor
) -> Tensor:
    """Gradient (P,) of the objective by the weights."""
    value = data.value(field(network, data.points, params).value, data.start)
    return _flat(torch.autograd.grad(value, list(network.parameters())))


def _solve(network: OperatorNetwork, points: Points, iterations: int) -> None:
    """L-BFGS on the lower level at the problem's start."""
    if not iterations:
        return
    params = network.problem.to_params(network.problem.start())
    lbfgs = torch.optim.LBFGS(
        list(network.parameters()),
        max_iter=iterations,
        max_eval=2 * iterations,
        tolerance_grad=0.0,
        tolerance_change=0.0,
        history_size=100,
        line_search_fn="strong_wolfe",
    )

    def loss() -> float:
        lbfgs.zero_grad()
        local = operator_loss(network, points, params, W_RGRAD)
        local.surrogate.backward()
        return local.residual + W_RGRAD * local.gradient + local.conditions

    lbfgs.step(loss)


def _flat(gradients: tuple[Tensor, ...]) -> Tensor:
    return torch.cat([g.reshape(-1) for g in gradients])


def _angle(one: Tensor, other: Tensor, suffix: str) -> dict[str, float]:
    size = one.norm() * other.norm()
    return {
        f"cosine{suffix}": float(one @ other / size),
        f"norm_ratio{suffix}": float(one.norm() / other.norm()),
    }


def _start(problem: Problem) -> np.ndarray:
    return np.array(list(problem.start().values()))
