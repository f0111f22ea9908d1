"""What a patient's figures are drawn of: solution, network, and samples of the posterior."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from gbm.growth.growth_map import coarsen, logit_between
from gbm.io.files import read_npz, read_sealed
from gbm.io.layout import Layout, arrays
from gbm.report.section import Section
from gbm.results.export import predicted_density
from gbm.results.patient_result import PatientResult


@dataclass(frozen=True)
class Trained:
    """The network of the headline.

    Attributes
    ----------
    times, u : (n,) and (n, m_1, .., m_d) array
        Its density at fractions of T, the last at the scan, on the cells of its objective.
    history : mapping
        Losses and parameters along the fit.
    """

    times: np.ndarray
    u: np.ndarray
    history: Mapping[str, Sequence[float]]

    def on(self, plane: Section, shape: tuple[int, ...]) -> np.ndarray:
        """Its density on the voxels (of a shape) of a plane, at all times.

        Between the cells of a volume the logit is linear, as in `gbm.growth.verification`.
        """
        if self.u.shape[1:] == shape:
            return plane.of(self.u)
        found = [expit(plane.of(logit_between(u, self.cells(shape), shape))) for u in self.u]
        return np.stack(found)

    def cells(self, shape: tuple[int, ...]) -> int:
        """Voxels (of a shape) along one of its cells."""
        return round(shape[0] / self.u.shape[1])

    def minus(self, u: np.ndarray, phi: np.ndarray, plane: Section) -> np.ndarray:
        """Its last density minus one of the voxels, on its cells of tissue that a plane cuts."""
        n = self.cells(phi.shape)
        difference = np.where(coarsen(phi, n) > 0.5, self.u[-1] - coarsen(u, n), np.nan)
        for axis in range(difference.ndim):
            difference = np.repeat(difference, n, axis=axis)
        return plane.of(difference)


@dataclass(frozen=True)
class Sampled:
    """The posterior of a patient.

    Attributes
    ----------
    lambda_mm, rhoT, weights : (N,) array
        Its samples.
    infiltration : (n_1, .., n_d) array
        Probability of infiltration on the voxels.
    """

    lambda_mm: np.ndarray
    rhoT: np.ndarray
    weights: np.ndarray
    infiltration: np.ndarray

    @classmethod
    def read(cls, result: PatientResult, files: Layout) -> Sampled | None:
        """None where there are no samples."""
        if result.uncertainty is None or result.uncertainty.reason is not None:
            return None
        names = ("lambda_mm", "rhoT", "weights", "infiltration")
        stored = read_npz(arrays(files.posterior))
        return cls(*(stored[name] for name in names))


@dataclass(frozen=True)
class Fields:
    """Solutions to draw.

    Attributes
    ----------
    fdm : (n_1, .., n_d) array
        The finite-volume solution at the parameters of the headline, on the voxels.
    network : Trained or None
        None where the headline is the direct fit.
    sampled : Sampled or None
        None where no posterior was asked for.
    """

    fdm: np.ndarray
    network: Trained | None
    sampled: Sampled | None = None


def read_fields(result: PatientResult, files: Layout) -> Fields:
    """Solutions of the headline, and how its network was trained."""
    fdm, network = predicted_density(result, files), None
    if result.method == "bilo":
        record = files.fit(result.headline)
        stored = read_npz(arrays(record))
        network = Trained(stored["times"], stored["u"], read_sealed(record)["history"])
    return Fields(fdm, network, Sampled.read(result, files))
