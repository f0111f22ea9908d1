"""Growth parameters and initial density: what the equation has in it besides the tissue."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gbm.config.settings import GrowthSettings

_DEFAULT = GrowthSettings()


@dataclass(frozen=True)
class Growth:
    """Growth up to the time T of the scan.

    Attributes
    ----------
    DT : float
        Diffusivity in white matter times T, mm^2.
    rhoT : float
        Proliferation rate times T.
    """

    DT: float
    rhoT: float

    @classmethod
    def of_lambda(cls, lambda_mm: float, rhoT: float) -> Growth:
        """D T = lambda^2 rho T."""
        return Growth(lambda_mm**2 * rhoT, rhoT)

    @property
    def lambda_mm(self) -> float:
        """Infiltration length sqrt(D/rho), mm."""
        return float(np.sqrt(self.DT / self.rhoT))


def squared_distance(axes: Sequence[np.ndarray], x0: np.ndarray) -> np.ndarray:
    """|x - x0|^2 (mm^2) on the grid of d axes (n_1,), .., (n_d,): (n_1, .., n_d)."""
    parts = [(x - c) ** 2 for x, c in zip(np.ix_(*axes), x0, strict=True)]
    return np.asarray(sum(parts[1:], parts[0]))


@dataclass(frozen=True)
class Seed:
    """Initial density h0 exp(-r0 |x - x0|^2).

    Attributes
    ----------
    x0 : ndarray (d,)
        Origin, mm.
    h0, r0 : float
        Height, and inverse width in 1/mm^2.
    """

    x0: np.ndarray
    h0: float = _DEFAULT.h0
    r0: float = _DEFAULT.r0_per_mm2

    def density(self, *axes: np.ndarray) -> np.ndarray:
        """On the grid of d axes (n_1,), .., (n_d,), mm: (n_1, .., n_d)."""
        return np.asarray(self.h0 * np.exp(-self.r0 * squared_distance(axes, self.x0)))
