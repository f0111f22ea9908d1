"""Unknowns of a thousandth and of fifty side by side, as their author writes them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from bilo.classical.baselines import advection_fit
from bilo.inverse.box import Box
from bilo.inverse.condition import Condition
from bilo.inverse.least_squares import LeastSquares
from bilo.inverse.points import Points
from bilo.inverse.problem import Problem
from bilo.inverse.unknown import Scalar
from bilo.methods._fit import fit
from bilo.methods.bilo import BiLO
from bilo.solvers import advection


class River(Problem):
    """u_t + 0.7 u_x = D u_xx - k u + q s(x), u = 0 at t = 0 and at x = 0, u_x = 0 at x = 1."""

    box = Box(t=(0, 1), x=(0, 1))
    unknowns = (
        Scalar("D", start=5e-3, bounds=(2e-4, 5e-2)),
        Scalar("k", start=1.0, bounds=(0.01, 10.0)),
        Scalar("q", start=20.0, bounds=(1.0, 200.0)),
    )

    def transform(self, N: Any, at: Any) -> Any:
        return N * at["x"] * at["t"]

    def residual(self, u: Any, at: Any) -> Any:
        s = (((at["x"] - 0.4) * (1 / 0.05)) ** 2 * -0.5).exp()
        dispersed = at["D"] * u.d("x", "x")
        return u.d("t") + 0.7 * u.d("x") - dispersed + at["k"] * u - at["q"] * s

    def conditions(self) -> tuple[Condition, ...]:
        t = torch.linspace(0, 1, 41)
        outflow = Points({"t": t, "x": torch.ones_like(t)})
        return (Condition(outflow, lambda u, at: u.d("x")),)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_estimates_are_those_of_least_squares_with_the_solver(seed: int) -> None:
    t, x, values, sigma = advection.observe(0.01, seed)
    data = LeastSquares(Points({"t": t, "x": x}), values, sigma=sigma)
    found = fit(River(), data, BiLO("lm", width=20), seed=seed)
    classical = advection_fit(t, x, values)
    estimate = np.array([found.unknowns[name] for name in ("D", "k", "q")])
    assert np.abs((estimate - classical.z) / classical.spread(sigma)).max() < 0.3
