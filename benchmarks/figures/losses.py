"""Losses over the steps (paper, figures 8 and 9)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.figure import Figure

from benchmarks.figures import histories, style

QUANTITIES = {
    "residual": "L_res",
    "residual_gradient": "L_rgrad",
    "objective": "L_dat",
    "regulariser": "R",
}


def draw(results: Sequence[dict[str, Any]]) -> Figure | None:
    """One line a run, one column a noise, one row a loss."""
    runs = style.compared(results)
    if not runs:
        return None
    recorded = {name for run in runs for name in run["history"]}
    shown = {name: title for name, title in QUANTITIES.items() if name in recorded}
    figure, grid = histories.panels(runs, shown)
    for (name, _), axes in grid.items():
        # a likelihood has no logarithm
        if all((style.history(run, name)[1] > 0).all() for run in runs):
            axes.set_yscale("log")
    style.legend(figure)
    return figure
