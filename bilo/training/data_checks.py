"""Tests of a fit against its data and bounds: noise, structure of the residuals, what is seen."""

from __future__ import annotations

import math

import torch
from scipy.stats import chi2
from torch import Tensor

from bilo.inverse.cells import CellFunction
from bilo.inverse.least_squares import LeastSquares
from bilo.inverse.objective import Objective
from bilo.inverse.points import Points
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

FEWEST = 8
"""Data with which a misfit has a look."""
FEW, MOST = 0.1, 0.8
"""A tenth of the data with four fifths of the misfit are outliers: the largest tenth of normal
residuals has two fifths, and comes to four once in ten thousand sets of twenty data."""
TINY = 1e-300


def noise(data: Objective, u: Tensor, parameters: int | None) -> Check:
    """chi^2 of the data against their number, where the noise is known.

    `parameters` is the number of unknown scalars; None: there is an unknown function, which may
    follow the noise itself. A misfit that is smaller than the noise explains is then no better an
    answer than a larger one (Morozov's discrepancy principle).
    """
    found = data.chi_squared(u)
    if found is None:
        return Check(
            "noise", None, "the noise is not known: the level of the misfit was not tested"
        )
    chi_squared, n = found
    limit = float(chi2.isf(UNLIKELY, max(n - (parameters or 0), 1)))
    least = float(chi2.ppf(UNLIKELY, n)) if parameters is None else 0.0
    words = f"the misfit is {chi_squared / n:.3g} times the noise's ({n} data"
    if chi_squared < least:
        fitted = "noise was fitted, or sigma is too large"
        return Check("noise", False, f"{words}, at least {least / n:.3g}): {fitted}")
    return Check("noise", chi_squared <= limit, f"{words}, limit {limit / n:.3g})")


def structure(data: Objective, u: Tensor) -> Check:
    """What a large misfit looks like, with noise known or not; one that is small is not looked at.

    Noise leaves a model better than a constant, is not the work of a few data, and is no more alike
    at neighbouring points than elsewhere.
    """
    name = "structure"
    if not isinstance(data, LeastSquares):
        return Check(name, None, "the objective is no least squares: its misfit was not looked at")
    placed = data.functional is None
    columns = len(data.values) // len(data.points) if placed else 1
    weight = torch.ones_like(data.values) if data.weights is None else data.weights
    values = data.values.view(-1, columns)
    root = weight.sqrt().view(-1, columns)
    e = root * (data.combine(u).view(-1, columns) - values)
    mean = (root**2 * values).sum(0) / (root**2).sum(0).clamp(min=TINY)
    spread = float(((root * (values - mean)) ** 2).sum())
    part = float((e**2).sum()) / max(spread, TINY)
    words = f"the misfit leaves {100 * part:.2g} % of the data's variance"
    if len(values) < FEWEST or part < COARSE:
        return Check(name, True, words)
    found = [*_worse_than_a_constant(e, spread), *_outliers(e)]
    if placed:
        found += _alike(data.points, e)
    return Check(name, not found, f"{words}: {'; '.join(found)}" if found else words)


def _worse_than_a_constant(e: Tensor, spread: float) -> list[str]:
    """Residuals e (N, columns); `spread` is the sum of squares about each column's mean.

    For the true solution, whatever its size, the sums of squares differ by less than the noise's
    variance times chi^2 of two degrees of freedom a column.
    """
    squares = float((e**2).sum())
    limit = float(chi2.isf(UNLIKELY, 2 * e.shape[1])) * spread / e.numel()
    return ["a constant explains the data better"] if squares - spread > limit else []


def _outliers(e: Tensor) -> list[str]:
    """Whether a few data make up most of the misfit: they pull at a least-squares fit."""
    squares, _ = (e**2).flatten().sort(descending=True)
    few = int(FEW * len(squares))
    if few < 2 or float(squares[:few].sum() / squares.sum()) < MOST:
        return []
    return [f"{few} of {len(squares)} data make up more than {MOST:.0%} of it"]


def _alike(points: Points, e: Tensor) -> list[str]:
    """Whether neighbouring residuals (N, columns) are alike: Moran's I, one neighbour each.

    I = sum_n e_n e_nn(n) / sum_n e_n^2,        of noise: 0 +- sqrt(1.5 / N) at most
    """
    rows = torch.stack([_unit(x) for x in points.coordinates.values()], -1)
    apart = torch.cdist(rows, rows)
    apart.fill_diagonal_(math.inf)
    alike = float((e * e[apart.argmin(1)]).sum() / (e**2).sum())
    score = alike / (1.5 / len(e)) ** 0.5
    if score < STRUCTURED:
        return []
    return [f"neighbouring residuals are alike ({score:.1f} standard errors)"]


def _unit(x: Tensor) -> Tensor:
    x = x.double()
    return (x - x.min()) / max(float(x.max() - x.min()), TINY)


def seen(names: list[str], sd: Tensor | None) -> Check:
    """Whether the data say anything of every unknown scalar."""
    if sd is None:
        return Check("seen", None, "no spread: there are no more data than unknowns")
    unseen = [name for name, s in zip(names, sd.tolist(), strict=True) if not math.isfinite(s)]
    if unseen:
        return Check("seen", False, f"the data do not see {', '.join(unseen)}: any value will do")
    return Check("seen", True, "the data see every unknown")


def bounds(problem: Problem, params: Tensor) -> Check:
    """Whether an unknown sits on a bound; optimiser coordinates (size,).

    Values of a cellwise function may: of two phases the bounds are the values. Those on a bound are
    told, and are neither right nor wrong.
    """
    found, cells = [], []
    for k, part in zip(problem.unknowns, problem.split(params), strict=True):
        low, high = k.param_bounds()
        if isinstance(k, CellFunction):
            cells += _clipped(k, int((part <= low).sum()), int((part >= high).sum()))
        elif (torch.minimum(part - low, high - part) < ON_BOUND * (high - low)).any():
            found.append(f"{k.name} sits on a bound")
    words = "; ".join([*found, *cells]) or "no unknown sits on a bound"
    return Check("bounds", False if found else None if cells else True, words)


def _clipped(f: CellFunction, low: int, high: int) -> list[str]:
    """Words for the values that lie on a bound, if any do."""
    if not low + high:
        return []
    assert f.cells is not None
    where = f"{low} at {f.cells.low:g}, {high} at {f.cells.high:g}"
    return [
        f"{low + high} of {f.size} values of {f.name} lie on a bound ({where}): right if these are "
        "its values, else the bounds hold it back"
    ]
