"""The pretrained operator of Fisher-KPP around the start, against the solver (paper, figure 11)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from matplotlib.figure import Figure

from benchmarks.figures import style
from bilo.inverse.points import Points
from bilo.methods._fit import fit
from bilo.methods.bilo import BiLO
from bilo.problems import get
from bilo.solvers.fisher_kpp import at_time_one
from bilo.training.solution import evaluate

PRETRAINED = BiLO(pretrain_steps=200, finetune_steps=0)
AWAY = 0.2
"""d in (D0 +- d, rho0 +- d) [o]."""


def draw(results: Sequence[dict[str, Any]]) -> Figure:
    """u(x, 1) and its error at the start and at the four corners around it."""
    problem = get("fisher_kpp")
    start = problem.start()
    network = fit(problem, problem.observe(start, 0.0, 0), PRETRAINED, device="cpu").network
    assert network is not None
    x = torch.linspace(0, 1, 101, dtype=torch.float64)
    final = Points({"t": torch.ones_like(x), "x": x})
    figure = Figure(figsize=(8.0, 3.4), layout="constrained")
    left, right = figure.subplots(1, 2)
    for k, (a, b) in enumerate(((0, 0), (1, 1), (1, -1), (-1, 1), (-1, -1))):
        theta = {"D": start["D"] + a * AWAY, "rho": start["rho"] + b * AWAY}
        exact = at_time_one(theta["D"], theta["rho"], x.numpy())[0]
        found = evaluate(network, final, problem.to_params(theta)).double().numpy()
        label = ", ".join(f"{name} {value:g}" for name, value in theta.items())
        left.plot(x, exact, color=f"C{k}", lw=1, label=label)
        left.plot(x[::5], found[::5], "o", color=f"C{k}", ms=2.5)
        right.plot(x, abs(found - exact), color=f"C{k}", lw=1)
    left.set(xlabel="x", title="u(x, 1): solver (lines), network (dots)")
    right.set(xlabel="x", title="|network - solver|", yscale="log", ylim=(1e-7, None))
    style.legend(figure)
    return figure
