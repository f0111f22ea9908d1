"""Functions that a neural operator is trained on, beside the truth (paper, figure 14)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from matplotlib.figure import Figure

from benchmarks.figures import style
from bilo.inverse.points import Points
from bilo.problems import get

SHOWN = 12
"""Functions of each kind."""


def draw(results: Sequence[dict[str, Any]]) -> Figure | None:
    """One panel a kind of samples; none where the problem declares no such functions."""
    (k, *_) = get(results[0]["experiment"]).functions
    if k.sampled is None:
        return None
    kinds = list(k.sampled.choices)
    figure = Figure(figsize=(0.6 + 2.4 * len(kinds), 2.8), layout="constrained")
    x = torch.linspace(0, 1, 201, dtype=torch.float64)
    line = Points({"x": x})
    panels = figure.subplots(1, len(kinds), squeeze=False, sharey=True)[0]
    for axes, kind in zip(panels, kinds, strict=True):
        for f in k.sampled.draw(kind, SHOWN, (0, 0)):
            axes.plot(x, f(line), color=style.COLOURS["deeponet"], lw=0.7, alpha=0.7)
        axes.plot(x, k.truth(line), "k:", lw=1.2)
        axes.set(title=kind, xlabel="x")
    panels[0].set_ylabel(f"{k.name}(x)")
    panels[0].plot([], [], color=style.COLOURS["deeponet"], lw=0.7, label="training functions")
    panels[0].plot([], [], "k:", lw=1.2, label="truth")
    style.legend(figure)
    return figure
