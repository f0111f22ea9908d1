"""A head of known tissue, and the tumour that grows in it: in a plane or in space."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from gbm.demo.anatomy import Deformation, interpolated, random_deformation, world_points
from gbm.demo.solver import HEUN, STABILISED, grow
from gbm.imaging.atlas import Atlas

SHAPE = (184, 224, 176)
"""Voxels of the demo's images."""

AFFINE = np.array(
    [
        [-1.0, 0.0, 0.0, 118.0],
        [0.0, -1.0, 0.0, 61.0],
        [0.0, 0.0, 1.0, -37.0],
        [0.0, 0.0, 0.0, 1.0],
    ]
)
"""Voxel to RAS world mm: LPS storage, 1 mm, and an origin far from the atlas's."""

BRAIN_CENTRE = np.array([0.0, -18.0, 8.0])
"""Middle of the brain in the atlas's world [mm]; it comes to lie in the middle of the images."""

Window = tuple[slice, slice, slice]
"""Voxels of the images along each axis."""


@dataclass(frozen=True)
class Truth:
    """What a tumour and its segmentation are made with.

    Parameters
    ----------
    lambda_mm : float
        sqrt(D/rho), width of the invasion front [mm].
    rhoT : float
        Proliferation rate times T [-].
    WT, TC : float
        Cell densities at which oedema and core become visible.
    origin_atlas : tuple
        Origin of the tumour in the atlas's world [mm], moved to the nearest white matter.
    boundary_mm, boundary_length_mm : float
        Size and correlation length of the segmentation's errors [mm].
    h0, r0_per_mm2 : float
        Height and inverse squared width of the seed.
    white_to_grey : float
        Ratio of the diffusivities in white and grey matter.
    """

    lambda_mm: float = 4.2
    rhoT: float = 7.5
    WT: float = 0.30
    TC: float = 0.65
    origin_atlas: tuple[float, float, float] = (-32.0, -26.0, 27.0)
    boundary_mm: float = 0.5
    boundary_length_mm: float = 4.0
    h0: float = 0.1
    r0_per_mm2: float = 0.1
    white_to_grey: float = 10.0

    @property
    def DT_mm2(self) -> float:
        """D T = lambda^2 rho T [mm^2]."""
        return self.lambda_mm**2 * self.rhoT


@dataclass(frozen=True)
class Head:
    """The atlas seen through a deformation, on the grid of `SHAPE` and `AFFINE`."""

    atlas: Atlas
    deformation: Deformation

    @classmethod
    def random(cls, atlas: Atlas, rng: np.random.Generator) -> Head:
        """A head of its own for every state of the generator."""
        middle = AFFINE[:3, :3] @ (np.array(SHAPE) / 2.0) + AFFINE[:3, 3]
        return cls(atlas, random_deformation(rng, middle, BRAIN_CENTRE))

    def tissue(self, window: Window, refine: int = 1) -> tuple[np.ndarray, np.ndarray]:
        """White and grey matter (nx, ny, nz), in [0, 1], on cells of 1/refine mm.

        A window of a single slice is not refined across it.
        """
        i, j, k = _indices(window, refine)
        wm, gm = (np.empty((len(i), len(j), len(k)), np.float32) for _ in range(2))
        for n, level in enumerate(k):
            points = self.deformation(world_points(AFFINE, i, j, level))
            for tissue, atlas in ((wm, self.atlas.wm), (gm, self.atlas.gm)):
                tissue[:, :, n] = interpolated(atlas.data, atlas.affine, points)
        return wm, gm

    def origin(self, truth: Truth) -> np.ndarray:
        """The wanted origin of a tumour in the head's world, RAS mm, (3,)."""
        return self.deformation.inverse(np.array(truth.origin_atlas))

    @cached_property
    def brain(self) -> Window:
        """The voxels that hold all tissue."""
        coarse = tuple(np.arange(0.0, n, _STRIDE) for n in SHAPE)
        held = np.stack(
            [
                interpolated(
                    self.atlas.brain.data.astype(np.float32),
                    self.atlas.brain.affine,
                    self.deformation(world_points(AFFINE, coarse[0], coarse[1], k)),
                )
                for k in coarse[2]
            ],
            axis=-1,
        )
        places = [np.unique(index) * _STRIDE for index in np.nonzero(held > 0)]
        ends = zip(places, SHAPE, strict=True)
        first, second, third = (
            slice(max(int(p[0]) - _STRIDE, 0), min(int(p[-1]) + _STRIDE + 1, n)) for p, n in ends
        )
        return first, second, third


_STRIDE = 4
_NOTHING = 1e-5
"""Density that no outline ever sees."""


def reach(truth: Truth) -> float:
    r"""Distance from the origin beyond which a tumour's density is below 1e-5, mm.

    Growth without saturation in white matter without walls, an upper bound there, from its seed:

    .. math:: u = h_0 (1 + 4 r_0 D T)^{-3/2} \exp(\rho T - r^2 / (4 D T + 1/r_0))
    """
    spread = 1.0 + 4.0 * truth.r0_per_mm2 * truth.DT_mm2
    height = np.log(truth.h0 / _NOTHING) + truth.rhoT - 1.5 * np.log(spread)
    return float(np.sqrt(max(height, 0.0) * spread / truth.r0_per_mm2))


def window_about(point: np.ndarray, reach_mm: float, within: Window) -> Window:
    """The part of a window that is not farther from a point, RAS mm, along any axis."""
    centre = np.linalg.inv(AFFINE)[:3] @ np.append(point, 1.0)
    low, high = np.floor(centre - reach_mm), np.ceil(centre + reach_mm) + 1
    ends = zip(within, low.astype(int), high.astype(int), strict=True)
    x, y, z = (slice(max(w.start, a), min(w.stop, b)) for w, a, b in ends)
    return x, y, z


@dataclass(frozen=True)
class Grown:
    """A tumour grown on cells of 1/refine mm.

    Attributes
    ----------
    u : ndarray (nx, ny) or (nx, ny, nz)
        Density of the cells of the window.
    tissue : bool ndarray of that shape
        Cells of white or grey matter.
    window : Window
        Voxels of the images that were grown in.
    x0 : ndarray (3,)
        Origin, RAS mm.
    refine : int
        Cells along a voxel.
    """

    u: np.ndarray
    tissue: np.ndarray
    window: Window
    x0: np.ndarray
    refine: int

    def on_voxels(self, cells: np.ndarray) -> np.ndarray:
        """Means over the cells of every voxel."""
        split = [part for n in cells.shape for part in (n // self.refine, self.refine)]
        mean: np.ndarray = cells.reshape(split).mean(axis=tuple(range(1, len(split), 2)))
        return mean

    def in_tissue(self) -> np.ndarray:
        """Density on the images' voxels `SHAPE`, the mean over their cells of tissue; else 0."""
        share = self.on_voxels(self.tissue.astype(np.float32))
        mean = self.on_voxels(np.where(self.tissue, self.u, 0))
        everywhere = np.zeros(SHAPE, mean.dtype)
        np.divide(mean, share, out=everywhere[self.window], where=share > 0)
        return everywhere


def grow_in(
    head: Head, truth: Truth, window: Window, refine: int = 2, reach_mm: float = np.inf
) -> Grown:
    """Grow a tumour in a window of a head: in the plane where the window is a single slice.

    Parameters
    ----------
    head : Head
    truth : Truth
    window : Window
        Voxels to grow in.
    refine : int
        Cells along a voxel.
    reach_mm : float
        So far from the origin nothing has arrived: the tissue there is left out.
    """
    wm, gm = head.tissue(window, refine)
    axes = [AFFINE[a, a] * n + AFFINE[a, 3] for a, n in enumerate(_indices(window, refine))]
    tissue = wm + gm >= 0.5
    white = np.divide(wm, wm + gm, out=np.zeros_like(wm), where=tissue)
    distance = _squared_distance(axes, head.origin(truth))
    nearest = np.unravel_index(np.argmin(np.where(white > 0.9, distance, np.inf)), white.shape)
    x0 = np.array([axis[n] for axis, n in zip(axes, nearest, strict=True)])
    squared = _squared_distance(axes, x0)
    plane = squared.shape[2] == 1
    seed = truth.h0 * np.exp(-truth.r0_per_mm2 * squared)
    flat = (lambda a: a[:, :, 0]) if plane else (lambda a: a)
    u = grow(
        diffusivity=flat(white + (1.0 - white) / truth.white_to_grey),
        tissue=flat(tissue & (squared < reach_mm**2)),
        spacing=1.0 / refine,
        DT=truth.DT_mm2,
        rhoT=truth.rhoT,
        seed_density=flat(seed if plane else seed.astype(np.float32)),
        scheme=HEUN if plane else STABILISED,
    )
    return Grown(u, flat(tissue), window, x0, refine)


def grow_whole(head: Head, truth: Truth, refine: int = 2) -> Grown:
    """Grow a tumour in space, in the part of a head that it can reach."""
    window = window_about(head.origin(truth), reach(truth), head.brain)
    return grow_in(head, truth, window, refine)


def slice_window(index: int) -> Window:
    """A whole axial slice of the images."""
    return slice(0, SHAPE[0]), slice(0, SHAPE[1]), slice(index, index + 1)


def axial_index(point: np.ndarray) -> int:
    """The axial slice of the images nearest to a point, RAS mm."""
    return int(np.rint((np.linalg.inv(AFFINE) @ np.append(point, 1.0))[2]))


def _indices(window: Window, refine: int) -> list[np.ndarray]:
    """Voxel indices of the centres of the cells when every voxel is split into ``refine``."""
    return [
        side.start + (np.arange((side.stop - side.start) * parts) + 0.5) / parts - 0.5
        for side in window
        for parts in [1 if side.stop - side.start == 1 else refine]
    ]


def _squared_distance(axes: list[np.ndarray], point: np.ndarray) -> np.ndarray:
    """Squared distance of the cells to a point, mm^2, (nx, ny, nz)."""
    x, y, z = ((axis - c) ** 2 for axis, c in zip(axes, point, strict=True))
    squared: np.ndarray = x[:, None, None] + y[:, None] + z
    return squared
