"""What is known of the growth parameters before a segmentation is seen: weak log-normal priors.

    w [ ((ln lambda - ln lambda_m) / s_lambda)^2 + ((ln rhoT - ln rhoT_m) / s_rho)^2 ]

with the weight w of the prior of the thresholds, which are counted in standard deviations too. A
soft threshold rewards steep fronts, and Dice is flat to a few thousandths along the valley of
lambda: without it a fit may run to a bound of lambda that the segmentation does not ask for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from gbm.config.objective_settings import OVERLAP, GrowthPriorSettings, LogNormal

_DEFAULT = GrowthPriorSettings()

Explicit = Callable[[np.ndarray], tuple[float, np.ndarray]]
"""A function of some unknowns (n,) and its gradient (n,)."""


def flat(d: np.ndarray) -> tuple[float, np.ndarray]:
    """Nothing is known of the unknowns."""
    return 0.0, np.zeros(np.shape(d))


@dataclass(frozen=True)
class GrowthPrior:
    """Prior of lambda = sqrt(D/rho) and rho T as a term of the objective.

    Attributes
    ----------
    weight : float
        w, what one standard deviation costs.
    lambda_mm, rhoT : LogNormal
        Medians in mm and without a unit. Literature: lambda 0.7-3.5 mm and more, rho T 3-18.
    """

    weight: float = OVERLAP["prior_weight"]
    lambda_mm: LogNormal = _DEFAULT.lambda_mm
    rhoT: LogNormal = _DEFAULT.rhoT

    def value_and_grad(self, ln_growth: np.ndarray) -> tuple[float, np.ndarray]:
        """The term at (ln lambda, ln rho T), lambda in mm, and its gradient (2,)."""
        sd = np.array([self.lambda_mm.log_sd, self.rhoT.log_sd])
        z = (ln_growth - np.log([self.lambda_mm.median, self.rhoT.median])) / sd
        return self.weight * float(z @ z), 2 * self.weight * z / sd

    def value(self, lambda_mm: float, rhoT: float) -> float:
        """The term at lambda (mm) and rho T."""
        return self.value_and_grad(np.log([lambda_mm, rhoT]))[0]

    def along(self, here: np.ndarray, directions: np.ndarray) -> Explicit:
        """The term as a function of d, at (ln lambda, ln rho T) = here + directions d.

        Parameters
        ----------
        here : ndarray (2,)
        directions : ndarray (2, n)
        """

        def term(d: np.ndarray) -> tuple[float, np.ndarray]:
            value, gradient = self.value_and_grad(here + directions @ d)
            return value, gradient @ directions

        return term

    @property
    def curvature(self) -> np.ndarray:
        """Second derivatives by (ln lambda, ln rho T), (2,)."""
        return 2 * self.weight / np.array([self.lambda_mm.log_sd, self.rhoT.log_sd]) ** 2
