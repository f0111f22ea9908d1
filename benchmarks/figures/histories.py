"""Unknowns over the steps (paper, figures 8 and 9)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.figures import style
from benchmarks.results.summary import rows, titles


def draw(results: Sequence[dict[str, Any]]) -> Figure | None:
    """One line a run, one column a noise, one row an unknown, with truth and direct fit."""
    runs = style.compared(results)
    if not runs:
        return None
    figure, grid = panels(runs, {name: name for name in runs[0]["unknowns"]})
    for (name, noise), axes in grid.items():
        here = [run for run in runs if run["noise"] == noise]
        axes.axhline(here[0]["unknowns"][name]["truth"], color="k", lw=0.8, ls=":")
        for fit in {run["reference_fit"]["unknowns"][name] for run in here}:
            axes.axhline(fit, color=style.COLOURS["direct_fit"], lw=0.5, alpha=0.6)
    figure.axes[0].plot([], [], color="k", lw=0.8, ls=":", label="truth")
    figure.axes[0].plot([], [], color=style.COLOURS["direct_fit"], lw=0.5, label="direct fits")
    style.legend(figure)
    return figure


def panels(
    runs: Sequence[dict[str, Any]], quantities: dict[str, str]
) -> tuple[Figure, dict[tuple[str, float], Axes]]:
    """Recorded quantities by name, with their titles; axes by name and noise."""
    named = list(zip(titles(rows(runs)), rows(runs), strict=True))
    colours = style.tints([(row.labels["method"], title) for title, row in named])
    noises = sorted({run["noise"] for run in runs})
    size = (max(5.0, 1.2 + 2.6 * len(noises)), 0.8 + 1.8 * len(quantities))
    figure = Figure(figsize=size, layout="constrained")
    grid = figure.subplots(len(quantities), len(noises), squeeze=False, sharex=True, sharey="row")
    found = {}
    for line, (name, title) in zip(grid, quantities.items(), strict=True):
        line[0].set_ylabel(title)
        for axes, noise in zip(line, noises, strict=True):
            found[name, noise] = axes
            for label, row in named:
                for run in row.runs if row.noise == noise else ():
                    steps, values = style.history(run, name)
                    axes.plot(steps, values, color=colours[label], alpha=0.75, lw=1)
    for axes, noise in zip(grid[0], noises, strict=True):
        axes.set_title("no noise" if noise == 0 else f"noise {noise:g}", fontsize=10)
    for axes in grid[-1]:
        axes.set_xlabel("step")
    for label, colour in colours.items():
        figure.axes[0].plot([], [], color=colour, label=label)
    return figure, found
