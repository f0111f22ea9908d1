"""Errors over the noise, by method (paper, figure 2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from benchmarks.figures import style
from benchmarks.summary import rows, titles


def draw(results: Sequence[dict[str, Any]]) -> Figure | None:
    """Relative errors of unknowns, field and data loss at the experiment's own truth."""
    table = rows(style.usual(results))
    columns = [
        c
        for c, spread in table[0].numbers.items()
        if ("rel. error" in c or "vs FDM" in c or "s2" in c)
        and any(row.numbers[c].mean is not None for row in table)
    ]
    named = list(zip(titles(table), table, strict=True))
    colours = style.tints([(row.labels["method"], title) for title, row in named])
    figure = Figure(figsize=(3.1 * len(columns), 3.4), layout="constrained")
    for axes, column in zip(
        figure.subplots(1, len(columns), squeeze=False)[0], columns, strict=True
    ):
        for k, (title, colour) in enumerate(colours.items()):
            points = [
                (row.noise, abs(row.numbers[column].mean or 0.0), row.numbers[column].sd or 0.0)
                for other, row in named
                if other == title
            ]
            drawn = [point for point in points if point[1] > 0]
            if not drawn:
                continue
            x, y, sd = np.array(drawn).T
            lower = np.minimum(sd, 0.9 * y)  # a logarithmic axis has no room below zero
            marker = style.MARKERS[k % len(style.MARKERS)]
            axes.errorbar(x, y, (lower, sd), marker=marker, ms=4, lw=1, capsize=2, color=colour)
        axes.set(yscale="log", xlabel="noise", title=column.replace("s2", "σ²"))
        axes.set_xscale("symlog", linthresh=1e-3)
        axes.set_xticks(sorted({row.noise for row in table}))
        axes.minorticks_off()
    for k, (title, colour) in enumerate(colours.items()):
        marker = style.MARKERS[k % len(style.MARKERS)]
        figure.axes[0].plot([], [], marker=marker, ms=4, lw=1, color=colour, label=title)
    figure.legend(loc="outside lower center", ncols=5, fontsize=8, frameon=False)
    return figure
