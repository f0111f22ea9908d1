"""The weight of a regulariser from the data themselves: the largest marginal likelihood.

The regulariser is minus the logarithm of a normal prior of the function, exp(-n w R / (2 s^2)), and
its weight w what makes the data likeliest when the function is integrated out. By the problem
linearised at a place, with e + T c the misfits and R = |b + X c|^2,

    -log p(d | w) = (n - q) / 2 log L(w) + log det(T^T T / n + w X^T X) / 2 - r / 2 log w,
    L(w) = min_c  |e + T c|^2 / n + w |b + X c|^2,

r directions that R penalises and q that it does not. The noise s is integrated out; where sigma is
known, n L / (2 sigma^2) stands for the first term.

Where the data are likeliest with a function that does not move, whose band would have no width, all
sizes 1 / sqrt w of its slopes count as equally likely: + log w / 2, whose minimum is finite.

A band of the function is that of this prior: its weight must be of the size of the function's own
slopes, and with this one the band holds what it says. Generalised cross-validation, made for the
best prediction of the data, chose five times as much, which lets the prior's pull show: bands of
90 % held .74 of the truth.

References: Wahba 1985, Ann. Statist. 13; MacKay 1992, Neural Comput. 4; Chung, Rabe-Hesketh, Dorie,
Gelman and Liu 2013, Psychometrika 78 (estimates that are not zero).
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from scipy.optimize import minimize_scalar
from torch import Tensor

from bilo.inverse.directions import Directions
from bilo.inverse.least_squares import LeastSquares
from bilo.inverse.regulariser import regulariser_rows
from bilo.upper.directions import CUT, DirectionsLevel, Place

A_DECADE = 6
"""Weights that are tried, before the best is refined."""
PENALISED = 1e-5
"""Relative singular value of X above which R penalises a direction."""
EXACT = 1e-14
"""Part of the present misfit, or of the largest curvature, that is rounding."""
MOVES = 0.5
"""Of the directions that R penalises: with fewer that the data move the function stands still."""
SAME = 0.1
"""Largest difference of ln w that is none."""


def chosen_weight(level: DirectionsLevel, place: Place) -> float:
    """w by the problem linearised at a place.

    Raises
    ------
    ValueError
        If the objective is no least squares, or does not depend on the functions.
    """
    data, problem = level.data, level.network.problem
    if not isinstance(data, LeastSquares):
        raise ValueError(f"w_reg 'auto' needs least squares, not {type(data).__name__}")
    B = Directions.leading(problem, place.params, CUT).B
    g, H = data.model(place.u, place.answer(B)[1])
    b, by_params = regulariser_rows(problem, place.params)
    U, s, V = torch.linalg.svd(B.t() @ by_params, full_matrices=False)
    penalised = s > PENALISED * s[0]
    # in these directions; what of b no direction changes says nothing of w
    X, b = (U * s)[:, penalised], V[penalised] @ b
    g_R, H_R, r = 2 * X @ b, 2 * X @ X.t(), int(penalised.sum())
    likelihood, here = data.likelihood(place.u), float(data.value(place.u, data.start))
    ridge = 1e-12 * float(torch.trace(H))  # for what neither data nor regulariser see

    def precision(w: float) -> Tensor:
        A = H + w * H_R
        A.diagonal().add_(ridge)
        return A

    def surprise(w: float) -> float:
        """-log p(d | w), but for a constant."""
        A = precision(w)
        c = -torch.linalg.solve(A, g + w * g_R)
        least = here + float(g @ c + c @ H @ c / 2) + w * float((b + X.t() @ c).square().sum())
        if likelihood.variance is None:  # nothing is known below rounding
            misfit = (likelihood.count - (len(H) - r)) / 2 * math.log(max(least, EXACT * here))
        else:
            misfit = likelihood.factor * least / likelihood.variance
        return misfit + float(torch.logdet(A)) / 2 - r / 2 * math.log(w)

    def still(w: float) -> bool:
        return float(torch.trace(torch.linalg.solve(precision(w), H))) - (len(H) - r) < MOVES

    # from where the regulariser is rounding in every direction to where it rules in every one
    curvature, by_weight = float(torch.linalg.matrix_norm(H, 2)), 2 * s[penalised] ** 2
    if curvature == 0.0:
        raise ValueError("w_reg 'auto' needs data that change with the unknown functions")
    smallest, largest = EXACT * curvature / float(by_weight[0]), curvature / float(by_weight[-1])
    best = _lowest(surprise, smallest, largest)
    if still(best):
        best = _lowest(lambda w: surprise(w) + math.log(w) / 2, smallest, largest)
    return best


def _lowest(f: Callable[[float], float], smallest: float, largest: float) -> float:
    """The weight of the least f, by all weights `A_DECADE` a decade and Brent's method about it."""
    count = math.ceil(A_DECADE * math.log10(largest / smallest)) + 1
    logarithms = np.linspace(math.log(smallest), math.log(largest), count)
    k = int(np.argmin([f(math.exp(x)) for x in logarithms]))
    around = float(logarithms[max(k - 1, 0)]), float(logarithms[min(k + 1, count - 1)])
    found = minimize_scalar(
        lambda x: f(math.exp(x)), bounds=around, method="bounded", options={"xatol": 0.01}
    )
    return math.exp(found.x)


def same(one: float, other: float) -> bool:
    """Whether two weights are one."""
    return abs(math.log(one / other)) < SAME
