"""How far the predicted density reaches beyond the segmented tumour."""

from __future__ import annotations

import numpy as np
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from gbm.domain.domain import Domain
from gbm.growth.extent import LEVELS, infiltrated
from gbm.report.figures.canvas import Window, extent, frame, key, map_panel
from gbm.report.figures.maps import background, outline
from gbm.report.figures.style import INK

COLOURS = ("#d9536f", "#f6c7a5")
"""Of tissue above each of the levels, the highest first."""


def reach(
    domain: Domain, image: np.ndarray | None, u: np.ndarray, title: str, window: Window
) -> Figure:
    """Tissue outside WT with a density above each level, over the image or the tissue.

    Parameters
    ----------
    domain : Domain
        A plane, with its segmentation.
    image : (nx, ny) array or None
        Underneath; without one the tissue in grey.
    u : (nx, ny) array
        Density.
    title : str
        Title of the figure.
    window : tuple
        Part of the plane shown, mm.
    """
    figure, axes = map_panel(window, title)
    background(axes, domain, image)
    seen = infiltrated(domain, u, min(LEVELS))
    bands = np.ma.masked_equal(np.where(seen, np.digitize(u, LEVELS[::-1]), 0), 0)
    axes.imshow(
        bands.T, origin="lower", extent=extent(domain), alpha=0.65,
        cmap=ListedColormap(COLOURS[::-1]), norm=BoundaryNorm([0.5, 1.5, 2.5], 2),
    )  # fmt: skip
    outline(axes, domain)
    frame(axes, domain)
    patch = {"marker": "s", "ls": "", "ms": 8, "mec": INK, "mew": 0.5}
    marks = [
        Line2D([], [], mfc=colour, label=f"u > {level:g}", **patch)  # type: ignore[arg-type]
        for level, colour in zip(LEVELS, COLOURS, strict=True)
    ]
    key(figure, marks)
    return figure
