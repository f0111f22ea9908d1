"""Tests of a fit against its data and bounds: noise, structure of the residuals, what is seen."""

from __future__ import annotations

import math

import torch
from scipy.stats import chi2
from torch import Tensor

from bilo.inverse.least_squares import LeastSquares
from bilo.inverse.objective import Objective
from bilo.inverse.problem import Problem
from bilo.training.checks import Check

UNLIKELY = 1e-4
"""Probability of a larger misfit, by the noise alone, below which the noise is no explanation."""
ON_BOUND = 1e-3
"""Part of the admissible range that counts as its edge."""
STRUCTURED = 4.0
"""Standard errors by which neighbouring residuals are more alike than noise is."""
COARSE = 0.02
"""Part of the data's variance that a misfit leaves, below which its structure means nothing: an
error of the network, or of the numerical solution, has a structure too."""


def noise(data: Objective, u: Tensor, parameters: int) -> Check:
    """chi^2 of the data against their number, where the noise is known."""
    if not isinstance(data, LeastSquares):
        return Check("noise", None, "the objective is no least squares: its level was not tested")
    found = data.chi_squared(u)
    if found is None:
        return Check("noise", None, "no sigma was given: the level of the misfit was not tested")
    n = data.count
    limit = float(chi2.isf(UNLIKELY, max(n - parameters, 1)))
    words = f"the misfit is {found / n:.3g} times the noise's ({n} data, limit {limit / n:.3g})"
    return Check("noise", found <= limit, words)


def structure(data: Objective, u: Tensor) -> Check:
    """Whether neighbouring residuals are alike, where they are large (Moran's I, one neighbour).

    I = sum_n e_n e_nn(n) / sum_n e_n^2,        of noise: 0 +- sqrt(1.5 / N) at most
    """
    name = "structure"
    if not isinstance(data, LeastSquares) or data.functional is not None:
        return Check(name, None, "residuals have no places: their structure was not tested")
    points, e = data.points, (u - data.values).view(len(data.points), -1)
    values = data.values.view(len(data.points), -1)
    spread = float(((values - values.mean(0)) ** 2).sum())
    part, n = float((e**2).sum()) / max(spread, 1e-300), len(points)
    if n < 8 or part < COARSE:
        words = f"the misfit leaves {100 * part:.2g} % of the data's variance"
        return Check(name, True, words)
    rows = torch.stack([_unit(x) for x in points.coordinates.values()], -1)
    apart = torch.cdist(rows, rows)
    apart.fill_diagonal_(math.inf)
    alike = float((e * e[apart.argmin(1)]).sum() / (e**2).sum())
    score = alike / (1.5 / n) ** 0.5
    words = (
        f"the misfit leaves {100 * part:.2g} % of the data's variance, and neighbouring residuals "
        f"are alike ({score:.1f} standard errors)"
    )
    return Check(name, score < STRUCTURED, words)


def _unit(x: Tensor) -> Tensor:
    x = x.double()
    return (x - x.min()) / max(float(x.max() - x.min()), 1e-300)


def seen(names: list[str], sd: Tensor | None) -> Check:
    """Whether the data say anything of every unknown scalar."""
    if sd is None:
        return Check("seen", None, "no spread: there are no more data than unknowns")
    unseen = [name for name, s in zip(names, sd.tolist(), strict=True) if not math.isfinite(s)]
    if unseen:
        return Check("seen", False, f"the data do not see {', '.join(unseen)}: any value will do")
    return Check("seen", True, "the data see every unknown")


def bounds(problem: Problem, codes: Tensor) -> Check:
    """Whether an unknown sits on a bound; optimiser coordinates (size,)."""
    found = []
    for k, part in zip(problem.unknowns, problem.split(codes), strict=True):
        low, high = k.code_bounds()
        if (torch.minimum(part - low, high - part) < ON_BOUND * (high - low)).any():
            found.append(f"{k.name} sits on a bound")
    return Check("bounds", not found, "; ".join(found) or "no unknown sits on a bound")
