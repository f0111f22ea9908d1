"""Which grid does what: the network's equation, its objective, and what is reported."""

from __future__ import annotations

from dataclasses import dataclass

from gbm.config.settings import BY_DIMENSION


@dataclass(frozen=True)
class Grids:
    """Cell sizes of one fit, mm.

    In the plane everything is solved on cells of 1 / refine mm and judged on the voxels of 1 mm. A
    volume has eight times as many cells on every finer grid: there the network learns, and is
    compared with the solver, on 2 mm, and all that is reported comes from solves on 1 mm.

    Attributes
    ----------
    network : float
        Cells of the network's equation.
    objective : int
        Voxels along the cells that its objective lives on.
    reported : float
        Cells of the solutions that are reported, by their means on the voxels.
    screen, descent : int
        Cells of the direct search: of its table, and of its first descents.
    """

    network: float
    objective: int
    reported: float
    screen: int
    descent: int

    @classmethod
    def of(cls, dimensions: int, refine: int | None = None) -> Grids:
        """The grids of a problem of 2 or 3 dimensions under the setting `verify.refine`.

        By default that of the dimension.
        """
        if refine is None:
            refine = BY_DIMENSION[dimensions]["verify"]["refine"]
        if dimensions == 2:
            return cls(1 / refine, 1, 1 / refine, 2, 2)
        return cls(2.0, 2, 1 / refine, 4, 2)

    @property
    def per_cell(self) -> int:
        """Cells of the network's grid along one of its objective."""
        return round(self.objective / self.network)

    @property
    def per_voxel(self) -> int:
        """Cells of the reported grid along a voxel."""
        return round(1 / self.reported)
