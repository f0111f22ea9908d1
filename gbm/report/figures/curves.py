"""Curves: what the fit did step by step, and how well each model scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from gbm.report.figures.style import INK, MUTED, REGION_COLOURS, SERIES, panel

PARAMETER_NAMES = {
    "rD": "rD (diffusivity / start)",
    "rRHO": "rRHO (growth / start)",
    "WT": "threshold WT",
    "TC": "threshold TC",
}
"""Series of a history that are unknowns of order one; all other positive series are losses."""


def losses(history: Mapping[str, Sequence[float]]) -> Figure:
    """Loss histories on a logarithmic axis."""
    known = {*PARAMETER_NAMES, "step"}
    chosen = {name: values for name, values in history.items() if name not in known}
    figure = _series(history, chosen, "Losses", {})
    axes = figure.axes[0]
    if any(np.any(np.asarray(v, float) > 0) for v in chosen.values()):
        axes.set_yscale("log")
    return figure


def unknowns(history: Mapping[str, Sequence[float]]) -> Figure:
    """Histories of the growth factors and of the thresholds."""
    chosen = {name: values for name, values in history.items() if name in PARAMETER_NAMES}
    return _series(history, chosen, "Inferred parameters", PARAMETER_NAMES)


def _series(
    history: Mapping[str, Sequence[float]],
    chosen: Mapping[str, Sequence[float]],
    title: str,
    names: Mapping[str, str],
) -> Figure:
    figure, axes = panel(4.8, 3.6)
    steps = history.get("step")
    for colour, (name, values) in zip(SERIES * 4, chosen.items(), strict=False):
        y = np.array([np.nan if v is None else v for v in values], dtype=float)
        x = (
            np.asarray(steps, float)
            if steps is not None and len(steps) == y.size
            else np.arange(y.size)
        )
        axes.plot(x, y, color=colour, label=names.get(name, name.replace("_", " ")))
    if not chosen:
        axes.text(0.5, 0.5, "not recorded", transform=axes.transAxes, ha="center", color=MUTED)
    else:
        axes.legend(loc="best")
    axes.set(title=title, xlabel="step" if steps is not None else "record")
    return figure


def dice_marks(rows: Sequence[tuple[str, Mapping[str, float | None]]]) -> Figure:
    """DICE of each model, one line a model, WT and TC as two marks.

    Parameters
    ----------
    rows : sequence of (label, {"WT", "TC"})
    """
    figure, axes = panel(4.8, 0.9 + 0.33 * len(rows))
    known = [v for _, dice in rows for v in dice.values() if v is not None]
    place = np.arange(len(rows))[::-1]
    markers = {"WT": "o", "TC": "D"}
    for region, marker in markers.items():
        marks = [(dice.get(region), y) for (_, dice), y in zip(rows, place, strict=True)]
        axes.scatter(
            [np.nan if v is None else v for v, _ in marks], [y for _, y in marks], s=44,
            marker=marker, color=REGION_COLOURS[region], edgecolor=INK, linewidth=0.7,
            label=region, zorder=3,
        )  # fmt: skip
    axes.set_yticks(place, [label for label, _ in rows])
    axes.set_xlim(min([0.6, *(v - 0.03 for v in known)]), 1.0)
    axes.set_ylim(-0.6, len(rows) - 0.4)
    axes.set(title="Overlap with the segmentation", xlabel="Dice similarity coefficient (DICE)")
    axes.tick_params(axis="y", length=0, labelcolor=INK)
    axes.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), ncol=2, borderaxespad=0.1)
    return figure
