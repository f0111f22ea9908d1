"""How the approximate gradient becomes the exact one as the lower level is solved."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from benchmarks.experiments.theory import SCALARS
from benchmarks.figures import style

PANELS = {
    "1 - cosine": lambda stage, of: 1 - stage[f"cosine{of}"],
    "|norm ratio - 1|": lambda stage, of: abs(stage[f"norm_ratio{of}"] - 1),
    "error of du/dtheta": lambda stage, of: stage["sensitivity_rel_error"],
}


def draw(results: Sequence[dict[str, Any]]) -> Figure:
    """Angle, ratio and sensitivities over the lower loss, which falls to the right."""
    figure = Figure(figsize=(10.0, 3.4), layout="constrained")
    for axes, (title, value) in zip(figure.subplots(1, 3), PANELS.items(), strict=True):
        for k, problem in enumerate(SCALARS):
            loss = np.array([stage["lower_loss"] for stage in results[0][problem]])
            for of, dash in (("", "o-"), ("_solver", "x:")):
                y = np.array([value(stage, of) for stage in results[0][problem]])
                drawn = y > 0  # one unknown has no angle
                if of and "du" in title:
                    continue
                axes.plot(loss[drawn], y[drawn], dash, ms=4, lw=1, color=f"C{k}")
        axes.set(title=title, xlabel="lower loss L_LO", xscale="log", yscale="log")
        axes.invert_xaxis()
    for k, problem in enumerate(SCALARS):
        figure.axes[0].plot([], [], color=f"C{k}", label=problem)
    for label, dash in (("implicit hypergradient", "o-"), ("gradient of the solver", "x:")):
        figure.axes[0].plot([], [], dash, ms=4, lw=1, color="k", label=label)
    style.legend(figure)
    return figure
