"""The tissue as the solver sees it: cells and faces of one grid, in two or three dimensions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import logit

if TYPE_CHECKING:
    from gbm.domain.domain import Domain

_TINY = 1e-12  # keeps harmonic means finite where P vanishes; far below the least phi of 1e-4
_PARTS = {2: 4, 3: 2}
"""Least number of parts of a voxel, along an axis, that cells and faces are averaged over."""


@dataclass(frozen=True)
class GrowthMap:
    """Cells and faces of one grid of d axes: everything the solver needs to know of the tissue.

    Attributes
    ----------
    axes : tuple of d ndarrays (n_k,)
        Cell centres, mm, uniformly spaced with the same step.
    phi : ndarray (n_1, .., n_d)
        Cell means of the phase field.
    faces : tuple of d ndarrays
        P phi on the faces between neighbours along each axis, one fewer than cells along it.
    """

    axes: tuple[np.ndarray, ...]
    phi: np.ndarray
    faces: tuple[np.ndarray, ...]

    @property
    def h(self) -> float:
        """Cell size, mm."""
        return float(self.axes[0][1] - self.axes[0][0])

    @property
    def dimensions(self) -> int:
        """The number of axes."""
        return len(self.axes)

    @classmethod
    def from_cells(cls, axes: tuple[np.ndarray, ...], P: np.ndarray, phi: np.ndarray) -> GrowthMap:
        """Build from values at the cell centres; faces take the harmonic mean of P phi."""
        c = 1.0 / (P * phi + _TINY)
        faces = [2.0 / (upper + lower) for lower, upper in (pairs(c, k) for k in range(c.ndim))]
        return cls(axes, phi, tuple(faces))

    @classmethod
    def of(cls, domain: Domain, cell_mm: float = 1.0) -> GrowthMap:
        """Scale the multilinear P and phi to cells of 1/n or n voxels of a domain of 1 mm.

        phi is averaged over the cell; P phi arithmetically across each face and harmonically (in
        series) between the two centres, which is what thin tissue walls need. Lines of voxels that
        fill no cell are left out.
        """
        split = round(1 / cell_mm) if cell_mm < 1 else 1
        per_voxel = max(_PARTS[domain.dimensions], 2 * split)
        per_cell = round(per_voxel * cell_mm)
        phi, P = (_parts(_whole(a, cell_mm), per_voxel) for a in (domain.phi, domain.P))
        P *= phi
        return cls(
            cell_axes(domain.axes, cell_mm),
            coarsen(phi, per_cell),
            tuple(_in_series(P, per_cell, axis) for axis in range(P.ndim)),
        )


def cell_axes(axes: tuple[np.ndarray, ...], cell_mm: float) -> tuple[np.ndarray, ...]:
    """Centres (mm) of cells of 1/n or n voxels along each of the axes of a domain."""
    found = []
    for axis in axes:
        h = float(axis[1] - axis[0])
        count = int(axis.size / cell_mm + 1e-9)
        found.append(axis[0] - h / 2 + (np.arange(count) + 0.5) * h * cell_mm)
    return tuple(found)


def coarsen(u: np.ndarray, parts: int, dimensions: int | None = None) -> np.ndarray:
    """Means over blocks of `parts` along the last axes, by default all; what fills none is cut."""
    if parts == 1:
        return u
    d = u.ndim if dimensions is None else dimensions
    lead, last = u.shape[: u.ndim - d], u.shape[u.ndim - d :]
    whole: tuple[Any, ...] = tuple(slice(n // parts * parts) for n in last)
    kept = u[(..., *whole)]
    shape = [size for n in last for size in (n // parts, parts)]
    return kept.reshape(*lead, *shape).mean(axis=tuple(range(-1, -2 * d, -2)))


def pairs(a: np.ndarray, axis: int) -> tuple[np.ndarray, np.ndarray]:
    """The lower and the upper one of all neighbours along an axis, one fewer than there are."""
    along = np.moveaxis(a, axis, 0)
    return np.moveaxis(along[:-1], 0, axis), np.moveaxis(along[1:], 0, axis)


def logit_between(u: np.ndarray, parts: int, shape: tuple[int, ...]) -> np.ndarray:
    """Logit, multilinear between centres, of a density of cells: at the voxels as in `spread`."""
    return spread(logit(np.clip(u, 1e-9, 1 - 1e-9)), parts, shape)


def spread(u: np.ndarray, parts: int, shape: tuple[int, ...]) -> np.ndarray:
    """Multilinear values of cells of `parts` voxels at the voxels of an array of a shape."""
    for axis, n in enumerate(shape):
        u = _along(_hats(u.shape[axis], parts, n), u, axis)
    return u


def _whole(a: np.ndarray, cell_mm: float) -> np.ndarray:
    """The voxels that fill whole cells."""
    n = max(round(cell_mm), 1)
    return a[tuple(slice(size // n * n) for size in a.shape)]


def _parts(a: np.ndarray, parts: int) -> np.ndarray:
    """Multilinear values at the centres of `parts` parts of every voxel along each axis."""
    return spread(a, parts, tuple(n * parts for n in a.shape))


def _hats(n: int, parts: int, count: int) -> np.ndarray:
    """Row q holds the hat functions of n centres at the centre of part q of `count`."""
    position = np.clip((np.arange(count) + 0.5) / parts - 0.5, 0, n - 1)
    return np.maximum(0.0, 1.0 - np.abs(position[:, None] - np.arange(n)[None, :]))


def _along(weights: np.ndarray, a: np.ndarray, axis: int) -> np.ndarray:
    """A matrix applied along one axis."""
    product = np.tensordot(weights.astype(a.dtype), a, axes=(1, axis))
    return np.moveaxis(product, 0, axis)


def _in_series(product: np.ndarray, n: int, axis: int) -> np.ndarray:
    """Faces along an axis from n parts a cell: mean across, in series between the centres."""
    across = _mean_across(product, n, axis)
    resistance = 1.0 / (across[n // 2 : -(n // 2)] + _TINY)
    faces = 1.0 / resistance.reshape(-1, n, *across.shape[1:]).mean(axis=1)
    return np.ascontiguousarray(np.moveaxis(faces, 0, axis))


def _mean_across(product: np.ndarray, n: int, axis: int) -> np.ndarray:
    """Means over blocks of n across an axis, which comes first."""
    return coarsen(np.moveaxis(product, axis, 0), n, product.ndim - 1)
