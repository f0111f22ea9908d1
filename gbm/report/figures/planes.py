"""Contours of tissue maps over the patient's image, on three planes through the tumour."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from gbm.io.volumes import Volume
from gbm.report.figures.maps import line
from gbm.report.figures.style import INK

PLANES = {"sagittal": 0, "coronal": 1, "axial": 2}
"""Array axis of a RAS volume that runs across each plane."""

WIDTH, TITLE, KEY = 9.6, 0.3, 0.32
"""Inches: width of the figure, height of its title and of its key."""


def contours(
    image: Volume, maps: Mapping[str, tuple[np.ndarray, str]], point: np.ndarray, title: str
) -> Figure:
    """Level lines at 1/2 of maps over an image.

    Parameters
    ----------
    image : Volume
        RAS, with cubic voxels.
    maps : mapping
        Label to values on the grid of `image`, and colour.
    point : (3,) array
        RAS world mm; the planes run through it.
    title : str
        Title of the figure.
    """
    seen = np.asarray(image.data > 0)
    box = tuple(_box(np.any(seen, axis=tuple({0, 1, 2} - {axis}))) for axis in range(3))
    index = np.linalg.inv(image.affine)[:3] @ np.append(point, 1.0)
    place = np.clip(np.round(index).astype(int), 0, np.array(image.data.shape) - 1)
    shapes = [[box[k].stop - box[k].start for k in range(3) if k != axis] for axis in range(3)]
    shares = np.array([width / tall for width, tall in shapes])
    height = WIDTH / shares.sum()  # of all three panels
    total = TITLE + height + KEY
    figure = Figure(figsize=(WIDTH, total))
    figure.text(0.005, 1 - 0.6 * TITLE / total, title, va="center", size=10.5, color=INK)
    low, high = np.percentile(image.data[seen], [1, 99.5]) if seen.any() else (0.0, 1.0)
    left = 0.0
    for (name, axis), share in zip(PLANES.items(), shares / shares.sum(), strict=True):
        axes = figure.add_axes((left, KEY / total, share, height / total))
        left += share
        part = tuple(place[k] if k == axis else box[k] for k in range(3))
        axes.imshow(image.data[part].T, origin="lower", cmap="gray", vmin=low, vmax=high)
        for values, colour in maps.values():
            if (values[part] > 0.5).any():
                drawn = axes.contour(values[part].T, [0.5], colors=[colour], linewidths=0.9)
                drawn.set_rasterized(True)
        axes.text(0.02, 0.97, name, transform=axes.transAxes, color="white", va="top", size=8.5)
        axes.set_axis_off()
    figure.legend(
        handles=[line(label, colour) for label, (_, colour) in maps.items()],
        loc="lower left", ncol=len(maps), labelcolor=INK, borderpad=0.2,
    )  # fmt: skip
    return figure


def _box(occupied: np.ndarray) -> slice:
    """Range of the occupied places with a small margin; everything where there is none."""
    places = np.flatnonzero(occupied)
    if not places.size:
        return slice(0, occupied.size)
    return slice(max(int(places[0]) - 3, 0), min(int(places[-1]) + 4, occupied.size))
