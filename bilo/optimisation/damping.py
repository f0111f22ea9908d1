"""Levenberg's parameter, or a trust region's radius: how it answers to what a step gained.

    gain ratio = (decrease of the objective) / (decrease that the model predicted_decrease)

References: Marquardt 1963, J. SIAM 11; Nocedal and Wright 2006, Numerical Optimization, section
4.1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

NO_DECREASE, ANY_DECREASE = -math.inf, math.inf
"""Gain ratios of a search that asks for a decrease alone."""


@dataclass(frozen=True)
class Damping:
    """Factors of mu, or of a radius, after a good, a fair and any other step.

    Parameters
    ----------
    after_good, after_fair, after_bad : float
    good, fair : float
        Gain ratios above which a step was good, and fair.
    accepted : float
        Gain ratio above which a step is taken.
    least, greatest : float
        Where mu stays.

    Examples
    --------
    >>> rule = Damping(0.1, 1.0, 10.0)
    >>> rule.next(1e-2, gain_ratio=0.9), rule.next(1e-2, gain_ratio=-3.0)
    (0.001, 0.1)
    """

    after_good: float
    after_fair: float
    after_bad: float
    good: float = 0.75
    fair: float = 0.25
    accepted: float = 0.0
    least: float = 0.0
    greatest: float = math.inf

    def next(self, mu: float, gain_ratio: float) -> float:
        """mu for the next step; a ratio that is no number is a bad one."""
        factor = self.after_bad
        if gain_ratio > self.fair:
            factor = self.after_good if gain_ratio > self.good else self.after_fair
        return min(max(mu * factor, self.least), self.greatest)

    def accepts(self, gain_ratio: float) -> bool:
        """Whether a step is taken."""
        return gain_ratio > self.accepted
