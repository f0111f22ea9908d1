"""Maps on the fitted slice or on a plane of a volume: anatomy, tissue, densities, differences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, ListedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from gbm.domain.domain import Domain
from gbm.report.figures.canvas import Window, colour_bar, extent, frame, key, map_panel, whole
from gbm.report.figures.style import ANATOMY, DENSITY, INK, REGION_COLOURS, halo

TISSUE_COLOURS = {"wm": (0.99, 0.97, 0.90), "gm": (0.62, 0.66, 0.71), "csf": (0.27, 0.45, 0.66)}
TISSUE_NAMES = {"wm": "white matter", "gm": "grey matter", "csf": "CSF"}
TISSUE_OVER = ("#3b7fd0", "#8fd18a", "#f4efe2")
"""CSF, grey and white matter over an image, as in the interactive viewer."""

REGIONS_OVER = (REGION_COLOURS["WT"], REGION_COLOURS["TC"])
VIEW_WIDTH = 9.6
Levels = Mapping[str, float | None]


def anatomy(domain: Domain, image: np.ndarray, name: str) -> Figure:
    """The patient's image with the segmentation; `image` is sampled on the domain, (nx, ny)."""
    figure, axes = map_panel(whole(domain), f"{name} with the segmentation")
    show_image(axes, domain, image)
    outline(axes, domain)
    frame(axes, domain)
    key(figure, [line(region, REGION_COLOURS[region]) for region in ("WT", "TC")])
    return figure


def overlay(
    domain: Domain,
    image: np.ndarray,
    name: str,
    u: np.ndarray,
    thresholds: Levels,
    window: Window,
) -> Figure:
    """The image near the tumour; solid lines segmented, dashed lines predicted."""
    figure, axes = map_panel(window, f"{name}: segmented and predicted")
    show_image(axes, domain, image)
    outline(axes, domain)
    outline_density(axes, domain, u, thresholds)
    frame(axes, domain)
    key(figure, both_outlines())
    return figure


def tissue(domain: Domain) -> Figure:
    """White matter, grey matter and CSF as one colour image, with the segmentation."""
    figure, axes = map_panel(whole(domain), "Tissue maps")
    maps = {"wm": domain.wm, "gm": domain.gm, "csf": domain.csf}
    total = np.maximum(sum(np.clip(values, 0, 1) for values in maps.values()), 1.0)
    colour = np.ones((*domain.phi.shape, 3))
    for name, values in maps.items():
        weight = np.clip(values, 0, 1) / total
        colour += weight[..., None] * (np.array(TISSUE_COLOURS[name]) - 1.0)
    axes.imshow(np.clip(colour, 0, 1).transpose(1, 0, 2), origin="lower", extent=extent(domain))
    outline(axes, domain)
    frame(axes, domain)
    patch: dict[str, Any] = {"marker": "s", "ls": "", "ms": 7, "mec": INK, "mew": 0.5}
    key(
        figure,
        [Line2D([], [], mfc=c, label=TISSUE_NAMES[n], **patch) for n, c in TISSUE_COLOURS.items()],
    )
    return figure


def views(domain: Domain, image: tuple[str, np.ndarray] | None, u: np.ndarray) -> Figure:
    """What the interactive viewer shows, side by side on the fitted slice."""
    window = whole(domain)
    first = "tissue in grey" if image is None else image[0]
    panels = [first, "tissue", "segmentation", "predicted cell density"]
    height = VIEW_WIDTH / len(panels) * (window[3] - window[2]) / (window[1] - window[0])
    figure = Figure(figsize=(VIEW_WIDTH, height + 0.3))
    seen = domain.phi > 0.5
    kinds = np.argmax([domain.csf, domain.gm, domain.wm], axis=0)
    regions = domain.WT.astype(int) + domain.TC
    layers: list[tuple[np.ndarray, Colormap, int, int] | None] = [
        None,
        (np.ma.masked_where(~seen, kinds), ListedColormap(TISSUE_OVER), 0, 2),
        (np.ma.masked_equal(regions, 0), ListedColormap(REGIONS_OVER), 1, 2),
        (np.ma.masked_where(~seen | (u < 0.01), u), DENSITY, 0, 1),
    ]
    for n, (title, layer) in enumerate(zip(panels, layers, strict=True)):
        share = 1 / len(panels)
        axes = figure.add_axes((n * share, 0, share * 0.985, height / (height + 0.3)))
        background(axes, domain, None if image is None else image[1])
        if layer is not None:
            values, cmap, low, high = layer
            axes.imshow(
                values.T, origin="lower", extent=extent(domain), alpha=0.6, cmap=cmap, vmin=low,
                vmax=high,
            )  # fmt: skip
        axes.set(xlim=window[:2], ylim=window[2:])
        axes.set_axis_off()
        axes.set_title(title, size=9.5, pad=3)
    return figure


def diffusivity(domain: Domain) -> Figure:
    """The relative diffusivity P = P_wm + P_gm / ratio, in which the cells move."""
    figure, axes = map_panel(whole(domain), "Relative diffusivity P")
    inside = np.where(domain.phi > 0.5, domain.P, np.nan)
    drawn = axes.imshow(
        inside.T, origin="lower", extent=extent(domain), cmap="cividis", vmin=0, vmax=1
    )
    outline(axes, domain)
    frame(axes, domain)
    colour_bar(figure, drawn, "P")
    return figure


def phase_field_map(domain: Domain) -> Figure:
    """The smooth indicator of the tissue, with its 1/2 level."""
    figure, axes = map_panel(whole(domain), "Phase field φ (line: φ = 1/2)")
    drawn = axes.imshow(
        domain.phi.T, origin="lower", extent=extent(domain), cmap="Blues", vmin=0, vmax=1
    )
    axes.contour(domain.axes[0], domain.axes[1], domain.phi.T, [0.5], colors=[INK], linewidths=0.8)
    frame(axes, domain)
    colour_bar(figure, drawn, "φ")
    return figure


def density(
    domain: Domain,
    u: np.ndarray,
    thresholds: Levels,
    x0: np.ndarray | None,
    title: str,
    window: Window,
) -> Figure:
    """Cell density over the tissue; solid lines segmented, dashed lines predicted.

    A cross marks the origin, where it lies in the plane.
    """
    figure, axes = map_panel(window, title)
    grey_tissue(axes, domain)
    shown = np.ma.masked_where((domain.phi <= 0.5) | (u < 0.01), u)
    drawn = axes.imshow(
        shown.T, origin="lower", extent=extent(domain), cmap=DENSITY, vmin=0, vmax=1
    )
    outline(axes, domain)
    outline_density(axes, domain, u, thresholds)
    if x0 is not None:
        axes.plot(*x0, marker="+", ms=9, mew=1.8, color="white", path_effects=halo(INK, 3.2))
    frame(axes, domain)
    key(figure, both_outlines())
    colour_bar(figure, drawn, "cell density u")
    return figure


def error(domain: Domain, difference: np.ndarray, window: Window) -> Figure:
    """The network minus the finite-volume solution at the same parameters; NaN outside tissue."""
    figure, axes = map_panel(window, "Network minus finite volumes")
    sizes = np.abs(difference[np.isfinite(difference)])
    limit = max(float(sizes.max(initial=0.0)), 1e-6)
    drawn = axes.imshow(
        difference.T, origin="lower", extent=extent(domain), cmap="RdBu_r", vmin=-limit, vmax=limit
    )
    outline(axes, domain, colour=INK)
    frame(axes, domain)
    key(figure, [line("segmented", INK)])
    colour_bar(figure, drawn, "difference of u")
    return figure


def spread_in_time(
    domain: Domain, times: np.ndarray, u: np.ndarray, level: float, window: Window
) -> Figure:
    """Where the density passes the visible threshold at several fractions of the time T.

    Parameters
    ----------
    domain : Domain
        The plane, with its segmentation.
    times : (n,) array
        Fractions of T, ascending.
    u : (n, nx, ny) array
        Densities.
    level : float
        The threshold of WT.
    window : tuple
        Part of the plane shown, mm.
    """
    figure, axes = map_panel(window, f"Border of u > {level:.2f} on its way")
    grey_tissue(axes, domain)
    seen = [np.where(domain.phi > 0.5, field, 0.0) for field in u]
    visible = [n for n, field in enumerate(seen) if (field > level).any()]
    handles = [line("segmented WT", REGION_COLOURS["WT"])]
    for n, place in zip(visible, np.linspace(0.35, 0.95, len(visible)), strict=True):
        shade = DENSITY(place)
        axes.contour(
            domain.axes[0], domain.axes[1], seen[n].T, [level], colors=[shade], linewidths=1.6
        )
        handles.append(line(f"{times[n]:g} T", shade))
    outline(axes, domain)
    frame(axes, domain)
    # The time slices of a fit are many; the page needs the order, not every label.
    key(figure, handles if len(handles) <= 5 else [handles[0], handles[1], handles[-1]])
    return figure


def show_image(axes: Axes, domain: Domain, image: np.ndarray) -> None:
    """An image in grey, its window set by the tissue."""
    inside = image[domain.phi > 0.5]
    low, high = np.percentile(inside, [1, 99.5]) if inside.size else (0.0, 1.0)
    axes.imshow(image.T, origin="lower", extent=extent(domain), cmap="gray", vmin=low, vmax=high)


def background(axes: Axes, domain: Domain, image: np.ndarray | None) -> None:
    """What lies under a map: the image, or without one the tissue in grey."""
    if image is None:
        grey_tissue(axes, domain)
    else:
        show_image(axes, domain, image)


def grey_tissue(axes: Axes, domain: Domain) -> None:
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
                domain.axes[0], domain.axes[1], mask.T.astype(float), [0.5],
                colors=[colour or REGION_COLOURS[name]], linewidths=1.5,
            )  # fmt: skip


def outline_density(axes: Axes, domain: Domain, u: np.ndarray, thresholds: Levels) -> None:
    """Dashed borders of the predicted regions, which end at the tissue's border."""
    seen = np.where(domain.phi > 0.5, u, 0.0)
    for name, level in thresholds.items():
        if level is not None and (seen > level).any():
            drawn = axes.contour(
                domain.axes[0], domain.axes[1], seen.T, [level],
                colors=[REGION_COLOURS[name]], linewidths=1.7, linestyles=[(0, (3, 1.6))],
            )  # fmt: skip
            drawn.set_path_effects(halo(INK, 2.6))


def predicted(domain: Domain, u: np.ndarray, thresholds: Levels) -> np.ndarray:
    """The predicted region with the lowest threshold, for a window that shows it."""
    levels = [level for level in thresholds.values() if level is not None]
    return (domain.phi > 0.5) & (u > min(levels, default=np.inf))


def line(label: str, colour: Any, style: str = "-") -> Line2D:
    """An entry of a key."""
    return Line2D([], [], color=colour, ls=style, lw=1.8, label=label)


def both_outlines() -> Sequence[Line2D]:
    """Entries of the key where segmented and predicted outlines are drawn."""
    regions = [line(region, colour) for region, colour in REGION_COLOURS.items()]
    return [line("segmented", INK), line("predicted", INK, "--"), *regions]
