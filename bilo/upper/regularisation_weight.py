"""The weight of a regulariser from the data themselves, by the linearised problem at a place.

    c(w) = argmin |W^(1/2) (e + T c)|^2 / n + w (R + R' c + c R'' c / 2),
    A(w) = T (T^T W T / n + w R'' / 2)^-1 T^T W / n,      p = tr A

Robust generalised cross-validation: the least |e + T c|^2 / (1 - p / n)^2 (0.3 + 0.7 tr A^2 / n).
Without the last factor it fits the noise once in ten times. The noise is not asked for: with 50
data its own mean square is known to a fifth, and the discrepancy principle, which compares the
misfit with it, was up to 2.7 times as far off (poisson, five seeds: errors of D .030, .107, .094,
.068, .074 where this rule has .035, .040, .082, .044, .067).

References: Golub, Heath and Wahba 1979, Technometrics 21; Lukas 2006, Inverse Problems 22.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from bilo.inverse.directions import Directions
from bilo.inverse.least_squares import LeastSquares
from bilo.inverse.regulariser import regulariser_model
from bilo.upper.directions import CUT, DirectionsLevel, Place

DECADES, A_DECADE = 14, 6
"""Weights that are tried: so many decades below the one that lets nothing move."""
ROBUST = 0.3
"""Part of the score that no influence adds to."""
SAME = 0.2
"""Largest difference of ln w that is none."""


def chosen_weight(level: DirectionsLevel, place: Place) -> float:
    """w by the problem linearised at a place.

    Raises
    ------
    ValueError
        If the objective is no least squares.
    """
    data, problem = level.data, level.network.problem
    if not isinstance(data, LeastSquares):
        raise ValueError(f"w_reg 'auto' needs least squares, not {type(data).__name__}")
    B = Directions.leading(problem, place.params, CUT).B
    g, H = data.model(place.u, place.answer(B)[1])
    g_R, H_R = regulariser_model(problem, place.params, B)
    ridge = 1e-12 * float(torch.trace(H))  # constants and scalars are not penalised
    # of the roughest direction the data see nothing; above this weight nothing moves at all
    largest = float(
        torch.linalg.matrix_norm(H, 2)
        / torch.linalg.matrix_norm(H_R, -2).clamp(min=1e-9 * torch.linalg.matrix_norm(H_R, 2))
    )
    here = float(data.value(place.u, data.start))
    found = []
    for k in range(DECADES * A_DECADE):
        weight = largest * 10 ** (-k / A_DECADE)
        A = H + weight * H_R
        A.diagonal().add_(ridge)
        c = -torch.linalg.solve(A, g + weight * g_R)
        misfit = here + float(g @ c + c @ H @ c / 2)
        influence = torch.linalg.solve(A, H)
        p, squared = float(torch.trace(influence)), float(torch.trace(influence @ influence))
        found.append(_Trial(weight, misfit, p, squared))
    return _chosen(data, found)


@dataclass(frozen=True)
class _Trial:
    """A weight, the misfit it leaves, tr A and tr A^2."""

    weight: float
    misfit: float
    p: float
    squared: float


def _chosen(data: LeastSquares, found: list[_Trial]) -> float:
    n = len(data.values)

    def score(t: _Trial) -> float:
        validation = t.misfit / max(1 - t.p / n, 1e-6) ** 2
        return validation * (ROBUST + (1 - ROBUST) * t.squared / n)

    return min(found, key=score).weight


def same(one: float, other: float) -> bool:
    """Whether two weights are one."""
    return abs(math.log(one / other)) < SAME
