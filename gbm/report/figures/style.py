"""The common look of the figures, and how they become files."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib
import matplotlib.patheffects as effects
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from gbm.domain import Domain
from gbm.plane import edge_names

INK, MUTED, GRID = "#1b2733", "#5a6b7b", "#dfe5ea"
REGION_COLOURS = {"WT": "#E69F00", "TC": "#00A5E0"}
"""Orange and sky blue stay apart for every common colour-vision deficiency (Okabe and Ito)."""
SERIES = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#555555")

RULES: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 9.0,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 9.5,
    "axes.titlecolor": INK,
    "axes.titlelocation": "left",
    "axes.grid": True,
    "grid.color": GRID,
    "grid.linewidth": 0.6,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "legend.frameon": False,
    "legend.fontsize": 8.0,
    "lines.linewidth": 1.4,
    "image.interpolation": "none",
    "svg.hashsalt": "gbm",
}

ANATOMY = LinearSegmentedColormap.from_list("anatomy", ["#ffffff", "#c3ccd4", "#8b99a6"])
DENSITY = LinearSegmentedColormap.from_list(
    "density", ["#fde9dc", "#f6a985", "#d9536f", "#8e2a74", "#3b0f4f"]
)


@contextmanager
def look() -> Iterator[None]:
    """Draw with the common style; the caller's own settings are left alone."""
    with matplotlib.rc_context(RULES):
        yield


def panel(width: float = 4.4, height: float = 4.2) -> tuple[Figure, Axes]:
    """One figure with one pair of axes, in inches."""
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.subplots()


def svg(figure: Figure) -> str:
    """The figure as SVG text, the same bytes for the same figure."""
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return buffer.getvalue()


def halo(colour: str = "white", width: float = 2.6) -> list[effects.AbstractPathEffect]:
    """An outline that keeps a line or a text readable over any background."""
    return [effects.withStroke(linewidth=width, foreground=colour)]


def extent(domain: Domain) -> tuple[float, float, float, float]:
    """Edges of the array in mm, for `imshow(field.T, origin="lower")`."""
    half = domain.spacing / 2
    return (
        float(domain.x[0]) - half,
        float(domain.x[-1]) + half,
        float(domain.y[0]) - half,
        float(domain.y[-1]) + half,
    )


def frame(axes: Axes, domain: Domain, window: tuple[float, float, float, float]) -> None:
    """Crop to a window in mm, name the sides of the patient and add a scale bar."""
    left, right, low, high = window
    axes.set(xlim=(left, right), ylim=(low, high), aspect="equal", xticks=[], yticks=[])
    axes.grid(False)
    for spine in axes.spines.values():
        spine.set_visible(False)
    (west, east), (south, north) = edge_names(domain)
    places = {(0.02, 0.5): west, (0.98, 0.5): east, (0.5, 0.03): south, (0.5, 0.97): north}
    for (u, v), name in places.items():
        axes.text(
            u, v, name, transform=axes.transAxes, ha="center", va="center",
            color=INK, weight="bold", path_effects=halo(),
        )  # fmt: skip
    length = 10 if right - left < 100 else 20
    x, y = left + 0.05 * (right - left), low + 0.05 * (high - low)
    axes.plot([x, x + length], [y, y], color=INK, lw=2.2, path_effects=halo(width=4))
    axes.text(
        x + length / 2, y + 0.02 * (high - low), f"{length} mm", ha="center", va="bottom",
        size=8, color=INK, path_effects=halo(),
    )  # fmt: skip


def whole(domain: Domain) -> tuple[float, float, float, float]:
    """A window around all tissue, in mm."""
    return _window(domain, domain.phi > 0.5, 4.0)


def near_tumour(domain: Domain, *others: np.ndarray) -> tuple[float, float, float, float]:
    """A square window around the tumour and any other masks, in mm."""
    mask = domain.WT.copy()
    for other in others:
        mask |= other
    left, right, low, high = _window(domain, mask, 12.0)
    half = max(right - left, high - low) / 2
    x, y = (left + right) / 2, (low + high) / 2
    return x - half, x + half, y - half, y + half


def _window(domain: Domain, mask: np.ndarray, margin: float) -> tuple[float, float, float, float]:
    """Bounding box of a mask with a margin; the whole array where the mask is empty."""
    if not mask.any():
        return extent(domain)
    i, j = np.nonzero(mask)
    return (
        float(domain.x[i.min()]) - margin,
        float(domain.x[i.max()]) + margin,
        float(domain.y[j.min()]) - margin,
        float(domain.y[j.max()]) + margin,
    )
