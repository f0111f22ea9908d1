"""How an objective is a likelihood: what turns its curvature into a precision of the unknowns."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Likelihood:
    """Minus a log-likelihood as a multiple of an objective,

        -log p = (factor / s^2) L + constant,      s^2 = squares / (count - parameters)

    where the variance s^2 of the noise is not known.

    Parameters
    ----------
    factor : float
    variance : float or None
        s^2 of data of weight one; None: estimated.
    squares : float
        Weighted sum of squared misfits.
    count : int
        Data that say anything.
    """

    factor: float
    variance: float | None = None
    squares: float = 0.0
    count: int = 0

    def scale(self, parameters: int) -> float | None:
        """factor / s^2; None where there are no more data than parameters to estimate s^2 from."""
        variance = self.variance
        if variance is None:
            if self.count <= parameters:
                return None
            variance = self.squares / (self.count - parameters)
        return self.factor / max(variance, 1e-300)

    def freedom(self, parameters: int) -> float:
        """Degrees of freedom of the estimated variance; infinite where it is known."""
        return math.inf if self.variance is not None else float(self.count - parameters)
