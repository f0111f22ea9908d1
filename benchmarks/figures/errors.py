"""Errors over the noise, by method (paper, figure 2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from benchmarks.figures import style
from benchmarks.results.summary import rows, titles

TITLES = {"(L_dat - s2)/s2": "|L_dat - σ²| / σ²"}


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
    noises = sorted({row.noise for row in table})
    figure = Figure(figsize=(3.1 * len(columns), 3.4), layout="constrained")
    grid = figure.subplots(1, len(columns), squeeze=False)[0]
    for axes, column in zip(grid, columns, strict=True):
        for k, (title, colour) in enumerate(colours.items()):
            points = [
                (noises.index(row.noise), row.numbers[column].mean, row.numbers[column].sd)
                for other, row in named
                if other == title
            ]
            # a logarithmic axis has no place for zero
            drawn = [(place, abs(mean), sd or 0.0) for place, mean, sd in points if mean]
            if not drawn:
                continue
            x, y, sd = np.array(drawn).T
            aside = 0.3 * ((k + 0.5) / len(colours) - 0.5)
            bars = np.minimum(sd, 0.9 * y), sd
            axes.errorbar(x + aside, y, bars, **_mark(k), capsize=2, color=colour)
        axes.set(yscale="log", xlabel="noise", title=TITLES.get(column, column))
        axes.set_xlim(-0.5, len(noises) - 0.5)
        axes.set_xticks(range(len(noises)), [f"{noise:g}" for noise in noises])
    for k, (title, colour) in enumerate(colours.items()):
        figure.axes[0].plot([], [], **_mark(k), color=colour, label=title)
    style.legend(figure)
    return figure


def _mark(k: int) -> dict[str, Any]:
    return {"marker": style.MARKERS[k % len(style.MARKERS)], "ms": 4, "lw": 1}
