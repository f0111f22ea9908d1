"""The range of lambda that a profile of the objective cannot tell apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class FlatRange:
    """The range of lambda that an objective cannot tell apart, mm.

    `open_low` and `open_high` say that the curve ends before the objective rises.
    """

    low: float
    high: float
    open_low: bool
    open_high: bool


def flat_range(curve: Mapping[str, Any] | None, margin: float = 2e-3) -> FlatRange | None:
    """Where the objective stays within `margin` of the lowest, between points linear in ln lambda.

    Parameters
    ----------
    curve : mapping or None
        `lambda_mm`, ascending, and `objective`.
    margin : float
        Rise of the objective.
    """
    if not curve:
        return None
    y = np.array([np.nan if j is None else j for j in curve["objective"]], dtype=float)
    x = np.log(np.asarray(curve["lambda_mm"], dtype=float))[np.isfinite(y)]
    y = y[np.isfinite(y)]
    if y.size == 0:
        return None
    level, best = y.min() + margin, int(np.argmin(y))
    ends = []
    for step, stop in ((-1, -1), (1, y.size)):
        k = best
        while k + step != stop and y[k + step] <= level:
            k += step
        outside = k + step != stop
        share = (level - y[k]) / (y[k + step] - y[k]) if outside else 0.0
        ends.append(np.exp(x[k] + share * (x[k + step] - x[k])) if outside else np.exp(x[k]))
        ends.append(not outside)
    return FlatRange(float(ends[0]), float(ends[2]), bool(ends[1]), bool(ends[3]))
