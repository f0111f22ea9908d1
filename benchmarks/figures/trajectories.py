"""Noise-free trajectories of the unknowns of Fisher-KPP (paper, figure 10)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure

from benchmarks.figures import style
from benchmarks.results.summary import rows
from bilo.classical.search import classical
from bilo.inverse.objective import SeparableObjective
from bilo.inverse.problem import Problem
from bilo.problems import get
from bilo.solvers.fisher_kpp import at_time_one
from bilo.training.recipes import RECIPES

Result = dict[str, Any]

UPPER_STEPS = RECIPES["fast"].budget.finetune_steps
MISFIT_POINTS = 65
"""Of the solver's misfit along each unknown."""


def draw(results: Sequence[Result]) -> Figure | None:
    """One line a seed and the path of an exact lower level, on log10 L_dat of the solver."""
    trained = [r for r in style.usual(results) if r["history"].get("step")]
    runs = [r for r in trained if r["method"] == "bilo" and r["noise"] == 0]
    if not runs:
        return None
    problem = get(runs[0]["experiment"])
    truth = {name: row["truth"] for name, row in runs[0]["unknowns"].items()}
    figure = Figure(figsize=(5.2, 4.2), layout="constrained")
    axes = figure.subplots()
    D, rho, loss = _misfit(truth)
    levels = np.arange(-6, -0.9, 0.5)
    drawn = np.log10(loss).clip(levels[0], levels[-1])
    shade = axes.contourf(D, rho, drawn, levels, cmap="Greys")
    figure.colorbar(shade, ax=axes, label="log10 L_dat")
    exact = _exact_path(problem, problem.observe(truth, 0.0, 0))
    axes.plot(*exact.T, lw=2.5, color="#e8b923", label="lower level solved exactly")
    table = rows(runs)
    for k, row in enumerate(table):
        colour = style.tint("bilo", k, len(table))
        for run in row.runs:
            path = [style.history(run, name)[1] for name in ("D", "rho")]
            whole = np.column_stack([list(problem.start().values()), path])
            axes.plot(*whole, lw=1, color=colour)
        label = f"{row.title(recipe=True)}, {len(row.runs)} seeds"
        axes.plot([], [], lw=1, color=colour, label=label)
    axes.plot(*problem.start().values(), "o", color="k", ms=4, label="start")
    axes.plot(*truth.values(), "x", color="red", label="truth")
    axes.set(xlabel="D", ylabel="rho")
    axes.legend(fontsize=7)
    return figure


def _misfit(truth: dict[str, float]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """L_dat of the solver over (D, rho), with the data points of the experiment."""
    x = np.linspace(0.0, 1.0, 11)
    axes = (np.linspace(low, high, MISFIT_POINTS) for low, high in ((0.5, 4.5), (0.8, 2.8)))
    D, rho = np.meshgrid(*axes)
    u = at_time_one(D.ravel(), rho.ravel(), x, nodes=24, steps=80)
    data = at_time_one(truth["D"], truth["rho"], x)
    return D, rho, ((u - data) ** 2).mean(-1).reshape(D.shape)


def _exact_path(problem: Problem, data: SeparableObjective) -> np.ndarray:
    """What the upper level's own steps do with the solver's field and sensitivities."""
    predict = classical(problem, data)
    params = problem.to_params(problem.start())
    path = [list(problem.start().values())]
    for _ in range(UPPER_STEPS):
        u, J = (torch.from_numpy(a) for a in predict(np.array(path[-1])))
        params, _ = data.step(u, J.t(), params, data.start, 0.0)
        path.append(list(problem.from_params(params).values()))
    return np.array(path)
