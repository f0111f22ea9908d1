"""Verify a fit: the same equation solved by finite volumes at the inferred parameters.

A network that fits the segmentation at the price of the equation is caught here: its density is
compared with the solver's in the tissue (phi > 1/2), and both are scored against the segmentation
at the same thresholds. The same difference over all phi, the walls included, stands beside it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gbm.config.conventions import REGIONS
from gbm.growth.finite_volume import coarsen, solve
from gbm.growth.inverse_problem import GrowthInverseProblem
from gbm.growth.metrics import masks, relative_error, scores
from gbm.growth.records import CONVERGED, FitResult, Verification

if TYPE_CHECKING:
    from gbm.domain.domain import Domain


def verify(
    domain: Domain,
    fit: FitResult,
    u_network: np.ndarray,
    times: np.ndarray,
    inverse: GrowthInverseProblem | None = None,
    *,
    refine: int = 2,
    max_disagreement: float = 0.05,
) -> tuple[Verification, np.ndarray]:
    """Compare a network's density with the finite-volume solution at its parameters.

    Parameters
    ----------
    domain : Domain
        The patient's problem.
    fit : FitResult
        Inferred parameters, thresholds and origin.
    u_network : ndarray (len(times), nx, ny)
        The network's density at the voxel centres.
    times : ndarray
        Ascending fractions of the elapsed time; the last must be 1.
    conditions : GrowthInverseProblem, optional
        Objective, bounds and seed; the defaults without it.
    refine : int
        The solver's cells per voxel and axis; its cell means are compared.
    max_disagreement : float
        Relative L2 error in the tissue at the final time above which a fit is not called converged.

    Returns
    -------
    verification : Verification
    u_fdm : ndarray (nx, ny)
        The solver's final density on the voxels.

    Raises
    ------
    ValueError
        If the last time is not 1 or shapes do not match.
    """
    if not np.isclose(times[-1], 1.0) or u_network.shape != (len(times), *domain.P.shape):
        raise ValueError(
            f"u_network {u_network.shape} at times {np.asarray(times)} does not belong to a domain "
            f"of {domain.P.shape} voxels seen at t = 1"
        )
    given = GrowthInverseProblem.of(domain) if inverse is None else inverse
    seed, each = given.seed(np.asarray(fit.x0_plane_mm, float)), [float(t) for t in times]
    u = coarsen(solve(domain, fit.growth, seed, refine=refine, times=each), refine)
    error = {
        "final": relative_error(u_network[-1], u[-1], domain.phi),
        "all_t": relative_error(u_network, u, domain.phi),
        "final_with_interface": _with_interface(u_network[-1], u[-1], domain.phi),
    }
    thresholds = np.array([fit.thresholds[region] for region in REGIONS])
    finals = {"network": u_network[-1], "fdm": u[-1]}
    metrics = {name: scores(domain, masks(domain, v, fit.thresholds)) for name, v in finals.items()}
    growth = (fit.lambda_mm, fit.rhoT)
    status, warnings = _judged(
        error["final"], max_disagreement, given.on_bound(*growth, thresholds)
    )
    return Verification(
        relative_error_u=error,
        objective={name: given.value(v, thresholds, *growth) for name, v in finals.items()},
        objective_prior=given.prior(thresholds, *growth),
        dice={
            name: {region: values["dice"] for region, values in found.items()}
            for name, found in metrics.items()
        },
        metrics=metrics,
        status=status,
        warnings=warnings,
    ), u[-1]


def _judged(
    error: float, max_disagreement: float, bounds: tuple[str, ...]
) -> tuple[str, tuple[str, ...]]:
    """Status and warnings; an error that is no number is a disagreement."""
    if error <= max_disagreement:
        return ("on a bound" if bounds else CONVERGED), bounds
    amount = f"{100 * error:.1f} %" if np.isfinite(error) else "an unknown amount"
    text = (
        f"network and solver differ by {amount} at the final time "
        f"(at most {100 * max_disagreement:g} % is accepted)"
    )
    return "disagreement", (text, *bounds)


def _with_interface(u: np.ndarray, v: np.ndarray, phi: np.ndarray) -> float:
    """Relative L2 distance of u from v weighted by phi, the diffuse walls (phi < 1/2) included."""
    return float(np.sqrt(np.sum(phi * (u - v) ** 2) / np.sum(phi * v**2)))
