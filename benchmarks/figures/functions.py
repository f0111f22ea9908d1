"""Inferred functions of one coordinate and the fitted u, method by method (paper, figure 4)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from benchmarks.figures import style
from benchmarks.results.summary import Row, rows
from bilo.inverse.least_squares import LeastSquares
from bilo.problems import get

Result = dict[str, Any]


def draw(results: Sequence[Result]) -> Figure | None:
    """One column a method; for each noise a row with f and a row with u at the data."""
    runs = style.usual(results)
    table = rows(runs)
    methods = list(dict.fromkeys(row.labels["method"] for row in table))
    noises = sorted({row.noise for row in table})
    size = (0.6 + 2.5 * len(methods), 0.6 + 4.0 * len(noises))
    figure = Figure(figsize=size, layout="constrained")
    grid = figure.subplots(2 * len(noises), len(methods), squeeze=False, sharex=True, sharey="row")
    for i, noise in enumerate(noises):
        for j, method in enumerate(methods):
            upper, lower = grid[2 * i][j], grid[2 * i + 1][j]
            here = [r for r in table if r.noise == noise and r.labels["method"] == method]
            _inferred(upper, here)
            _fitted(lower, here)
            upper.set_title(method + (f", noise {noise:g}" if noise else ", no noise"), fontsize=9)
        (name,) = runs[0]["unknowns"]
        grid[2 * i][0].set_ylabel(f"{name}(x)")
        grid[2 * i + 1][0].set_ylabel("u at the data")
    for axes in grid[-1]:
        axes.set_xlabel("x")
    common = [
        Line2D([], [], color="k", ls=":", lw=1, label="truth"),
        Line2D([], [], color="#999999", ls="--", lw=1, label="start"),
        Line2D([], [], color="#bbbbbb", marker=".", ls="", label="data of the first seed"),
    ]
    # the settings of a method are told in its own panel
    figure.legend(handles=common, loc="outside lower center", ncols=3, fontsize=8, frameon=False)
    return figure


def _inferred(axes: Axes, table: Sequence[Row]) -> None:
    """All seeds of all settings; the same colour for the seeds of one."""
    for k, row in enumerate(table):
        for run in row.runs:
            (unknown,) = run["unknowns"].values()
            x = np.linspace(0, 1, unknown["nodes"])
            label = _option(row) if run is row.runs[0] else None
            colour = style.tint(row.labels["method"], k, len(table))
            axes.plot(x, unknown["estimate"], color=colour, lw=1, label=label)
    for row in table[:1]:
        (unknown,) = row.runs[0]["unknowns"].values()
        x = np.linspace(0, 1, unknown["nodes"])
        axes.plot(x, unknown["truth"], "k:", lw=1)
        axes.plot(x, unknown["start"], "--", color="#999999", lw=1)
        axes.legend(fontsize=6, frameon=False, loc="lower center")


def _fitted(axes: Axes, table: Sequence[Row]) -> None:
    """The represented u of the first seed that holds it, and its data."""
    for k, row in enumerate(table):
        first = style.with_field(row.runs)
        if first is None:
            continue
        problem = get(first["experiment"])
        if not axes.lines:
            data = problem.observe(problem.truth(first["seed"]), first["noise"], first["seed"])
            assert isinstance(data, LeastSquares)
            axes.plot(data.points.coordinates["x"], data.values, ".", color="#bbbbbb", ms=3)
        coordinates = problem.collocation(None, torch.Generator()).coordinates
        last = coordinates.get("t", torch.ones(len(first["u"]))) == 1
        colour = style.tint(row.labels["method"], k, len(table))
        axes.plot(coordinates["x"][last], np.array(first["u"])[last], color=colour, lw=1)


def _option(row: Row) -> str:
    """The title without the method, and the recipe."""
    words = row.title(recipe=True).split(" ")[1:]
    return " ".join(words) or "-"
