"""The comparison of a patient: networks that its main job does not need."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from gbm.config.settings import Settings
from gbm.domain.domain import Domain
from gbm.io.provenance import versions
from gbm.judging.verified_fit import VerifiedFit
from gbm.results.comparison import Comparison
from gbm.results.references import DirectReference


def compare(
    domain: Domain,
    fits: Mapping[str, VerifiedFit],
    direct_fixed: DirectReference,
    settings: Settings,
) -> Comparison:
    """Gather the networks of the comparison."""
    return Comparison(
        patient=domain.patient,
        dimensions=domain.dimensions,
        pinn=best_pinn(fits),
        fits=tuple(fit.entry(name, domain) for name, fit in sorted(fits.items())),
        direct_fixed_fdm=direct_fixed,
        versions=versions(),
        settings=settings.without_paths(),
        digest="",  # by whoever writes it
    )


def best_pinn(fits: Mapping[str, VerifiedFit]) -> str | None:
    """Name of the PINN whose network reaches the highest mean DICE, or None."""
    names = [name for name, found in fits.items() if found.fit.method == "pinn"]
    if not names:
        return None
    return max(names, key=lambda name: mean_dice(fits[name].verification.dice["network"]))


def mean_dice(dice: Mapping[str, float | None]) -> float:
    """Mean DICE over the regions that have one; -1 where none has."""
    known = [value for value in dice.values() if value is not None]
    return float(np.mean(known)) if known else -1.0
