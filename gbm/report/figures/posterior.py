"""How sure the model is: samples of lambda and rho T, and the probability of infiltration."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from gbm.domain.domain import Domain
from gbm.report.figures.canvas import Window, colour_bar, extent, frame, map_panel
from gbm.report.figures.identifiability import mark_fits, ticks
from gbm.report.figures.maps import background, outline
from gbm.report.figures.style import INK, SERIES, panel

LEAST_SHOWN = 0.05
"""Probability below which a map shows the image alone."""

Interval = tuple[float, float] | None


def growth(
    samples: tuple[np.ndarray, np.ndarray, np.ndarray],
    intervals: tuple[Interval, Interval],
    points: Sequence[tuple[str, float | None, float | None]],
    slices: Sequence[tuple[float, float]],
) -> Figure:
    """Samples of the posterior of lambda and rho T with the fits among them.

    Parameters
    ----------
    samples : tuple of ndarray (N,)
        lambda in mm, rho T, and the weights.
    intervals : tuple of (low, high) or None
        90 % intervals of lambda and rho T, drawn as bars along the axes.
    points : sequence of (label, lambda in mm, rho T)
        Fits to mark, the headline first.
    slices : sequence of (lambda in mm, rho T)
        The same tumour on neighbouring slices.
    """
    figure, axes = panel(5.0, 4.4)
    lambda_mm, rhoT, weights = samples
    shade = np.clip(weights / weights.max(), 0.08, 1.0)
    axes.scatter(lambda_mm, rhoT, s=10, color=SERIES[0], alpha=0.6 * shade, lw=0, label="posterior")
    if slices:
        axes.plot(*np.array(slices).T, "P", ls="", ms=7, mfc=SERIES[4], mec=INK, label="slices")
    mark_fits(axes, points)
    axes.set(
        xscale="log", yscale="log", title="How sure λ and ρT are (bars: 90 %)",
        xlabel="λ = √(D/ρ) [mm]", ylabel="ρT",
    )  # fmt: skip
    first, second = intervals
    bar: dict[str, Any] = {"color": INK, "lw": 4, "solid_capstyle": "butt"}
    if first is not None:
        axes.plot(first, (0.01, 0.01), transform=axes.get_xaxis_transform(), **bar)
    if second is not None:
        axes.plot((0.01, 0.01), second, transform=axes.get_yaxis_transform(), **bar)
    axes.set_xticks(*ticks(np.array(axes.get_xlim())))
    axes.set_yticks(*ticks(np.array(axes.get_ylim())))
    axes.minorticks_off()
    figure.legend(loc="outside lower center", ncol=3, columnspacing=1.2)
    return figure


def infiltration(
    domain: Domain, image: np.ndarray | None, probability: np.ndarray, title: str, window: Window
) -> Figure:
    """Probability (nx, ny) that tissue is infiltrated, over the image or the tissue.

    Parameters
    ----------
    domain : Domain
        A plane, with its segmentation.
    image : (nx, ny) array or None
        Underneath; without one the tissue in grey.
    probability : (nx, ny) array
    title : str
        Title of the figure.
    window : tuple
        Part of the plane shown, mm.
    """
    figure, axes = map_panel(window, title)
    background(axes, domain, image)
    shown = np.where(domain.tissue & (probability > LEAST_SHOWN), probability, np.nan)
    drawn = axes.imshow(
        shown.T, origin="lower", extent=extent(domain), cmap="plasma", vmin=0, vmax=1, alpha=0.65
    )
    outline(axes, domain)
    frame(axes, domain)
    colour_bar(figure, drawn, "probability")
    return figure
