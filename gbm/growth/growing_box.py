"""The box of cells that a growing tumour has reached."""

from __future__ import annotations

import numpy as np

from gbm.growth.lines import Box

MARGIN = 3


class Growing:
    """A box that holds all cells with u > edge, and grows with them.

    A side moves out, by as far as a step in time takes what counts and by `MARGIN` cells at least,
    while its outermost cells hold more than the edge. An edge of 0 is everything, from the start.
    """

    def __init__(self, box: Box, edge: float) -> None:
        self.box, self.edge = box, edge

    @classmethod
    def of(cls, u: np.ndarray, edge: float) -> Growing:
        """The box of a density (n_1, .., n_d), as tight as can be."""
        if edge == 0.0:
            return cls(tuple(slice(0, n) for n in u.shape), edge)
        box = []
        for axis, n in enumerate(u.shape):
            seen = (u > edge).any(axis=tuple(k for k in range(u.ndim) if k != axis))
            places = np.flatnonzero(seen) if seen.any() else np.array([n // 2])
            box.append(slice(int(places[0]), int(places[-1]) + 1))
        return cls(tuple(box), edge)

    def around(self, u: np.ndarray, reach: int = MARGIN) -> Box:
        """The box, extended by `reach` cells where u has arrived at its sides."""
        if self.edge > 0.0:
            margin = max(reach, MARGIN)
            self.box = tuple(self._side(u, axis, margin) for axis in range(u.ndim))
        return self.box

    def _side(self, u: np.ndarray, axis: int, margin: int) -> slice:
        """The extent along an axis."""
        across = [*self.box]
        low, high, n = across[axis].start, across[axis].stop, u.shape[axis]

        def greatest(first: int) -> float:
            across[axis] = slice(first, first + 1)
            return float(u[tuple(across)].max())

        while low > 0 and greatest(low) > self.edge:
            low = max(0, low - margin)
        while high < n and greatest(high - 1) > self.edge:
            high = min(n, high + margin)
        return slice(low, high)
