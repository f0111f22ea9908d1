"""Derivatives of the field by the params of the unknowns, from those by their values."""

from __future__ import annotations

import torch
from torch import Tensor

from bilo.inverse.coordinate_jets import CoordinateJets
from bilo.inverse.function import Function
from bilo.inverse.points import Points
from bilo.inverse.problem import Problem
from bilo.taylor.streams import VALUE


def by_params(problem: Problem, points: Points, params: Tensor, J: Tensor) -> Tensor:
    """Derivative of the field by all params (size, N) from that by the operator's inputs (m, N).

    Of several numbers at a point, those of one point side by side. One that is by all params
    already stays as it is.
    """
    if len(J) == len(params):
        return J
    at, each = CoordinateJets(points.to(params), VALUE), J.shape[1] // len(points)
    parts = zip(problem.unknowns, problem.split(params), J, strict=True)
    return torch.cat(
        [du * k.input_by_params(part, at).repeat_interleave(each, 1) if isinstance(k, Function)
         else du * k.input_by_params(part, at) for k, part, du in parts]
    )  # fmt: skip
