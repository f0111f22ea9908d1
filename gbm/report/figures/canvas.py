"""The canvas of a map: the same places for title, map, key and colour bar in every figure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from gbm.domain.domain import Domain
from gbm.domain.plane import edge_names
from gbm.report.figures.style import INK, halo

Window = tuple[float, float, float, float]
"""Left, right, low, high edge in mm of the plane."""

WIDTH, TITLE, STRIP = 3.9, 0.3, 0.72
"""Inches: width of a map, height of its title, height of the strip for key and colour bar."""


def map_panel(window: Window, title: str) -> tuple[Figure, Axes]:
    """A figure whose map fills its width; panels of equal windows have equal size."""
    left, right, low, high = window
    map_height = WIDTH * (high - low) / (right - left)
    height = TITLE + map_height + STRIP
    figure = Figure(figsize=(WIDTH, height))
    axes = figure.add_axes((0.0, STRIP / height, 1.0, map_height / height))
    axes.set(xlim=(left, right), ylim=(low, high), aspect="equal", xticks=[], yticks=[])
    figure.text(0.005, 1 - 0.6 * TITLE / height, title, va="center", size=10.5, color=INK)
    return figure, axes


def frame(axes: Axes, domain: Domain) -> None:
    """Fix the window, name the sides of the patient and add a scale bar."""
    (left, right), (low, high) = axes.get_xlim(), axes.get_ylim()
    axes.grid(False)
    for spine in axes.spines.values():
        spine.set_visible(False)
    (west, east), (south, north) = edge_names(domain)
    places = {(0.025, 0.5): west, (0.975, 0.5): east, (0.5, 0.03): south, (0.5, 0.97): north}
    for (u, v), name in places.items():
        axes.text(
            u, v, name, transform=axes.transAxes, ha="center", va="center", size=10,
            color=INK, weight="bold", path_effects=halo(),
        )  # fmt: skip
    length = 10 if right - left < 100 else 20
    x, y = left + 0.04 * (right - left), low + 0.035 * (high - low)
    axes.plot([x, x + length], [y, y], color=INK, lw=2.2, path_effects=halo(width=4))
    axes.text(
        x + length / 2, y + 0.015 * (high - low), f"{length} mm", ha="center", va="bottom",
        size=8.5, color=INK, path_effects=halo(),
    )  # fmt: skip
    axes.set(xlim=(left, right), ylim=(low, high))


def key(figure: Figure, entries: Sequence[Line2D]) -> None:
    """A key in one row under the map."""
    top = STRIP / figure.get_figheight()
    figure.legend(
        handles=list(entries), loc="upper center", bbox_to_anchor=(0.5, top), ncol=len(entries),
        handlelength=1.7, columnspacing=1.1, handletextpad=0.5, borderpad=0.3,
    )  # fmt: skip


def colour_bar(figure: Figure, drawn: Any, label: str) -> None:
    """A flat colour bar at the bottom, named on its left."""
    height = figure.get_figheight()
    axes = figure.add_axes((0.42, 0.27 / height, 0.53, 0.1 / height))
    bar = figure.colorbar(drawn, cax=axes, orientation="horizontal")
    bar.outline.set_visible(False)  # type: ignore[operator]
    bar.ax.locator_params(nbins=5)
    bar.ax.tick_params(length=2, labelsize=8)
    figure.text(0.39, 0.32 / height, label, ha="right", va="center", size=8.5, color=INK)


def extent(domain: Domain) -> Window:
    """Edges of the array in mm, for `imshow(field.T, origin="lower")`."""
    half = domain.spacing / 2
    return (
        float(domain.axes[0][0]) - half,
        float(domain.axes[0][-1]) + half,
        float(domain.axes[1][0]) - half,
        float(domain.axes[1][-1]) + half,
    )


def whole(domain: Domain) -> Window:
    """A window around all tissue."""
    return _around(domain, domain.phi > 0.5, 4.0)


def near_tumour(domain: Domain, *others: np.ndarray) -> Window:
    """A square window around the segmented tumour and any other masks."""
    mask = domain.WT.copy()
    for other in others:
        mask |= other
    left, right, low, high = _around(domain, mask, 10.0)
    half = max(right - left, high - low) / 2
    x, y = (left + right) / 2, (low + high) / 2
    return x - half, x + half, y - half, y + half


def _around(domain: Domain, mask: np.ndarray, margin: float) -> Window:
    """Bounding box of a mask with a margin; the whole array where the mask is empty."""
    if not mask.any():
        return extent(domain)
    i, j = np.nonzero(mask)
    return (
        float(domain.axes[0][i.min()]) - margin,
        float(domain.axes[0][i.max()]) + margin,
        float(domain.axes[1][j.min()]) - margin,
        float(domain.axes[1][j.max()]) + margin,
    )
