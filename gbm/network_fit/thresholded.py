"""What every upper level of a tumour has: the imaging thresholds as nuisance parameters."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from bilo.inverse import objective
from gbm.config.conventions import REGIONS
from gbm.growth.inverse_problem import GrowthInverseProblem
from gbm.growth.thresholds import from_unconstrained, to_unconstrained


class Thresholded(objective.Objective):
    """An objective whose nuisance parameters are u_WT and u_TC, free of constraints.

    Parameters
    ----------
    inverse : GrowthInverseProblem
        On the cells of the tumour's objective; the first guess is the prior's means,
        moved inside the bounds.
    """

    def __init__(self, inverse: GrowthInverseProblem) -> None:
        self.inverse = inverse
        self.begin_at(inverse.first_thresholds)

    def begin_at(self, thresholds: Sequence[float] | np.ndarray) -> None:
        """Let the fit begin at these thresholds."""
        given = np.array(thresholds, dtype=float)
        self.start = torch.from_numpy(to_unconstrained(given, self.inverse.threshold_bounds))

    def identity(self) -> str:
        """Nothing beside the tumour's: a fit's key covers its data."""
        return ""

    def describe(self, nuisance: Tensor) -> dict[str, float]:
        """u_WT and u_TC by region."""
        return dict(zip(REGIONS, self.thresholds(nuisance).tolist(), strict=True))

    def thresholds(self, nuisance: Tensor) -> np.ndarray:
        """u_WT and u_TC."""
        free = nuisance.detach().double().numpy()
        return from_unconstrained(free, self.inverse.threshold_bounds)[0]
