"""Particles: the intensity, and errors against the exact estimate by data weight (figure 3)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.figures import style
from benchmarks.results.summary import Row, rows
from bilo.problems.particles import Particles

Result = dict[str, Any]
BINS = 25


def draw(results: Sequence[Result]) -> Figure | None:
    """BiLO as a level, PINNs over their weight; the closed form at what BiLO found."""
    runs = style.compared(results)
    table = rows(runs)
    found = [row for row in table if row.labels["method"] == "bilo"]
    if not found:
        return None
    weighed = [row for row in table if row.labels["method"] == "pinn"]
    columns = ["lambda vs fit", "mu vs fit", "u rel. L2 vs FDM"]
    figure = Figure(figsize=(12.0, 3.3), layout="constrained")
    first, *others = figure.subplots(1, 4)
    _intensity(first, found[0].runs[0])
    for axes, column in zip(others, columns, strict=True):
        _errors(axes, column, found[0], weighed)
    style.legend(figure)
    return figure


def _intensity(axes: Axes, result: Result) -> None:
    problem = Particles()
    truth = {name: row["truth"] for name, row in result["unknowns"].items()}
    data = problem.observation.data(problem, truth, 0.0, result["seed"])
    particles = data.points.coordinates["x"][len(data.weights) :].numpy()
    counts, edges = np.histogram(particles, BINS, (0.0, 1.0))
    density = counts * BINS / data.snapshots
    axes.stairs(density, edges, fill=True, color="#dddddd", label="particles")
    x = torch.linspace(0, 1, 201, dtype=torch.float64)
    estimate = {name: row["estimate"] for name, row in result["unknowns"].items()}
    curves = (("truth", truth, "k", ":"), ("u at BiLO's unknowns", estimate, None, "-"))
    for label, theta, colour, dash in curves:
        numerical = problem.numerical(theta)
        assert numerical is not None
        u = numerical(problem.place({"x": x}))
        axes.plot(x, u, dash, lw=1.2, color=colour or style.COLOURS["bilo"], label=label)
    axes.set(xlabel="x", title=f"intensity, seed {result['seed']}")


def _errors(axes: Axes, column: str, bilo: Row, pinn: Sequence[Row]) -> None:
    drawn = [
        (float(row.labels["w_dat"]), row.numbers[column].mean, row.numbers[column].sd or 0.0)
        for row in pinn
    ]
    if drawn:
        w, y, sd = np.array(drawn, float).T
        axes.errorbar(
            w,
            y,
            (np.minimum(sd, 0.9 * y), sd),
            fmt="s-",
            ms=4,
            lw=1,
            capsize=2,
            color=style.COLOURS["pinn"],
            label="PINN" if "mu" in column else None,
        )
    level = bilo.numbers[column].mean
    if level:
        axes.axhline(level, color=style.COLOURS["bilo"], label="BiLO" if "mu" in column else None)
    axes.set(xscale="log", yscale="log", xlabel="w_dat", title=column)
