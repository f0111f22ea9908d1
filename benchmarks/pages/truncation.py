"""What a cut sine series loses of the heat equation's truth: the limit of any inversion.

The sine mode k of f arrives at t = 1 with the factor exp(-0.01 (k pi)^2). What an answer can
resolve is told by how many modes it has; the truth, a hat, has odd ones only.
"""

from __future__ import annotations

import math

import numpy as np
import torch

from benchmarks.results.summary import short
from benchmarks.runs.function_errors import JUDGED
from bilo.inverse.least_squares import LeastSquares
from bilo.inverse.points import Points
from bilo.problems import get
from bilo.solvers import heat

MODES = (3, 4, 5, 6)
"""Odd sine modes that are kept."""


def rows() -> list[dict[str, str]]:
    """One row a number of modes: the truth cut there, and the classical inversion cut there.

    The inversion is that of the data without noise, in float64 and closed form: the error of the
    numerical solution and of rounding, divided by the factor of the last mode, is all it adds.
    """
    problem = get("heat")
    nodes = torch.linspace(0, 1, JUDGED[0], dtype=torch.float64)
    truth = problem.truth()["f"](Points({"x": nodes})).numpy()
    data = problem.observe(problem.truth(), 0.0, 0)
    assert isinstance(data, LeastSquares)
    x = data.points.coordinates["x"].numpy()
    found = []
    for n in MODES:
        last = 2 * n - 1
        largest, mean_square = heat.truncation_error(truth, n)
        b = heat.truncated(data.values.numpy(), 1.0, x, last)
        error = heat.sine_series(b, nodes.numpy()) - truth
        found.append(
            {
                "odd sine modes": str(n),
                "last arrives with": short(math.exp(-heat.DIFFUSIVITY * (last * math.pi) ** 2)),
                "truth cut, max. error": short(largest),
                "truth cut, mean square error": short(mean_square),
                "float64 inversion, max. error": short(float(np.abs(error).max())),
                "float64 inversion, mean square error": short(float((error**2).mean())),
            }
        )
    return found
