"""The common look of the figures, and how they become files."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib
import matplotlib.patheffects as effects
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

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


def encoded(picture: str) -> str:
    """An SVG as the address of an image that lies inside the page."""
    return "data:image/svg+xml;base64," + base64.b64encode(picture.encode()).decode("ascii")


def halo(colour: str = "white", width: float = 2.6) -> list[effects.AbstractPathEffect]:
    """An outline that keeps a line or a text readable over any background."""
    return [effects.withStroke(linewidth=width, foreground=colour)]
