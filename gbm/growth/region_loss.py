"""The segmentation objective: how well thresholded densities match the expert's regions.

For each region r with mask y, threshold u_r and soft mask s = sigmoid(k (u - u_r)),

    soft_dice:    1 - (2 sum phi s y + e) / (sum phi s + sum phi y + e),   e = 1 voxel
    relative_l2:  mean phi^2 (s - y)^2 / mean y^2

summed over WT and TC (WT alone where TC is empty), plus w sum_r ((u_r - m_r) / 0.1)^2 that keeps
the thresholds near their prior means m_r. The sums run over every voxel of the slice or volume, so
the objective lives on a region that is fixed for a patient. What is known of the growth parameters
themselves is added by `gbm.growth.inverse_problem`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy.special import expit

from gbm.config.objective_settings import OVERLAP
from gbm.growth.growth_map import coarsen
from gbm.growth.thresholds import PRIOR_MEANS, PRIOR_SD

if TYPE_CHECKING:
    from gbm.domain.domain import Domain

Name = Literal["soft_dice", "relative_l2"]
Term = Callable[[np.ndarray, np.ndarray, np.ndarray], tuple[float, np.ndarray]]


def soft_dice(s: np.ndarray, y: np.ndarray, phi: np.ndarray) -> tuple[float, np.ndarray]:
    """One minus the phi-weighted soft Dice coefficient, and its derivative by s."""
    overlap = 2 * float(np.sum(phi * s * y)) + 1
    size = float(np.sum(phi * s)) + float(np.sum(phi * y)) + 1
    return 1 - overlap / size, phi * (overlap / size**2 - 2 * y / size)


def relative_l2(s: np.ndarray, y: np.ndarray, phi: np.ndarray) -> tuple[float, np.ndarray]:
    """Mean phi^2 (s - y)^2 / mean y^2 (the published objective), and its derivative by s."""
    area, misfit = float(np.sum(y)), phi**2 * (s - y)
    return float(np.sum(misfit * (s - y))) / area, 2 * misfit / area


TERMS: dict[str, Term] = {"soft_dice": soft_dice, "relative_l2": relative_l2}


Onto = Callable[[np.ndarray], np.ndarray]
"""Brings a field onto other cells."""


def _everything(field: np.ndarray) -> np.ndarray:
    return field


@dataclass(frozen=True)
class RegionLoss:
    """Objective of a density on voxels or cells and of the two thresholds.

    Attributes
    ----------
    phi : ndarray (cells)
        Phase field, the weight of a cell.
    masks : tuple of ndarray (cells)
        WT and TC as 0/1, means on larger cells; an empty TC drops its term and its prior.
    k : float
        Slope of the soft threshold.
    name : {"soft_dice", "relative_l2"}
        Term per region.
    prior_weight : float
        w, the weight of the prior of the thresholds.
    prior_means : tuple of float
        Prior means of u_WT and u_TC.
    """

    phi: np.ndarray
    masks: tuple[np.ndarray, ...]
    k: float = OVERLAP["k_final"]
    name: Name = "soft_dice"
    prior_weight: float = OVERLAP["prior_weight"]
    prior_means: tuple[float, float] = (PRIOR_MEANS["WT"], PRIOR_MEANS["TC"])

    @classmethod
    def of(
        cls,
        domain: Domain,
        k: float = OVERLAP["k_final"],
        name: Name = "soft_dice",
        prior_weight: float = OVERLAP["prior_weight"],
        prior_means: tuple[float, float] = (PRIOR_MEANS["WT"], PRIOR_MEANS["TC"]),
    ) -> RegionLoss:
        """Objective of a patient's own regions."""
        masks = tuple(mask.astype(domain.phi.dtype) for mask in (domain.WT, domain.TC))
        return cls(domain.phi, masks, k, name, prior_weight, prior_means)

    def coarsened(self, parts: int) -> RegionLoss:
        """The same on cells of `parts` voxels along each axis."""
        if parts == 1:
            return self
        masks = tuple(coarsen(mask, parts) for mask in self.masks)
        return replace(self, phi=coarsen(self.phi, parts), masks=masks)

    def kept(self, index: np.ndarray) -> tuple[RegionLoss, np.ndarray]:
        """The same on some cells (flat indices) and all segmented ones, the others in one lump.

        In the lump u = 0; all sums stay what they are. Returned with the flat indices of the cells
        before the lump, the given ones first.
        """
        phi, masks = self.phi.ravel(), [mask.ravel() for mask in self.masks]
        segmented = np.flatnonzero(masks[0] + masks[1])
        cells = np.concatenate([index, np.setdiff1d(segmented, index)])
        rest = np.ones(phi.size, dtype=bool)
        rest[cells] = False
        power = 1 if self.name == "soft_dice" else 2
        lump = float((phi[rest].astype(float) ** power).sum()) ** (1 / power)
        lumped = tuple(np.append(mask[cells].astype(float), 0.0) for mask in masks)
        return replace(self, phi=np.append(phi[cells].astype(float), lump), masks=lumped), cells

    def visible(self, u: np.ndarray, above: float) -> tuple[RegionLoss, Onto]:
        """The same on the cells of a volume that show more than a density, and the segmented.

        Returned with what brings a field of all cells onto them and the lump. A plane is small:
        it stays as it is.
        """
        if u.ndim < 3:
            return self, _everything
        small, cells = self.kept(np.flatnonzero(u > above))
        return small, lambda field: np.append(field.ravel()[cells].astype(float), 0.0)

    @property
    def regions(self) -> tuple[int, ...]:
        """Indices of the regions that are not empty (0 is WT, 1 is TC)."""
        return tuple(r for r in (0, 1) if self.masks[r].any())

    def region(self, r: int, u: np.ndarray, threshold: float) -> tuple[float, np.ndarray, float]:
        """Term and prior of region r, with the derivatives by u and by its threshold."""
        s = np.asarray(expit(self.k * (u - threshold)))
        value, by_s = TERMS[self.name](s, self.masks[r], self.phi)
        slope = self.k * by_s * s * (1 - s)
        deviation = (threshold - self.prior_means[r]) / PRIOR_SD
        by_threshold = -float(slope.sum()) + 2 * self.prior_weight * deviation / PRIOR_SD
        return value + self.prior(r, threshold), slope, by_threshold

    def prior(self, r: int, threshold: float) -> float:
        """Prior of the threshold of region r."""
        return self.prior_weight * float((threshold - self.prior_means[r]) / PRIOR_SD) ** 2

    def value(self, u: np.ndarray, thresholds: np.ndarray) -> float:
        """The sum at the density u (cells) and the thresholds (2,)."""
        return sum(self.region(r, u, thresholds[r])[0] for r in self.regions)

    def value_and_grad(
        self, u: np.ndarray, thresholds: np.ndarray
    ) -> tuple[float, np.ndarray, np.ndarray]:
        """The sum and its derivatives by u (cells) and by the thresholds (2,)."""
        total, by_u, by_thresholds = 0.0, np.zeros_like(u), np.zeros(2)
        for r in self.regions:
            value, slope, by_thresholds[r] = self.region(r, u, thresholds[r])
            total += value
            by_u += slope
        return total, by_u, by_thresholds
