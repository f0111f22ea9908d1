"""Verify a fit: the same equation solved by finite volumes at the inferred parameters.

A network that fits the segmentation at the price of the equation is caught here: its density is
compared with the solver's in the tissue (phi > 1/2), and both are scored against the segmentation
at the same thresholds. The same difference over all phi, the walls included, stands beside it.

A network of a volume is compared on the cells of 2 mm that it learned on. Its scores, and all of
the solver's, are those of the voxels: the solver's from a solution on 1 mm, the network's from the
logit between its cells.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit

from gbm.config.conventions import REGIONS
from gbm.growth.extent import extent
from gbm.growth.finite_volume import full_steps, solve
from gbm.growth.grids import Grids
from gbm.growth.growth_map import GrowthMap, coarsen, logit_between
from gbm.growth.inverse_problem import GrowthInverseProblem
from gbm.growth.metrics import masks, relative_error, scores
from gbm.growth.parameters import Growth, Seed
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
    refine: int | None = None,
    max_disagreement: float = 0.05,
) -> tuple[Verification, np.ndarray, np.ndarray]:
    """Compare a network's density with the finite-volume solution at its parameters.

    Parameters
    ----------
    domain : Domain
        The patient's problem.
    fit : FitResult
        Inferred parameters, thresholds and origin.
    u_network : ndarray (len(times), n_1, .., n_d)
        The network's density on the cells of its objective.
    times : ndarray
        Ascending fractions of the elapsed time; the last must be 1.
    inverse : GrowthInverseProblem, optional
        Objective, bounds and seed; the defaults without it.
    refine : int
        The solver's cells per voxel and axis; by default those of the dimension.
    max_disagreement : float
        Relative L2 error in the tissue at the final time above which a fit is not called converged.

    Returns
    -------
    verification : Verification
    u_fdm, u_network : ndarray (n_1, .., n_d)
        The final densities of solver and network on the voxels.

    Raises
    ------
    ValueError
        If the last time is not 1 or shapes do not match.
    """
    grids = Grids.of(domain.dimensions, refine)
    given = GrowthInverseProblem.of(domain) if inverse is None else inverse
    phi, cells = coarsen(domain.phi, grids.objective), given.coarsened(grids.objective)
    if not np.isclose(times[-1], 1.0) or u_network.shape != (len(times), *phi.shape):
        raise ValueError(
            f"u_network {u_network.shape} at times {np.asarray(times)} does not belong to a domain "
            f"of {phi.shape} cells seen at t = 1"
        )
    seed, growth = given.seed(np.asarray(fit.x0_grid_mm, float)), fit.growth
    u = _solved(domain, growth, seed, [float(t) for t in times], grids)
    error = _errors(u_network, u, phi)
    thresholds = np.array([fit.thresholds[region] for region in REGIONS])
    at = (thresholds, fit.lambda_mm, fit.rhoT)
    finals = {"network": u_network[-1], "fdm": u[-1]}
    on_cells = {name: cells.value(v, *at) for name, v in finals.items()}
    if grids.objective > 1:
        network = expit(logit_between(u_network[-1], grids.objective, domain.phi.shape))
        finals = {"network": network, "fdm": solve(domain, growth, seed)[0]}
    metrics = {name: scores(domain, masks(domain, v, fit.thresholds)) for name, v in finals.items()}
    bounds = given.on_bound(fit.lambda_mm, fit.rhoT, thresholds)
    status, warnings = _judged(error["final"], max_disagreement, bounds)
    found = Verification(
        relative_error_u=error,
        objective={name: given.value(v, *at) for name, v in finals.items()},
        objective_network_grid=on_cells,
        objective_prior=given.prior(*at),
        dice={
            name: {region: values["dice"] for region, values in scored.items()}
            for name, scored in metrics.items()
        },
        metrics=metrics,
        extent=extent(domain, finals["fdm"]),
        status=status,
        warnings=warnings,
    )
    return found, finals["fdm"], finals["network"]


def _errors(u: np.ndarray, v: np.ndarray, phi: np.ndarray) -> dict[str, float]:
    """How far a density is from another, at the last of all times and at all of them."""
    return {
        "final": relative_error(u[-1], v[-1], phi),
        "all_t": relative_error(u, v, phi),
        "final_with_interface": _with_interface(u[-1], v[-1], phi),
    }


def _solved(
    domain: Domain, growth: Growth, seed: Seed, times: list[float], grids: Grids
) -> np.ndarray:
    """The solver's density at all times on the cells of the objective."""
    grid = GrowthMap.of(domain, grids.network)
    u = solve(grid, growth, seed, times=times, steps=full_steps(grid, growth))
    return coarsen(u, grids.per_cell, domain.dimensions)


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
