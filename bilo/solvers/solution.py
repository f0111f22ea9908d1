"""What a problem may ask of a numerical solution."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class NumericalSolution:
    """A function of the coordinates by name, (N,) each, that may know more than its values."""

    def __call__(self, *points: Any, **coordinates: Any) -> Array:
        """u (N,) at points."""
        raise NotImplementedError

    @classmethod
    def together(cls, solutions: Sequence[Self], *points: Any, **coordinates: Any) -> Array:
        """Values (B, N) of several solutions; one by one unless the solver knows a shorter way."""
        return np.stack([solution(*points, **coordinates) for solution in solutions])

    def sensitivities(self, *points: Any, **coordinates: Any) -> tuple[Array, Array] | None:
        """u (N,) and its exact derivatives by the scalars (m, N); None: they are not known."""
        return None
