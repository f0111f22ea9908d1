"""What to call a fit when its verification and the direct fit have spoken."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gbm.config.conventions import REGIONS
from gbm.config.objective_settings import Scale
from gbm.growth.records import (
    CONVERGED,
    NOT_CONVERGED,
    FitResult,
    Verification,
)
from gbm.judging.quality import difference
from gbm.results.references import DirectReference


@dataclass(frozen=True)
class Outcome:
    """What to call a fit, and why.

    Attributes
    ----------
    status : str
        "converged", or in a word why not.
    converged : bool
        Whether the fit may be read.
    warnings : tuple of str
        In the user's words.
    """

    status: str
    converged: bool
    warnings: tuple[str, ...]


def outcome(
    fit: FitResult, verification: Verification, reference: DirectReference, scale: Scale
) -> Outcome:
    """What to call a fit, and why.

    The verification has the last word, then the direct fit with the same origin: a fit whose
    verified objective is more than the objective's margin above has not converged, whatever its
    losses say. A volume's are compared on the cells that the network knows, and more leniently on
    the voxels.
    """
    warnings = list(dict.fromkeys([*verification.warnings, *fit.warnings]))
    status = fit.status
    on_cells = difference(
        verification.objective_network_grid["fdm"], reference.objective_network_grid
    )
    on_voxels = difference(verification.objective["fdm"], reference.objective)
    most = scale.margin if len(reference.x0_grid_mm) == 2 else scale.on_voxels
    if not (on_cells <= scale.margin and on_voxels <= most):
        gap = on_cells if on_voxels <= most else on_voxels
        lower = f"{gap:.{scale.decimals}f}" if np.isfinite(gap) else "an unknown amount"
        warnings.append(f"the direct fit's objective is {lower} lower")
        status = NOT_CONVERGED
    if verification.status != CONVERGED:
        status = verification.status
    return Outcome(status, fit.converged and status == CONVERGED, tuple(warnings))


def unsettled(reference: DirectReference) -> str:
    """Why the direct fit is no optimum to rely on, or ""."""
    said = list(reference.warnings)
    if reference.objective is None:
        said.append("its objective is no number")
    said += [
        f"the {region} that it predicts lies outside the segmented one"
        for region in REGIONS
        if getattr(reference.metrics, region).dice == 0
    ]
    if not said and not reference.converged:
        said.append("it has not converged")
    return "; ".join(said)


def outcome_of_direct(reference: DirectReference) -> Outcome:
    """What to call the direct fit where it is the headline, and why."""
    why = unsettled(reference)
    return Outcome(NOT_CONVERGED if why else CONVERGED, not why, (why,) if why else ())
