"""Gauss-Newton steps of unknown functions, in the space of their networks' weights V.

    d = -X (X^T X + mu)^-1 b,        V += relaxation d

The columns of X are derivatives by V of rows whose squares are the upper objective: of the data
through the operator's input, ``sqrt(l'') C du/dz df/dV``, C their linear functionals if they have
any, and of the regulariser. There are fewer rows than weights, so the small matrix is the one to
solve with. Where a regulariser has more than `DENSE` rows none is made: (X X^T + mu) d = -X b by
conjugate gradients.

The operator's input tells how u answers to f *at* a point while the lower level holds; that
response is exact where f is shifted everywhere, and too strong for what oscillates. The steps are
then too short, never too long, and a part of the last one is taken again (heavy ball, Polyak 1964).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from bilo.inverse.chain_rule import by_params
from bilo.inverse.objective import Objective, SeparableObjective
from bilo.inverse.problem import Problem
from bilo.inverse.regulariser import (
    regularisation,
    regulariser_products,
    regulariser_row_count,
    regulariser_rows,
)
from bilo.optimisation.conjugate_gradients import conjugate_gradients, largest_eigenvalue
from bilo.training.recipes import RecipeError
from bilo.training.state import Run

DENSE = 1000
"""Most rows of a regulariser with which a matrix is made: 3,362 of them made a step take 40 s."""
TOLERANCE, MOST = 1e-4, 500
"""Of conjugate gradients, relative, and their iterations."""
POWER = 10
"""Iterations for the largest eigenvalue, which the damping is relative to."""


@dataclass(frozen=True)
class GaussNewton:
    """How much is taken of a step.

    Parameters
    ----------
    damping : float
        mu, relative to the largest eigenvalue of X^T X.
    relaxation : float
        Part of the whole step.
    max_step : float
        Largest change of a function, over its scale, by one step.
    momentum : float
        Part of the last step that is taken again.
    """

    damping: float
    relaxation: float = 1.0
    max_step: float = math.inf
    momentum: float = 0.0


def function_step(
    run: Run,
    data: Objective,
    w_reg: float,
    u: Tensor,
    J: Tensor,
    step: GaussNewton,
    before: Tensor | None = None,
) -> dict[str, float]:
    """Move the weights of the unknown functions, and scalars beside them; bounds are not seen.

    Parameters
    ----------
    u : Tensor (N,)
        The field at the data, float64.
    J : Tensor (m, N)
        Its derivative by the operator's inputs; or (size, N), by all params.
    step : GaussNewton
        Damping, and what is taken of the whole step.
    before : Tensor (size,), optional
        Where the last step began, for its momentum.

    Returns
    -------
    dict
        ``move``, the change of the functions by a whole step, and the ``regulariser``.

    Raises
    ------
    RecipeError
        If the objective is no sum over points.
    """
    problem = run.network.problem
    if not isinstance(data, SeparableObjective):
        raise RecipeError(f"no second-order step of functions for {type(data).__name__}")
    first, second = data.derivatives(u)
    root = second.sqrt()
    departure_points = problem.departure_points(data.points, u)
    X = data.combine(by_params(problem, departure_points, run.params, J)) * root
    rows = first / root
    record: dict[str, float] = {}
    if w_reg:
        record["regulariser"] = float(regularisation(problem, run.params))
    if w_reg and regulariser_row_count(problem) > DENSE:
        d = _by_products(problem, run.params, (rows, X), w_reg, step.damping)
    elif w_reg:
        b, slopes = regulariser_rows(problem, run.params)
        rows = torch.cat([rows, (2 * w_reg) ** 0.5 * b])
        d = _by_matrix(rows, torch.cat([X, (2 * w_reg) ** 0.5 * slopes], 1), step.damping)
    else:
        d = _by_matrix(rows, X, step.damping)
    record["move"] = problem.distance(run.params + d, run.params)
    here = run.params.clone()
    run.params.add_(min(step.relaxation, step.max_step / max(record["move"], 1e-300)) * d)
    if step.momentum and before is not None:
        run.params.add_(step.momentum * (here - before))
    return record


def _by_matrix(rows: Tensor, X: Tensor, damping: float) -> Tensor:
    """d by the matrix X^T X of all rows."""
    G = X.t() @ X
    G.diagonal().add_(damping * torch.linalg.matrix_norm(G, 2))
    return -X @ torch.cholesky_solve(rows.unsqueeze(1), torch.linalg.cholesky(G))[:, 0]


def _by_products(
    problem: Problem, params: Tensor, data: tuple[Tensor, Tensor], w_reg: float, damping: float
) -> Tensor:
    """d by products with the rows of the data and those of the regulariser."""
    rows, X = data
    R = regulariser_products(problem, params)

    def undamped(v: Tensor) -> Tensor:
        return X @ (X.t() @ v) + 2 * w_reg * R.transposed(R.times(v))

    gradient = X @ rows + 2 * w_reg * R.transposed(R.b)
    mu = damping * largest_eigenvalue(undamped, gradient, POWER)
    return -conjugate_gradients(lambda v: undamped(v) + mu * v, gradient, TOLERANCE, MOST)
