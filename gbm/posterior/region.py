"""What is read of a density for one region: along the rays of its outline, and at sign points."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import distance_transform_edt
from scipy.sparse import csr_matrix
from scipy.special import logit

from gbm.config.conventions import REGIONS
from gbm.posterior.displacement import READINGS_MM, covered, covered_slope
from gbm.posterior.outline import Outline

if TYPE_CHECKING:
    from gbm.domain.domain import Domain

_OWN_MM = 2.0
"""Of a ray, to either side of its point, that lies inside and outside as the normal says."""
_EVERY = 6
"""Voxels from one sign point to the next."""
_FROM_OUTLINE_MM, _FROM_WT_MM = 3.0, 20.0
_LEAST_SLOPE = 1e-4
_FLATTEST = 0.05
"""Slope of logit u, 1/mm, below which a point off the outline is no further from it."""


@dataclass(frozen=True)
class Region:
    """An outline, and points off it that lie inside or outside.

    The features of a density, (F,) with F = T m + 2 k, are logit u at T places along each of m
    rays, logit u at the k sign points, and ln |grad logit u| there; see `Reader`.

    Attributes
    ----------
    name : str
        WT or TC.
    outline : Outline
    t : ndarray (T,)
        Where the rays are read, mm outward.
    drawn, tissue : ndarray (m, T - 1)
        Tissue of the region, and all of it, along each ray between two readings each, mm.
    signs : ndarray (k, d)
        Sign points, mm.
    side : ndarray (k,)
        +1 for sign points inside of the region, -1 outside.
    """

    name: str
    outline: Outline
    t: np.ndarray
    drawn: np.ndarray
    tissue: np.ndarray
    signs: np.ndarray
    side: np.ndarray

    @classmethod
    def of(cls, domain: Domain, name: str) -> Region:
        """One region of a domain."""
        mask: np.ndarray = getattr(domain, name)
        outline, index = Outline.of(domain, name), _sign_points(domain, name)
        first = np.array([axis[0] for axis in domain.axes])
        side = np.where(mask[tuple(index.T)], 1.0, -1.0)
        t = READINGS_MM[mask.ndim]
        drawn, tissue = _lengths(domain, mask, outline, t)
        signs = first + domain.spacing * index
        return cls(name, outline, t, drawn, tissue, signs, side)

    @property
    def size(self) -> int:
        """Number F of features."""
        return self.t.size * len(self.outline.faces) + 2 * len(self.side)

    def rays(self, features: np.ndarray) -> np.ndarray:
        """logit u along the rays (W, m, T), of features (W, F)."""
        rays, _, _ = self._parts(features)
        return rays

    def displacement(self, features: np.ndarray, tau: np.ndarray) -> np.ndarray:
        """delta (W, m), mm, of features (W, F) at thresholds (W,)."""
        inside = covered(self.rays(features) - logit(tau)[:, None, None])
        return np.asarray((inside * self.tissue - self.drawn).sum(axis=-1))

    def sign_error(self, features: np.ndarray, tau: np.ndarray) -> np.ndarray:
        """How far on their right side the sign points are, e (W, k), mm, about

        e = +-(logit u - logit tau) / sqrt(g^2 + 0.05^2),    g = |grad logit u|.
        """
        _, value, slope = self._parts(features)
        width = np.hypot(slope, _FLATTEST)
        return np.asarray(self.side * (value - logit(tau)[:, None]) / width)

    def pulled_back(
        self, features: np.ndarray, tau: float, by_delta: np.ndarray, by_error: np.ndarray
    ) -> tuple[np.ndarray, float]:
        """Derivatives by features (F,) and threshold of what has those by delta (m,), e (k,)."""
        (rays,), (value,), (slope,) = self._parts(features[None])
        v, off = rays - logit(tau), value - logit(tau)
        by_rays = covered_slope(v, by_delta[:, None] * self.tissue)
        width = np.hypot(slope, _FLATTEST)
        by_value = self.side * by_error / width
        by_steepness = -by_value * off * (slope / width) ** 2
        by_tau = -(by_rays.sum() + by_value.sum()) / (tau * (1.0 - tau))
        return np.concatenate([by_rays.ravel(), by_value, by_steepness]), float(by_tau)

    def _parts(self, features: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Rays (W, m, T), logit u at the sign points and its slope (1/mm), (W, k), of (W, F)."""
        m, k, n = len(self.outline.faces), len(self.side), self.t.size
        rays, value, steepness = np.split(features, [n * m, n * m + k], axis=1)
        return rays.reshape(len(features), m, n), value, np.exp(steepness)


@dataclass(frozen=True)
class Reader:
    """What reads a region's features on the cells of one grid.

    Attributes
    ----------
    rays, signs : sparse (T m, cells), (k, cells)
        Multilinear readings.
    slopes : tuple of d sparse (k, cells)
        Central differences over 2 mm.
    """

    rays: csr_matrix
    signs: csr_matrix
    slopes: tuple[csr_matrix, ...]

    @classmethod
    def of(cls, region: Region, axes: Sequence[np.ndarray]) -> Reader:
        """Of a region on a grid of d axes, mm."""
        outline, d = region.outline, len(axes)
        rays = outline.along(region.t)
        slopes = (
            reading(axes, region.signs + e) - reading(axes, region.signs - e) for e in np.eye(d)
        )
        return cls(
            reading(axes, rays.reshape(-1, d)),
            reading(axes, region.signs),
            tuple(0.5 * slope for slope in slopes),
        )

    def __call__(self, logit_u: np.ndarray) -> np.ndarray:
        """Features (F,) of logit u on the cells, flattened."""
        steepness = np.log(np.linalg.norm(self._gradient(logit_u), axis=0) + _LEAST_SLOPE)
        return np.concatenate([self.rays @ logit_u, self.signs @ logit_u, steepness])

    def pulled_back(self, by_features: np.ndarray, logit_u: np.ndarray) -> np.ndarray:
        """Derivative (cells,) by logit u of what has the derivative (F,) by the features."""
        n, k = self.rays.shape[0], self.signs.shape[0]
        by_rays, by_signs, by_steepness = np.split(by_features, [n, n + k])
        gradient = self._gradient(logit_u)
        size = np.linalg.norm(gradient, axis=0)
        along = by_steepness * gradient / (np.maximum(size, 1e-12) * (size + _LEAST_SLOPE))
        back = self.rays.T @ by_rays + self.signs.T @ by_signs
        return np.asarray(sum((s.T @ g for s, g in zip(self.slopes, along, strict=True)), back))

    @property
    def cells(self) -> np.ndarray:
        """Flat indices, ascending, of the cells that are read."""
        matrices = (self.rays, self.signs, *self.slopes)
        return np.unique(np.concatenate([matrix.indices for matrix in matrices]))

    def on(self, cells: np.ndarray) -> Reader:
        """The same of values on some cells alone (flat indices), which hold all that are read."""
        slopes = tuple(slope[:, cells] for slope in self.slopes)
        return Reader(self.rays[:, cells], self.signs[:, cells], slopes)

    def _gradient(self, logit_u: np.ndarray) -> np.ndarray:
        """Of logit u (cells,) at the sign points, (d, k)."""
        return np.array([slope @ logit_u for slope in self.slopes])


def reading(axes: Sequence[np.ndarray], points: np.ndarray) -> csr_matrix:
    """Matrix (N, cells) of the multilinear values at points (N, d), mm, of a field on d axes.

    Points beyond the outermost centres read those.
    """
    shape = tuple(axis.size for axis in axes)
    first = np.array([axis[0] for axis in axes])
    index = (points - first) / (axes[0][1] - axes[0][0])
    index = np.clip(index, 0.0, np.array(shape) - 1.0)
    low = np.minimum(index.astype(int), np.array(shape) - 2)
    share = index - low
    matrix = csr_matrix((len(points), int(np.prod(shape))))
    for corner in itertools.product((0, 1), repeat=len(shape)):
        weight = np.prod(np.where(corner, share, 1.0 - share), axis=1)
        cell = np.ravel_multi_index(tuple((low + corner).T), shape)
        where = (np.arange(len(points)), cell)
        matrix = matrix + csr_matrix((weight, where), shape=matrix.shape)
    return matrix


def _lengths(
    domain: Domain, mask: np.ndarray, outline: Outline, t: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Tissue of a region, and all of it, in mm along rays between readings at t (T,), mm.

    Both (m, T - 1). Beyond the border of the domain, where there are no voxels, is no tissue.
    """
    middles = np.arange(t[0] + 0.5, t[-1])
    places = outline.along(middles)
    along = reading(domain.axes, places.reshape(-1, mask.ndim))
    first, last = (np.array([axis[end] for axis in domain.axes]) for end in (0, -1))
    beyond = np.maximum(first - places, places - last).max(axis=-1) > domain.spacing / 2
    tissue, drawn = (
        np.where(beyond, 0.0, (along @ part.ravel().astype(float)).reshape(places.shape[:2]))
        for part in (domain.tissue, mask & domain.tissue)
    )
    # a point is the mean of faces: nearer to the edge than the voxels that the ray meets are
    drawn = np.where(np.abs(middles) < _OWN_MM, tissue * (middles < 0), drawn)
    pieces = (len(places), t.size - 1, middles.size // (t.size - 1))
    return drawn.reshape(pieces).sum(axis=-1), tissue.reshape(pieces).sum(axis=-1)


def _sign_points(domain: Domain, name: str) -> np.ndarray:
    """Every 6th voxel of tissue near WT but off the outline; indices (k, d).

    Those of the core lie inside of WT.
    """
    mask: np.ndarray = getattr(domain, name)
    lattice = np.zeros(mask.shape, bool)
    lattice[(slice(_EVERY // 2, None, _EVERY),) * mask.ndim] = True
    near = distance_transform_edt(~domain.WT, sampling=domain.spacing) <= _FROM_WT_MM
    off = _FROM_OUTLINE_MM / domain.spacing
    off_outline = (distance_transform_edt(mask) > off) | (distance_transform_edt(~mask) > off)
    chosen = lattice & domain.tissue & near & off_outline
    return np.argwhere(chosen & domain.WT if name != REGIONS[0] else chosen)
