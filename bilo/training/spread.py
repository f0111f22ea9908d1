"""What a posterior says of the unknowns by name: covariance, intervals, samples."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from bilo.inverse.function import Function
from bilo.inverse.unknown import Scalar
from bilo.training.linearised import Posterior
from bilo.training.prediction import sampled


def covariance(posterior: Posterior) -> Tensor:
    """Of the scalars (m, m), in their own units.

    The variance of one that the data do not see is infinite, its covariances NaN.
    """
    rows = _by_params_of_scalars(posterior)
    F, lost = posterior.along(rows), posterior.sd(rows).isinf()
    found = F.t() @ torch.nan_to_num(posterior.covariance, posinf=0.0) @ F
    found[lost], found[:, lost] = math.nan, math.nan
    found.diagonal()[lost] = math.inf
    return found


def intervals(posterior: Posterior, level: float) -> dict[str, tuple[float, float]]:
    """Of the scalars by name, central in the optimiser's coordinates."""
    numbers = posterior.problem.numbers(posterior.params)
    sd = posterior.sd(_by_params_of_scalars(posterior)).tolist()
    reach, found = posterior.quantile(level), {}
    for k, s in zip(posterior.problem.scalars, sd, strict=True):
        value = numbers[k.name]
        code, half = k.to_params(value), reach * s / k.slope(value)
        found[k.name] = (k.anywhere(code - half), k.anywhere(code + half))
    return found


def samples(posterior: Posterior, n: int, seed: int) -> dict[str, Any]:
    """Scalars (n,); functions as one callable, points -> (n, N)."""
    problem, params = posterior.problem, posterior.params
    changes = posterior.draw(n, seed).split([k.size for k in problem.unknowns], 1)
    found: dict[str, Any] = {}
    for k, own, d in zip(problem.unknowns, problem.split(params), changes, strict=True):
        if isinstance(k, Function):
            found[k.name] = sampled(k, own, d)
        elif isinstance(k, Scalar):
            values = [k.anywhere(code) for code in (own + d[:, 0]).tolist()]
            found[k.name] = torch.tensor(values, dtype=torch.float64)
    return found


def _by_params_of_scalars(posterior: Posterior) -> Tensor:
    """Derivatives (size, m) of the scalars' values by all params."""
    problem, numbers = posterior.problem, posterior.problem.numbers(posterior.params)
    if not problem.scalars:
        raise ValueError(f"{problem.name} has no unknown scalars: bands are those of functions")
    columns = []
    for j, k in enumerate(problem.unknowns):
        if isinstance(k, Scalar):
            parts = [torch.zeros(other.size, dtype=torch.float64) for other in problem.unknowns]
            parts[j][0] = k.slope(numbers[k.name])
            columns.append(torch.cat(parts))
    return torch.stack(columns, 1)
