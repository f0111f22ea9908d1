"""What the interactive viewer shows: the patient's volumes on one small grid, and NiiVue itself.

Everything becomes compressed text inside the page, so that one file works offline. The grid is that
of the segmentation file, cropped around the head and thinned where it is large; a fitted slice is
always one of its slices.
"""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import nibabel as nib
import numpy as np
from matplotlib.colors import Colormap, to_rgb
from scipy.ndimage import binary_erosion, generate_binary_structure

from gbm.config.conventions import REGIONS
from gbm.domain.domain import Domain
from gbm.domain.plane import slicing_axis
from gbm.io.volumes import Volume, resample_to
from gbm.report.figures.maps import REGIONS_OVER, TISSUE_OVER
from gbm.report.figures.plans import COLOURS
from gbm.report.figures.style import DENSITY
from gbm.report.volumes import Anatomy

MOST_VOXELS = 3_500_000
"""Of one volume; the largest, the image, then takes at most about 4 MB of the page."""

MARGIN = 3
PREDICTED = ("outline of the predicted tumour", "outline of the predicted core")
PREDICTED_OVER = ("#ffe08a", "#b8ecff")
"""Lighter than the segmented regions that they lie beside."""
DENSITY_STEPS = 200
"""Grey values per unit of cell density: they fit one byte, finer than an eye can tell."""


@dataclass(frozen=True)
class Layer:
    """One volume of the viewer.

    Attributes
    ----------
    key, name : str
        Its name in the page and for readers.
    data : (nx, ny, nz) uint8 array
        Grey values, densities in steps, or labels.
    slope : float
        What one step of `data` is worth.
    colours : mapping
        R, G, B, A and I, each a list: a colour table in NiiVue's form; with `labels` a table of
        labels.
    shown : bool
        Whether the viewer opens with it.
    """

    key: str
    name: str
    data: np.ndarray
    slope: float
    colours: Mapping[str, Sequence[Any]]
    shown: bool = True


@dataclass(frozen=True)
class Scene:
    """All volumes of the viewer, the lowest first, and where it opens.

    `plane` is the view: the plane of a slice, or `all` three of a volume.
    """

    affine: np.ndarray
    layers: tuple[Layer, ...]
    focus: tuple[float, float, float]
    plane: str

    def description(self) -> str:
        """What the page's script needs besides the volumes, as JSON."""
        layers = [
            {"key": layer.key, "name": layer.name, "colours": layer.colours, "shown": layer.shown}
            for layer in self.layers
        ]
        place = [round(v, 3) for v in self.focus]
        text = json.dumps({"plane": self.plane, "focus": place, "layers": layers})
        return text.replace("<", "\\u003c")

    def volumes(self) -> dict[str, str]:
        """Every volume as base64 of a `.nii.gz`."""
        return {layer.key: _encoded(_nifti(layer, self.affine)) for layer in self.layers}


def scene(
    domain: Domain,
    anatomy: Anatomy,
    thresholds: Mapping[str, float | None],
    focus: Sequence[float],
) -> Scene:
    """The volumes of one patient on a common grid.

    Parameters
    ----------
    domain : Domain
        Its slice is kept.
    anatomy : Anatomy
        The volumes; without an image the tissue lies underneath.
    thresholds : mapping
        Densities at the outlines of WT and TC.
    focus : sequence of float
        RAS world mm where the viewer opens.
    """
    whole, core, image = anatomy.whole, anatomy.core, anatomy.image
    maps = {name: resample_to(volume, whole) for name, volume in anatomy.tissue.items()}
    brain = sum(volume.data for volume in maps.values()) > 0.5
    grid, ranges = _thinned(whole, brain | whole.data.astype(bool), domain)

    def small(data: np.ndarray) -> np.ndarray:
        return data[np.ix_(*ranges)]

    layers = []
    if image is not None:
        grey = _bytes(resample_to(image[1], grid).data)
        layers.append(Layer("image", image[0], grey, 1.0, _ramp(_grey)))
    parts = np.array([small(maps[name].data) for name in ("csf", "gm", "wm")])
    kinds = np.where(parts.sum(axis=0) > 0.5, parts.argmax(axis=0) + 1, 0)
    names = ("CSF", "grey matter", "white matter")
    table = _labels(names, TISSUE_OVER)
    layers.append(Layer("tissue", "tissue", kinds.astype(np.uint8), 1.0, table, image is None))
    labels = small(whole.data.astype(np.uint8)) + small(core.data.astype(np.uint8))
    table = _labels(("whole tumour", "tumour core"), REGIONS_OVER)
    layers.append(Layer("segmentation", "segmentation", labels, 1.0, table))
    u = small(anatomy.density.data)
    cells = np.round(DENSITY_STEPS * np.clip(u, 0, 1)).astype(np.uint8)
    ramp = _ramp(DENSITY)
    layers.append(Layer("density", "predicted cell density", cells, 1 / DENSITY_STEPS, ramp))
    across = None if domain.slice is None else slicing_axis(domain, grid.affine)
    lines = outlines(u, thresholds, across)
    table = _labels(PREDICTED, PREDICTED_OVER)
    layers.append(Layer("predicted", "predicted outlines", lines, 1.0, table))
    if anatomy.plans is not None:
        for name, mask in anatomy.plans.masks.items():
            table = _labels((f"{name} plan (research use only)",), (COLOURS[name],))
            inside = small(mask.data.astype(bool))
            drawn = (inside & ~binary_erosion(inside)).astype(np.uint8)
            layers.append(Layer(name, f"{name} plan", drawn, 1.0, table, shown=False))
    plane = "all" if domain.plane is None else domain.plane
    return Scene(grid.affine, tuple(layers), (focus[0], focus[1], focus[2]), plane)


def outlines(
    u: np.ndarray, thresholds: Mapping[str, float | None], across: int | None
) -> np.ndarray:
    """Voxels at the border of the predicted regions: 1 of WT, 2 of TC.

    Parameters
    ----------
    u : (nx, ny, nz) array
        Density, 0 outside the tissue.
    thresholds : mapping
        Densities at the outlines.
    across : int or None
        Axis across a slice, along which it has no border.
    """
    near = generate_binary_structure(3, 1)
    if across is not None:
        near &= np.indices(near.shape)[across] == 1
    found = np.zeros(u.shape, np.uint8)
    for label, region in enumerate(REGIONS, start=1):
        level = thresholds[region]
        if level is not None:
            mask = u > level
            found[mask & ~binary_erosion(mask, near)] = label
    return found


@cache
def niivue() -> str:
    """The NiiVue library, compressed, as base64."""
    source = files("gbm.report").joinpath("vendor/niivue.umd.js").read_bytes()
    return _encoded(gzip.compress(source, 9, mtime=0))


def _grey(values: np.ndarray) -> np.ndarray:
    return np.stack([values, values, values, np.ones_like(values)], axis=-1)


def _thinned(grid: Volume, occupied: np.ndarray, domain: Domain) -> tuple[Volume, list[np.ndarray]]:
    """A part of a grid around what is occupied, every n-th voxel, with the fitted slice in it."""
    ends = [_ends(occupied, axis) for axis in range(3)]
    n = 1
    while np.prod([-(-(high - low) // n) for low, high in ends]) > MOST_VOXELS:
        n += 1
    across = None if domain.slice is None else slicing_axis(domain, grid.affine)
    ranges = []
    for axis, (low, high) in enumerate(ends):
        first = low
        if axis == across and domain.slice is not None:
            first += (domain.slice - low) % n
        ranges.append(np.arange(first, high, n))
    affine = grid.affine.copy()
    affine[:3, 3] = grid.affine[:3, :3] @ [r[0] for r in ranges] + grid.affine[:3, 3]
    affine[:3, :3] = n * grid.affine[:3, :3]
    return Volume(np.zeros([len(r) for r in ranges], np.uint8), affine), ranges


def _ends(occupied: np.ndarray, axis: int) -> tuple[int, int]:
    others = tuple({0, 1, 2} - {axis})
    places = np.flatnonzero(occupied.any(axis=others))
    size = occupied.shape[axis]
    return max(int(places[0]) - MARGIN, 0), min(int(places[-1]) + 1 + MARGIN, size)


def _bytes(values: np.ndarray) -> np.ndarray:
    """Grey values of an image: the brightest half percent is white, 0 stays black."""
    known = np.nan_to_num(values)
    seen = known[known > 0]
    top = float(np.percentile(seen, 99.5)) if seen.size else 1.0
    return np.asarray(np.round(255 * np.clip(known / top, 0, 1)).astype(np.uint8))


def _ramp(colours: Colormap | Any) -> dict[str, list[int]]:
    """A continuous colour table of 256 steps, clear at 0."""
    steps = np.array([0, 1, *range(16, 256, 16), 255])
    rgb = np.round(255 * np.asarray(colours(steps / 255.0)))[:, :3].astype(int)
    alpha = np.where(steps > 0, 255, 0)
    columns = dict(zip("RGB", rgb.T.tolist(), strict=True))
    return {**columns, "A": alpha.tolist(), "I": steps.tolist()}


def _labels(names: Sequence[str], colours: Sequence[str]) -> dict[str, list[Any]]:
    """A table of labels; 0 is clear."""
    rgb = np.round(255 * np.array([(0.0, 0.0, 0.0), *map(to_rgb, colours)])).astype(int)
    return {
        **dict(zip("RGB", rgb.T.tolist(), strict=True)),
        "A": [0, *[255] * len(names)],
        "I": list(range(len(names) + 1)),
        "labels": ["", *names],
    }


def _nifti(layer: Layer, affine: np.ndarray) -> bytes:
    image = nib.Nifti1Image(layer.data, affine)
    image.header.set_slope_inter(layer.slope, 0.0)
    image.header.set_xyzt_units("mm")
    return gzip.compress(image.to_bytes(), 9, mtime=0)


def _encoded(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")
