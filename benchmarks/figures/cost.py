"""Seconds and memory of a step, by kind (paper, table 6)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

KINDS = {
    "engine": "",
    "nested": "nested_",
    "nested,\neconomical": "nested_economical_",
    "PINN": "pinn_",
}
WHAT = {"seconds_per_step": "seconds a step", "peak_memory_mb": "memory, MB"}


def draw(results: Sequence[dict[str, Any]]) -> Figure:
    """One group of bars a kind, one bar a problem."""
    engine = max(results, key=lambda r: r["profile"] == "full")["engine"]
    figure = Figure(figsize=(8.0, 3.0), layout="constrained")
    for axes, (what, title) in zip(figure.subplots(1, 2), WHAT.items(), strict=True):
        width = 0.8 / len(engine)
        for k, (problem, measured) in enumerate(engine.items()):
            values = [measured[key + what] for key in KINDS.values()]
            axes.bar(np.arange(len(KINDS)) + k * width, values, width, label=problem)
        axes.set_xticks(np.arange(len(KINDS)) + 0.4 - width / 2, list(KINDS), fontsize=8)
        axes.set_title(title)
    figure.axes[0].legend(fontsize=7)
    return figure
