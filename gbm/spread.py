"""Local spreads of the parameters, brought from logarithmic to physical units.

A fit knows how far ln lambda and ln(rho T) can move; the results speak of lambda, rho T and
D T = lambda^2 rho T in their own units, to first order: sd(p) = p sd(ln p).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from gbm.metrics import REGIONS

ORIGIN = (("x0_x_mm", "x0_y_mm"), ("x0_1", "x0_2"), ("x0_x", "x0_y"))
"""Names under which the two coordinates of the origin may appear."""


def physical(fit: Mapping[str, Any], local: Mapping[str, Any]) -> dict[str, Any]:
    """Spreads in the units of the results, by the names of the results.

    Parameters
    ----------
    fit : mapping
        `lambda_mm`, `rhoT`, `DT_mm2`, `rD`, `rRHO` of the fit.
    local : mapping
        Spreads by name: `ln_lambda`, `ln_rhoT` and their correlation, or the physical names
        themselves, which are kept; thresholds under their region.

    Returns
    -------
    dict
        Those of `lambda_mm`, `rhoT`, `DT_mm2`, `rD`, `rRHO`, `WT`, `TC`, `x0_plane_mm` that are
        known and finite.
    """
    logs = _logarithmic(local)
    found = {
        name: abs(fit[name]) * value
        for name, value in logs.items()
        if value is not None and fit.get(name) is not None
    }
    thresholds = local.get("thresholds") or local
    found |= {region: thresholds[region] for region in REGIONS if region in thresholds}
    found |= {name: local[name] for name in ("lambda_mm", "rhoT", "DT_mm2") if name in local}
    found |= {name: local[name] for name in ("rD", "rRHO") if name in local}
    found = {name: sd for name, sd in found.items() if sd is not None and np.isfinite(sd)}
    origin = local.get("x0_plane_mm") or next(
        ([local[x], local[y]] for x, y in ORIGIN if x in local and y in local), None
    )
    return found | ({} if origin is None else {"x0_plane_mm": list(origin)})


def _logarithmic(local: Mapping[str, Any]) -> dict[str, float | None]:
    """Spread of the logarithm of each positive parameter."""
    a, b = local.get("ln_lambda"), local.get("ln_rhoT")
    if a is None or b is None:
        return {"lambda_mm": a, "rhoT": b, "rRHO": b}
    c = local.get("correlation_ln_lambda_ln_rhoT")
    if c is None:
        return {"lambda_mm": a, "rhoT": b, "rRHO": b}
    # ln(D T) = 2 ln lambda + ln(rho T); the two move against each other along the valley.
    d = float(np.sqrt(max(4 * a * a + b * b + 4 * c * a * b, 0.0)))
    return {"lambda_mm": a, "rhoT": b, "rRHO": b, "DT_mm2": d, "rD": d}
