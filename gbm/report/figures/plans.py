"""Plans for comparison: their borders over the patient's image."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from gbm.domain.domain import Domain
from gbm.report.figures.canvas import Window, frame, key, map_panel
from gbm.report.figures.maps import background, line, outline
from gbm.report.figures.style import INK, REGION_COLOURS, halo

COLOURS = {"standard": "#00c08b", "model": "#ff5ca8", "modelrobust": "#b79bff"}
"""Of the plans, apart from the segmented regions and from each other."""
RECURRENCE = "#ffe14d"
NAMES = {"standard": "standard", "model": "model", "modelrobust": "robust"}
"""Of the plans in a key."""


def plans(
    domain: Domain,
    image: np.ndarray | None,
    masks: Mapping[str, np.ndarray],
    recurrence: np.ndarray | None,
    title: str,
    window: Window,
) -> Figure:
    """Borders of plans, and of a recurrence, on a plane.

    Parameters
    ----------
    domain : Domain
        A plane, with its segmentation.
    image : (nx, ny) array or None
        Underneath; without one the tissue in grey.
    masks : mapping of (nx, ny) array
        Shares of the voxels inside each plan, by its name.
    recurrence : (nx, ny) array or None
        The same of a recurrence, which is filled.
    title : str
        Title of the figure.
    window : tuple
        Part of the plane shown, mm.
    """
    figure, axes = map_panel(window, title)
    background(axes, domain, image)
    x, y = domain.axes
    marks = []
    if recurrence is not None and (recurrence > 0.5).any():
        axes.contourf(x, y, recurrence.T, [0.5, 2.0], colors=[RECURRENCE], alpha=0.55)
        marks.append(line("recurrence", RECURRENCE))
    outline(axes, domain)
    for name, inside in masks.items():
        if (inside > 0.5).any():
            drawn = axes.contour(x, y, inside.T, [0.5], colors=[COLOURS[name]], linewidths=1.8)
            drawn.set_path_effects(halo(INK, 2.8))
    frame(axes, domain)
    shown = [line(NAMES[name], COLOURS[name]) for name in masks]
    regions = [line(region, colour) for region, colour in REGION_COLOURS.items()]
    key(figure, [*shown, *(marks or regions)])
    return figure
