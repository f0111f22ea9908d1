"""Burgers: f, u(x, t) and u(x, 1) for start, truth and inferred f (paper, figures 5 and 17)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.figures import style
from benchmarks.results.summary import Row, rows
from bilo.problems import get

Result = dict[str, Any]


def draw(results: Sequence[Result]) -> Figure | None:
    """One row a truth: f, u(x, t) of the solver at start and truth and of BiLO, u(x, 1)."""
    table = rows(results)
    own = [row for row in table if row.labels["method"] == "bilo"]
    shown = [row for row in own if style.with_field(row.runs)]
    if not shown:
        return None
    truths = list(dict.fromkeys(row.labels["truth"] for row in shown))
    figure = Figure(figsize=(14.0, 0.6 + 2.7 * len(truths)), layout="constrained")
    grid = figure.subplots(len(truths), 5, squeeze=False)
    for line, truth in zip(grid, truths, strict=True):
        here = [row for row in table if row.labels["truth"] == truth]
        (best, *_) = filter(None, (style.with_field(row.runs) for row in shown if row in here))
        fields = {**_solved(best), "BiLO": np.array(best["u"])}
        _initial(line[0], here, truth)
        for axes, (label, u) in zip(line[1:4], fields.items(), strict=True):
            _map(axes, u, f"u(x, t), {label}")
        _final(line[4], here, fields)
    for axes in grid[-1]:
        axes.set_xlabel("x")
    for label, colour, dash in (("truth", "k", ":"), ("start", "#999999", "--")):
        figure.axes[0].plot([], [], dash, color=colour, lw=1, label=label)
    for method in dict.fromkeys(row.labels["method"] for row in table):
        figure.axes[0].plot([], [], color=style.COLOURS[method], lw=1, label=method)
    style.legend(figure)
    return figure


def _solved(result: Result) -> dict[str, np.ndarray]:
    """u of the solver at the run's start and truth, on the full set of points."""
    problem = get(result["experiment"])
    (k,) = problem.functions
    points = problem.collocation(None, torch.Generator())
    truth = k.truths[(result["unknowns"][k.name]["example"] or 1) - 1]
    fields = {}
    for label, f in (("start", k.start), ("truth", truth)):
        reference = problem.numerical({k.name: f})
        assert reference is not None
        fields[label] = reference(points).numpy()
    return fields


def _initial(axes: Axes, table: Sequence[Row], truth: str) -> None:
    for row in table:
        for run in row.runs[:1]:
            (unknown,) = run["unknowns"].values()
            x = np.linspace(0, 1, unknown["nodes"])
            axes.plot(x, unknown["estimate"], color=style.COLOURS[row.labels["method"]], lw=1)
    axes.plot(x, unknown["truth"], "k:", lw=1)
    axes.plot(x, unknown["start"], "--", color="#999999", lw=1)
    axes.set(title=f"f(x), {truth}")


def _map(axes: Axes, u: np.ndarray, title: str) -> None:
    n = round(len(u) ** 0.5)
    image = axes.imshow(u.reshape(n, n), origin="lower", extent=(0, 1, 0, 1), aspect="auto")
    axes.figure.colorbar(image, ax=axes)
    axes.set(title=title, ylabel="t")


def _final(axes: Axes, table: Sequence[Row], fields: dict[str, np.ndarray]) -> None:
    for row in table:
        run = style.with_field(row.runs)
        if run is None:
            continue
        u = np.array(run["u"])
        n = round(len(u) ** 0.5)
        x = np.linspace(0, 1, n)
        axes.plot(x, u[-n:], color=style.COLOURS[row.labels["method"]], lw=1)
    axes.plot(x, fields["truth"][-n:], "k:", lw=1)
    axes.plot(x, fields["start"][-n:], "--", color="#999999", lw=1)
    axes.set(title="u(x, 1)")
