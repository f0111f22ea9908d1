"""Maps on the fitted slice: anatomy, tissue, phase field, densities, and their difference."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from gbm.domain import Domain
from gbm.report.figures.style import (
    ANATOMY,
    DENSITY,
    INK,
    REGION_COLOURS,
    extent,
    frame,
    halo,
    near_tumour,
    panel,
    whole,
)

TISSUE_COLOURS = {"wm": (0.99, 0.97, 0.90), "gm": (0.62, 0.66, 0.71), "csf": (0.27, 0.45, 0.66)}
LINES = [("segmented", "", "-"), ("predicted", "", "--"), ("WT", "WT", "-"), ("TC", "TC", "-")]
"""Entries of the legend where both outlines are drawn."""


def anatomy(domain: Domain, image: np.ndarray, name: str) -> Figure:
    """The patient's image with the segmentation; `image` is sampled on the domain, (nx, ny)."""
    figure, axes = panel()
    show_image(axes, domain, image)
    outline(axes, domain)
    frame(axes, domain, whole(domain))
    axes.set_title(f"{name} with the segmentation")
    legend(axes, [("segmented WT", "WT", "-"), ("segmented TC", "TC", "-")])
    return figure


def overlay(
    domain: Domain,
    image: np.ndarray,
    name: str,
    u: np.ndarray,
    thresholds: Mapping[str, float | None],
) -> Figure:
    """The image near the tumour; solid lines segmented, dashed lines predicted."""
    figure, axes = panel(4.4, 4.5)
    show_image(axes, domain, image)
    outline(axes, domain)
    outline_density(axes, domain, u, thresholds)
    frame(axes, domain, near_tumour(domain, *predicted(domain, u, thresholds)))
    axes.set_title(f"{name}: segmented and predicted")
    legend(axes, LINES)
    return figure


def show_image(axes: Axes, domain: Domain, image: np.ndarray) -> None:
    """An image in grey, its window set by the tissue."""
    inside = image[domain.phi > 0.5]
    low, high = np.percentile(inside, [1, 99.5]) if inside.size else (0.0, 1.0)
    axes.imshow(image.T, origin="lower", extent=extent(domain), cmap="gray", vmin=low, vmax=high)


def predicted(
    domain: Domain, u: np.ndarray, thresholds: Mapping[str, float | None]
) -> list[np.ndarray]:
    """The predicted region with the lowest threshold, for a window that shows it."""
    levels = [level for level in thresholds.values() if level is not None]
    return [(domain.phi > 0.5) & (u > min(levels))] if levels else []


def tissue(domain: Domain) -> Figure:
    """White matter, grey matter and CSF as one colour image, with the segmentation."""
    figure, axes = panel()
    maps = {"wm": domain.wm, "gm": domain.gm, "csf": domain.csf}
    total = np.clip(sum(np.clip(m, 0, 1) for m in maps.values()), 0.0, None)
    colour = np.ones((*domain.phi.shape, 3))
    for name, values in maps.items():
        weight = np.clip(values, 0, 1) / np.maximum(total, 1.0)
        colour += weight[..., None] * (np.array(TISSUE_COLOURS[name]) - 1.0)
    axes.imshow(np.clip(colour, 0, 1).transpose(1, 0, 2), origin="lower", extent=extent(domain))
    outline(axes, domain)
    frame(axes, domain, whole(domain))
    axes.set_title("Tissue maps")
    handles = [
        Line2D(
            [], [], marker="s", ls="", ms=7, mfc=TISSUE_COLOURS[name], mec=INK, mew=0.5, label=label
        )
        for name, label in (("wm", "white"), ("gm", "grey"), ("csf", "CSF"))
    ]
    axes.legend(
        handles=handles, loc="upper center", bbox_to_anchor=(0.5, -0.005), ncol=3, handletextpad=0.2
    )
    return figure


def diffusivity(domain: Domain) -> Figure:
    """The relative diffusivity P = P_wm + P_gm / ratio, in which the cells move."""
    return scalar(
        domain,
        np.where(domain.phi > 0.5, domain.P, np.nan),
        "cividis",
        "Relative diffusivity P",
        (0, 1),
    )


def phase_field(domain: Domain) -> Figure:
    """The smooth indicator of the tissue, with its 1/2 level."""
    figure = scalar(
        domain, domain.phi, "Blues", "Phase field φ (line: φ = 1/2)", (0, 1), segmentation=False
    )
    axes = figure.axes[0]
    axes.contour(domain.x, domain.y, domain.phi.T, [0.5], colors=[INK], linewidths=0.9)
    return figure


def density(
    domain: Domain,
    u: np.ndarray,
    thresholds: Mapping[str, float | None],
    x0: np.ndarray,
    title: str,
) -> Figure:
    """Cell density over the tissue; solid lines segmented, dashed lines predicted."""
    figure, axes = panel(4.4, 4.5)
    background(axes, domain)
    shown = np.ma.masked_where((domain.phi <= 0.5) | (u < 0.01), u)
    drawn = axes.imshow(
        shown.T, origin="lower", extent=extent(domain), cmap=DENSITY, vmin=0, vmax=1
    )
    outline(axes, domain)
    outline_density(axes, domain, u, thresholds)
    origin(axes, x0)
    frame(axes, domain, near_tumour(domain, *predicted(domain, u, thresholds)))
    axes.set_title(title)
    bar = figure.colorbar(drawn, ax=axes, fraction=0.045, pad=0.01)
    bar.set_label("cell density u")
    bar.outline.set_visible(False)
    legend(axes, LINES)
    return figure


def error(domain: Domain, u_network: np.ndarray, u_fdm: np.ndarray) -> Figure:
    """The difference of the network and the finite-volume solution at the same parameters."""
    figure, axes = panel(4.4, 4.5)
    difference = np.where(domain.phi > 0.5, u_network - u_fdm, np.nan)
    limit = max(float(np.nanmax(np.abs(difference))), 1e-6) if np.isfinite(difference).any() else 1
    drawn = axes.imshow(
        difference.T, origin="lower", extent=extent(domain), cmap="RdBu_r", vmin=-limit, vmax=limit
    )
    outline(axes, domain, colour=INK)
    frame(axes, domain, near_tumour(domain))
    axes.set_title("Network minus finite volumes")
    bar = figure.colorbar(drawn, ax=axes, fraction=0.045, pad=0.01, format="%.2g")
    bar.set_label("u network − u FDM")
    bar.outline.set_visible(False)
    return figure


def spread_in_time(domain: Domain, times: np.ndarray, u: np.ndarray, level: float) -> Figure:
    """Where the density passes the visible threshold at several fractions of the time T.

    Parameters
    ----------
    times : (n,) array
        Fractions of T, ascending.
    u : (n, nx, ny) array
    level : float
        The threshold of WT.
    """
    figure, axes = panel(4.4, 4.5)
    background(axes, domain)
    shades = DENSITY(np.linspace(0.95, 0.25, len(times)))
    handles = []
    for time, field, shade in zip(times, u, shades, strict=True):
        seen = np.where(domain.phi > 0.5, field, 0.0)
        if not (seen > level).any():
            continue
        axes.contour(domain.x, domain.y, seen.T, [level], colors=[shade], linewidths=1.6)
        handles.append(Line2D([], [], color=shade, label=f"{time:g} T"))
    outline(axes, domain)
    frame(axes, domain, near_tumour(domain))
    axes.set_title(f"Border of u > {level:.2f} on its way")
    axes.legend(handles=handles, loc="upper center", bbox_to_anchor=(0.5, -0.005), ncol=4)
    return figure


def scalar(
    domain: Domain,
    field: np.ndarray,
    cmap: str,
    title: str,
    limits: tuple[float, float],
    *,
    segmentation: bool = True,
) -> Figure:
    """One scalar map of the whole slice with a colour bar."""
    figure, axes = panel(4.4, 4.5)
    drawn = axes.imshow(
        field.T, origin="lower", extent=extent(domain), cmap=cmap, vmin=limits[0], vmax=limits[1]
    )
    if segmentation:
        outline(axes, domain)
    frame(axes, domain, whole(domain))
    axes.set_title(title)
    bar = figure.colorbar(drawn, ax=axes, fraction=0.045, pad=0.01)
    bar.outline.set_visible(False)
    return figure


def background(axes: Axes, domain: Domain) -> None:
    """The tissue in quiet greys, under a density."""
    grey = 0.35 * domain.wm + 0.75 * domain.gm + 1.0 * domain.csf
    axes.imshow(
        np.where(domain.phi > 0.5, grey, 0.0).T, origin="lower", extent=extent(domain),
        cmap=ANATOMY, vmin=0, vmax=1.3,
    )  # fmt: skip


def outline(axes: Axes, domain: Domain, colour: str | None = None) -> None:
    """Solid borders of the segmented regions."""
    for name, mask in (("WT", domain.WT), ("TC", domain.TC)):
        if mask.any():
            axes.contour(
                domain.x, domain.y, mask.T.astype(float), [0.5],
                colors=[colour or REGION_COLOURS[name]], linewidths=1.5,
            )  # fmt: skip


def outline_density(
    axes: Axes, domain: Domain, u: np.ndarray, thresholds: Mapping[str, float | None]
) -> None:
    """Dashed borders of the predicted regions, which end at the tissue's border."""
    seen = np.where(domain.phi > 0.5, u, 0.0)
    for name, level in thresholds.items():
        if level is not None and (seen > level).any():
            drawn = axes.contour(
                domain.x, domain.y, seen.T, [level],
                colors=[REGION_COLOURS[name]], linewidths=1.7, linestyles=[(0, (3, 1.6))],
            )  # fmt: skip
            drawn.set_path_effects(halo(INK, 2.6))


def origin(axes: Axes, x0: np.ndarray) -> None:
    """A cross where the tumour starts."""
    axes.plot(*x0, marker="+", ms=9, mew=1.8, color="white", path_effects=halo(INK, 3.2))


def legend(axes: Axes, entries: list[tuple[str, str, str]]) -> None:
    """A legend under the map: (label, region or "", line style)."""
    handles = [
        Line2D([], [], color=REGION_COLOURS.get(region, INK), ls=style, lw=1.6, label=label)
        for label, region, style in entries
    ]
    axes.legend(
        handles=handles, loc="upper center", bbox_to_anchor=(0.5, -0.005),
        ncol=len(handles), handlelength=1.6, columnspacing=1.2,
    )  # fmt: skip
