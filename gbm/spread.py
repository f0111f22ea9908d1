"""Local spreads of the parameters, brought from logarithmic to physical units.

A fit knows how far ln lambda and ln(rho T) can move; the results speak of lambda, rho T and
D T = lambda^2 rho T in their own units, to first order: sd(p) = p sd(ln p).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from gbm.metrics import REGIONS


def physical(fit: Mapping[str, Any], local: Mapping[str, float]) -> dict[str, Any]:
    """Spreads in the units of the results, by the names of the results.

    Parameters
    ----------
    fit : mapping
        `lambda_mm`, `rhoT`, `DT_mm2`, `rD`, `rRHO` of the fit.
    local : mapping
        See `gbm.identifiability.local_spread`; empty where none is known.

    Returns
    -------
    dict
        Those of `lambda_mm`, `rhoT`, `DT_mm2`, `rD`, `rRHO`, `WT`, `TC`, `x0_plane_mm` that are
        known and finite.
    """
    found = {name: abs(fit[name]) * sd for name, sd in _logarithmic(local).items()}
    found |= {region: local[region] for region in REGIONS if region in local}
    found = {name: sd for name, sd in found.items() if sd is not None and np.isfinite(sd)}
    origin = [local[name] for name in ("x0_x_mm", "x0_y_mm") if name in local]
    return found | ({"x0_plane_mm": origin} if origin else {})


def _logarithmic(local: Mapping[str, float]) -> dict[str, float]:
    """Spread of the logarithm of each positive parameter."""
    if "ln_lambda" not in local:
        return {}
    a, b = local["ln_lambda"], local["ln_rhoT"]
    # ln(D T) = 2 ln lambda + ln(rho T); the two move against each other along the valley.
    c = local["correlation_ln_lambda_ln_rhoT"]
    d = float(np.sqrt(max(4 * a * a + b * b + 4 * c * a * b, 0.0)))
    return {"lambda_mm": a, "rhoT": b, "rRHO": b, "DT_mm2": d, "rD": d}
