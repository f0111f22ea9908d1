"""Distributions over the patients of a cohort."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gbm.report.figures.style import GRID, INK, REGION_COLOURS, SERIES

PANEL_NAMES = {"WT": "whole tumour", "TC": "core"}
Values = Sequence[float | None]


def overlaps(scores: Mapping[str, Mapping[str, Values]]) -> Figure:
    """DICE of every model on every patient, one panel a region; a line joins a patient's marks.

    Parameters
    ----------
    scores : mapping
        Region to model name to one value a patient, in the same order.
    """
    figure = Figure(figsize=(9.6, 3.7), layout="constrained")
    for axes, (region, models) in zip(figure.subplots(1, 2), scores.items(), strict=True):
        table = np.array([_known(values) for values in models.values()])
        place = [float(n) for n in range(len(models))]
        axes.plot(place, table, color=GRID, lw=0.9, zorder=1)
        for x, values in zip(place, table, strict=True):
            _strip(axes, x, values, REGION_COLOURS[region])
        axes.set_xticks(place, list(models))
        axes.set(title=f"DICE, {PANEL_NAMES[region]}", xlim=(-0.5, len(models) - 0.5))
        axes.grid(False, axis="x")
    return figure


def parameter_strips(columns: Mapping[str, Values]) -> Figure:
    """One strip of marks for each quantity, with its own axis.

    Parameters
    ----------
    columns : mapping
        Label with unit to one value a patient.
    """
    figure = Figure(figsize=(9.6, 2.9), layout="constrained")
    for axes, (label, values) in zip(
        figure.subplots(1, len(columns)), columns.items(), strict=True
    ):
        _strip(axes, 0.0, _known(values), SERIES[0])
        axes.set(title=label, xticks=[], xlim=(-0.5, 0.5))
        axes.set_ylim(bottom=0)
    return figure


def _strip(axes: Axes, x: float, values: np.ndarray, colour: str) -> None:
    """Marks side by side in the order of the patients, the quartiles and the median."""
    known = values[np.isfinite(values)]
    if not known.size:
        return
    low, middle, high = np.percentile(known, [25, 50, 75])
    axes.bar(x, high - low, bottom=low, width=0.5, color=colour, alpha=0.18, lw=0)
    axes.hlines(middle, x - 0.25, x + 0.25, color=INK, lw=1.6)
    beside = np.linspace(-0.12, 0.12, known.size) if known.size > 1 else np.zeros(1)
    axes.scatter(x + beside, known, s=22, color=colour, edgecolor=INK, linewidth=0.5, zorder=3)


def _known(values: Values) -> np.ndarray:
    return np.array([np.nan if v is None else v for v in values], dtype=float)
