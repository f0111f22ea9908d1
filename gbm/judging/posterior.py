"""The posterior as results speak of it: every number with median, spread and interval.

In the plane the answers of neighbouring slices scatter more than the outlines of one of them leave
open, so the samples are stretched about their median until

    sd_total^2 = sd_posterior^2 + sd_slices^2,

lambda, rho T and D T in their logarithms, thresholds in their logits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import expit, logit

from bilo.posterior.intervals import Summary, stretched
from gbm.config.conventions import REGIONS
from gbm.io.files import read_npz, read_sealed
from gbm.io.layout import Layout, arrays
from gbm.posterior.draw import LEAST_EFFECTIVE
from gbm.results.estimate import Estimate, RegionNumbers
from gbm.results.posterior_record import SliceOutcome, Spread, Uncertainty

GROWTH = ("lambda_mm", "rhoT", "DT_mm2")
"""Positive numbers, whose logarithms are stretched."""
LEAST_SLICES = 3
"""Fewer of them say nothing of a scatter."""


@dataclass(frozen=True)
class GrowthPosterior:
    """Samples of a patient's posterior, and what its record says.

    Attributes
    ----------
    samples : mapping of ndarray (N,)
        lambda_mm, rhoT, DT_mm2 and the thresholds by region; empty where no outline tells anything.
    x0_mm : ndarray (N, 3)
        Origin in RAS world mm.
    weights : ndarray (N,)
    record : mapping
        `posterior.json`.
    slices : tuple of SliceOutcome or None
        None where none were asked for, as in three dimensions.
    """

    samples: Mapping[str, np.ndarray]
    x0_mm: np.ndarray
    weights: np.ndarray
    record: Mapping[str, Any]
    slices: tuple[SliceOutcome, ...] | None = None

    @classmethod
    def read(cls, files: Layout, with_slices: bool) -> GrowthPosterior:
        """What the steps `posterior` and `slices` wrote."""
        stored = read_npz(arrays(files.posterior))
        samples = {name: stored[name] for name in (*GROWTH, *REGIONS) if name in stored}
        places = stored["x0_mm"] if samples else np.empty((0, 3))
        weights = stored["weights"] if samples else np.empty(0)
        entries = read_sealed(files.slices)["slices"] if with_slices else None
        slices = entries and tuple(SliceOutcome.model_validate(entry) for entry in entries)
        return cls(samples, places, weights, read_sealed(files.posterior), slices)

    def estimate(self, name: str, value: float | None, unit: float = 1.0) -> Estimate:
        """A number that a fit found with what the posterior knows of it.

        Parameters
        ----------
        name : str
            Of `samples`.
        value : float or None
            What the fit found, in units of `unit`; None where there is no such number.
        unit : float
        """
        if value is None or name not in self.samples:
            return Estimate.of(value)
        values = self.samples[name] / unit
        posterior, total, between = Summary.of(values, self.weights), values, None
        scatter = self._scatter(name)
        if scatter is not None:
            between = float(np.std(scatter / unit, ddof=1))
            total = _widened(values, self.weights, scatter, logarithmic=name in GROWTH)
        whole = Summary.of(total, self.weights)
        return Estimate(
            value=value,
            median=whole.median,
            sd=whole.sd,
            sd_posterior=posterior.sd,
            sd_slices=between,
            interval90=whole.interval90,
        )

    def origin(self) -> tuple[tuple[float, float], ...] | None:
        """90 % interval of each coordinate of the origin, RAS world mm."""
        if not len(self.x0_mm):
            return None
        return tuple(Summary.of(x, self.weights).interval90 for x in self.x0_mm.T)

    @property
    def extents(self) -> dict[str, Spread]:
        """Extent and margin by name, see `gbm.growth.extent`."""
        known = self.record.get("extents", {})
        return {name: Spread.model_validate(entry) for name, entry in known.items()}

    @property
    def misfit_mm(self) -> float | None:
        """The greatest root mean square distance from an outline, mm."""
        return max(self.record.get("misfit_mm", {}).values(), default=None)

    def to_record(self) -> Uncertainty:
        """What the result says of it."""

        def by_region(name: str) -> RegionNumbers:
            known = self.record.get(name, {})
            return RegionNumbers(**{region: known.get(region) for region in REGIONS})

        return Uncertainty(
            method="outline",
            noise_mm=by_region("noise_mm"),
            misfit_mm=by_region("misfit_mm"),
            effective_sample_size=self._effective,
            lost_outline=by_region("lost_outline"),
            flags=self.record.get("flags", ()),
            reason=self.record.get("reason"),
            slices=self.slices,
        )

    @property
    def _effective(self) -> float | None:
        """That of weighted samples, or the low one for which the solver was sampled instead."""
        share: float | None = self.record.get("effective_sample_size")
        equal = self.record.get("sampler") == "solver"
        return None if equal and share is not None and share >= LEAST_EFFECTIVE else share

    def _scatter(self, name: str) -> np.ndarray | None:
        """The number on each slice; None where too few have it."""
        found: Sequence[float | None] = [
            s.thresholds[name] if name in REGIONS else getattr(s, name) for s in self.slices or ()
        ]
        known = np.array([v for v in found if v is not None], dtype=float)
        return known if known.size >= LEAST_SLICES else None


def _widened(
    values: np.ndarray, weights: np.ndarray, scatter: np.ndarray, *, logarithmic: bool
) -> np.ndarray:
    """Samples stretched by the standard deviation of a number on several slices.

    In its logarithm; that of a threshold, in (0, 1), in its logit.
    """
    there, back = (np.log, np.exp) if logarithmic else (logit, expit)
    between = float(np.std(there(scatter), ddof=1))
    return np.asarray(back(stretched(there(values), weights, between)))
