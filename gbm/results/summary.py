"""Everything a patient's run found, gathered into `desc-growth_params.json` and `..._metrics.tsv`.

The top level of the JSON is the headline fit: BiLO, lift at the characteristic solution, origin
inferred, first seed. `fits` lists all fits. The table holds, for each model and region,
the Dice similarity coefficient, the 95 % Hausdorff distance and the area.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gbm.config.conventions import REGIONS
from gbm.config.errors import InputError
from gbm.domain.domain import Domain
from gbm.results.outcome import started
from gbm.results.uncertainty import physical

Record = Mapping[str, Any]


def is_headline(fit: Record) -> bool:
    """Whether a fit is of the kind that the top level reports."""
    return fit["method"] == "bilo" and fit["lift"] == "char" and fit["x0"] == "inferred"


def headline(fits: Mapping[str, Record]) -> str:
    """Name of the headline fit, that of the smallest seed.

    Raises
    ------
    InputError
        If no fit is of that kind.
    """
    names = [name for name, fit in fits.items() if is_headline(fit)]
    if not names:
        raise InputError(f"no BiLO fit with char lift and inferred x0 among {sorted(fits)}")
    return min(names, key=lambda name: (fits[name]["seed"], name))


def mean_dice(dice: Record) -> float:
    """Mean DICE over the regions that have one; -1 where none has."""
    known = [value for value in dice.values() if value is not None]
    return float(np.mean(known)) if known else -1.0


def best_pinn(fits: Mapping[str, Record], verifications: Mapping[str, Record]) -> str | None:
    """Name of the PINN fit whose network reaches the highest mean DICE, or None."""
    names = [name for name, fit in fits.items() if fit["method"] == "pinn"]
    if not names:
        return None
    return max(names, key=lambda name: mean_dice(verifications[name]["dice"]["network"]))


def spread(value: float | None, sd: float | None) -> Any:
    """A number, with its standard deviation where one is known."""
    return value if sd is None or value is None else {"value": value, "sd": sd}


def parameters(fit: Record, domain: Domain, local: Record) -> dict[str, Any]:
    """Parameters of one fit in the units of the results.

    Parameters
    ----------
    fit : mapping
        What the fit wrote.
    domain : Domain
        The plane, for the origin in the patient's space.
    local : mapping
        Local spreads; see `gbm.results.uncertainty.physical`.
    """
    sd = physical(fit, local)
    names = ("DT_mm2", "rhoT", "lambda_mm", "rD", "rRHO")
    return {
        **{name: spread(fit[name], sd.get(name)) for name in names},
        "thresholds": {r: spread(fit["thresholds"].get(r), sd.get(r)) for r in REGIONS},
        "x0_mm": world(fit["x0_plane_mm"], domain),
        "x0_plane_mm": fit["x0_plane_mm"],
        "x0_plane_sd_mm": sd.get("x0_plane_mm"),
    }


def absolute(fit: Record, days: float | None) -> dict[str, float] | None:
    """D and rho where the time since onset is stated; one scan alone does not fix them."""
    if days is None:
        return None
    return {"D_mm2_per_day": fit["DT_mm2"] / days, "rho_per_day": fit["rhoT"] / days}


def world(point: Sequence[float], domain: Domain) -> list[float]:
    """A point of the plane in RAS world mm of the patient's space."""
    return [float(v) for v in domain.to_world(np.asarray(point, dtype=float))]


def placed(references: Record, domain: Domain) -> dict[str, Any]:
    """The references, their origins also in the patient's space."""
    return {
        name: {**entry, "x0_mm": world(entry["x0_plane_mm"], domain)}
        if isinstance(entry, Mapping) and "x0_plane_mm" in entry
        else entry
        for name, entry in references.items()
    }


def fit_row(
    name: str, fit: Record, verification: Record, domain: Domain, judged: Record
) -> dict[str, Any]:
    """One entry of `fits`; `judged` is its `outcome`."""
    keys = ("method", "lift", "x0", "weight", "seed")
    return {
        "name": name,
        **{key: fit.get(key) for key in keys},
        **started(fit),
        "relative_error_u": verification["relative_error_u"],
        "behind_walls": (fit.get("assessment") or {}).get("behind_walls"),
        "objective": verification["objective"],
        "objective_prior": verification["objective_prior"],
        "dice": verification["dice"],
        **judged,
        "seconds": fit["seconds"],
        **parameters(fit, domain, {}),
    }
