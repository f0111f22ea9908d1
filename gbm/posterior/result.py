"""The posterior of one patient: samples, intervals, maps, and what they are conditional on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bilo.posterior.intervals import Summary
from gbm.posterior.maps import DensityMaps

MISFIT_MM = 2.5
"""Root mean square of the displacements of an outline that the model does not describe."""
AT_BOUND = 0.1
"""Distance of an interval of ln lambda or ln rho T from a bound, over the interval's length, below
which it ends there: of a normal density, cut one and a half sd from its mean."""
LOST = 0.7
"""Share of an outline at walls beyond which the origin's intervals were seen to fail."""


@dataclass(frozen=True)
class OutlinePosterior:
    """Samples of the growth given the outlines.

    Attributes
    ----------
    ln_lambda, ln_rhoT : ndarray (N,)
        Logarithms of lambda (mm) and rho T.
    x0 : ndarray (N, d)
        Origin, mm.
    thresholds : dict of ndarray (N,)
        By region; one without a segmentation has none.
    weights : ndarray (N,)
        Normalised.
    mode : ndarray (n,)
        ln lambda, ln rho T, x0 and the thresholds where the density of the posterior is greatest.
        It is skew: median or mean are the better estimates.
    maps : DensityMaps
        On the domain's voxels.
    extents : dict of Summary
        ``extent_0.1_mm2`` (in three dimensions ``_ml``), ``margin_0.1_mm`` and so on.
    noise_mm, misfit_mm, lost_outline : dict of float
        By region: the noise level b of the outline, in units of s; the root mean square
        displacement at the mode, where there is a point to compare; and the share of the outline
        within 3 mm of a wall.
    effective_sample_size : float
        As a share of N; below .3 the solver itself was sampled.
    sampler : str
        ``importance`` or ``solver``.
    flags : tuple of str
        ``misfit``, ``origin_at_walls``, ``at_bound``; see `gbm.results.posterior_record.FLAGS`.
    seconds : float
        Wall time.
    """

    ln_lambda: np.ndarray
    ln_rhoT: np.ndarray
    x0: np.ndarray
    thresholds: dict[str, np.ndarray]
    weights: np.ndarray
    mode: np.ndarray
    maps: DensityMaps
    extents: dict[str, Summary]
    noise_mm: dict[str, float]
    misfit_mm: dict[str, float]
    lost_outline: dict[str, float]
    effective_sample_size: float
    sampler: str
    flags: tuple[str, ...]
    seconds: float

    @property
    def growth(self) -> dict[str, np.ndarray]:
        """Samples (N,) of `lambda_mm`, `rhoT` and `DT_mm2`, positive."""
        length, rhoT = np.exp(self.ln_lambda), np.exp(self.ln_rhoT)
        return {"lambda_mm": length, "rhoT": rhoT, "DT_mm2": length**2 * rhoT}

    def parameters(self) -> dict[str, Summary]:
        """Median, sd and 90 % interval of lambda_mm, rhoT, DT_mm2 and the thresholds."""
        numbers = self.growth | self.thresholds
        return {name: Summary.of(values, self.weights) for name, values in numbers.items()}

    def logarithms(self) -> dict[str, Summary]:
        """The same of the logarithms of lambda_mm, rhoT and DT_mm2."""
        return {k: Summary.of(np.log(v), self.weights) for k, v in self.growth.items()}

    def origin(self) -> tuple[Summary, ...]:
        """Median, sd and 90 % interval of each coordinate of x0, mm, on the domain's axes."""
        return tuple(Summary.of(values, self.weights) for values in self.x0.T)


def flags_of(
    misfit_mm: Mapping[str, float],
    lost: Mapping[str, float],
    to_bounds: np.ndarray | None = None,
) -> tuple[str, ...]:
    """Which flags hold.

    Parameters
    ----------
    misfit_mm, lost : mapping
        By region.
    to_bounds : ndarray, optional
        How far the ends of the intervals of ln lambda and ln rho T lie from their bounds, over the
        lengths of the intervals.

    >>> flags_of({"WT": 1.0, "TC": 3.0}, {"WT": 0.2, "TC": 0.1})
    ('misfit',)
    """
    nearest = np.inf if to_bounds is None else np.min(to_bounds)
    found = {
        "misfit": max(misfit_mm.values()) > MISFIT_MM,
        "origin_at_walls": max(lost.values()) > LOST,
        "at_bound": bool(nearest < AT_BOUND),
    }
    return tuple(name for name, holds in found.items() if holds)
