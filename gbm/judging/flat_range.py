"""How far the objective itself leaves lambda open."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gbm.results.references import FlatRange


def flat_range(
    lambda_mm: Sequence[float], objective: Sequence[float | None], margin: float
) -> FlatRange | None:
    """Where the objective stays within `margin` of the lowest, between points linear in ln lambda.

    Parameters
    ----------
    lambda_mm : sequence of float
        Ascending.
    objective : sequence of float or None
        At each lambda; None where it is not known.
    margin : float
        Rise of the objective.

    Returns
    -------
    FlatRange or None
        None where the objective is known nowhere.
    """
    y = np.array([np.nan if j is None else j for j in objective], dtype=float)
    x = np.log(np.asarray(lambda_mm, dtype=float))[np.isfinite(y)]
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
    return FlatRange(
        low=float(ends[0]), high=float(ends[2]), open_low=bool(ends[1]), open_high=bool(ends[3])
    )
