"""A plane through the fitted problem, as a problem in the plane: what the maps of a page draw."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from gbm.config.model import Plane
from gbm.domain.domain import Domain

ACROSS: dict[Plane, int] = {"axial": 2, "coronal": 1, "sagittal": 0}
"""Axis of a volume that runs across each plane."""

_FIELDS = ("P", "phi", "WT", "TC", "wm", "gm", "csf")


@dataclass(frozen=True)
class Section:
    """The fitted slice, or a plane of voxels of a volume.

    Attributes
    ----------
    domain : Domain
        Of two dimensions.
    across, index : int or None
        Axis of the volume across the plane, and the plane's voxels along it; None: the slice.
    """

    domain: Domain
    across: int | None = None
    index: int | None = None

    def of(self, field: np.ndarray) -> np.ndarray:
        """A field of the problem on this plane; axes before those of the problem stay."""
        if self.across is None or self.index is None:
            return field
        return np.take(field, self.index, axis=self.across - 3)

    def point(self, place: np.ndarray) -> np.ndarray:
        """The two coordinates of a point of the problem that lie in this plane, mm."""
        return place if self.across is None else np.delete(place, self.across)


def section(domain: Domain, plane: Plane, place: np.ndarray) -> Section:
    """The plane of voxels of a volume next to a point (d,), mm; a slice is its own only plane."""
    if domain.dimensions == 2:
        return Section(domain)
    across = ACROSS[plane]
    count = domain.phi.shape[across]
    index = int(np.clip(np.rint(domain.index(place)[across]), 0, count - 1))
    inside = [axis for axis in range(3) if axis != across]
    affine = domain.affine.copy()
    affine[:3, :3] = domain.affine[:3, [*inside, across]]
    affine[:3, 3] += index * domain.affine[:3, across]
    cut = replace(
        domain,
        **{name: np.take(getattr(domain, name), index, axis=across) for name in _FIELDS},
        axes=tuple(domain.axes[axis] for axis in inside),
        x0=np.delete(domain.x0, across),
        affine=affine,
        plane=plane,
    )
    return Section(cut, across, index)
