"""Linear inverse problems in closed form, float64: Tikhonov's regularisation, or truncation.

    min  mean (K f - d)^2 + w_reg int f'^2

Without a weight, the truncated singular value decomposition of K,

    f = sum_(s_i > c s_1) (u_i . d) / s_i  v_i,      c = eps^(2/3) = 3.7e-11,

which is for data without noise: errors of rounding, eps, come back as at most eps / c = 6e-6, and
what is left out is worth less than c in the data. Bounds of f are not asked for.

Reference: Engl, Hanke and Neubauer 1996, Regularization of Inverse Problems, sections 4.1, 5.1.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from bilo.classical.nodal_search import answer, judged
from bilo.inverse.nodal import Nodal
from bilo.inverse.objective import Objective
from bilo.methods._nodal_method import NodalMethod
from bilo.solvers import heat
from bilo.training.checks import Check
from bilo.training.solution import Solution

SMALLEST = float(np.finfo(float).eps ** (2 / 3))
"""c."""


@dataclass(frozen=True)
class Tikhonov(NodalMethod):
    """The closed form of a linear inverse problem; without a weight the truncated one."""

    name: ClassVar[str] = "tikhonov"

    def _solved(self, nodal: Nodal, data: Objective) -> Solution:
        if nodal.matrix is None:
            raise ValueError(f"the data are not linear in {nodal.unknown.name}: take adjoint")
        began = time.perf_counter()
        K, free = nodal.matrix, nodal.high > nodal.low
        U, values, V = np.linalg.svd(K[:, free], full_matrices=False)
        numbers: dict[str, Any] = {"singular_values": values.tolist()}
        if self.w_reg:
            f = heat.tikhonov(K, nodal.data, self.w_reg)
        else:
            kept = values > SMALLEST * values[0]
            numbers["kept"] = int(kept.sum())
            f = nodal.low.copy()
            f[free] = V[kept].T @ (U[:, kept].T @ nodal.data / values[kept])
        checks = [Check("optimum", True, "in closed form"), *judged(nodal, data, f, self.w_reg)]
        return answer("tikhonov", nodal, f, time.perf_counter() - began, numbers, checks)
