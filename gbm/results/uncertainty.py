"""How far the parameters can move: local spreads, and what a profile of lambda leaves open.

A fit knows how far ln lambda and ln(rho T) can move; the results speak of lambda, rho T and
D T = lambda^2 rho T in their own units, to first order: sd(p) = p sd(ln p).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from gbm.config.conventions import REGIONS
from gbm.growth.records import INDISTINCT

PIECE_MM = 14.0
"""Length of an outline over which its errors hang together: noise smoothed by a Gaussian of sd 4 mm
has the integral scale 2 sqrt(pi) 4 mm."""
UNKNOWNS = 6
"""lambda, rho T, the origin and both thresholds."""
OUTLINE_SD_MM = 1.0
"""Errors of an outline, about one voxel. A fit that misses the outlines by more misses them because
tumours are no solutions of the model, and that is no noise in which lambda could hide."""


@dataclass(frozen=True)
class FlatRange:
    """The range of lambda that an objective cannot tell apart, mm.

    `open_low` and `open_high` say that the curve ends before the objective rises.
    """

    low: float
    high: float
    open_low: bool
    open_high: bool

    @property
    def ratio(self) -> float:
        """Greatest / least; infinite where an end is not known."""
        return np.inf if self.open_low or self.open_high else self.high / self.low


def hidden_share(radii_mm: Sequence[float]) -> float:
    """Rise of the objective, relative to what is left of it, that errors of the outlines hide.

    Outlines of discs of these radii have N = sum 2 pi R / `PIECE_MM` independent pieces. A fit of p
    unknowns leaves a sum of squared errors that along one of them rises to 1 + F / (N - p) times
    itself, F the 90 % quantile of F(1, N - p); one minus Dice is proportional to the root:

        sqrt(1 + F / (N - p)) - 1,

    without limit where there are no more pieces than unknowns.

    >>> [round(hidden_share(radii), 2) for radii in ((30, 20), (20, 14), (12, 5))]
    [0.09, 0.17, 1.86]
    """
    spare = sum(2 * np.pi * radius / PIECE_MM for radius in radii_mm) - UNKNOWNS
    if spare <= 0:
        return np.inf
    return float(np.sqrt(1 + stats.f.ppf(0.9, 1, spare) / spare) - 1)


def outline_loss(radii_mm: Sequence[float], sd_mm: float = OUTLINE_SD_MM) -> float:
    """The objective that errors of the outlines alone leave.

    An outline that errs by d mm, normal with an sd, misplaces E|d| 2 pi R of a disc's area pi R^2,
    and one minus Dice is half of what is misplaced to the area: E|d| / R, E|d| = sqrt(2 / pi) sd.

    >>> round(outline_loss((28, 20)), 3)
    0.068
    """
    return sum(float(np.sqrt(2 / np.pi)) * sd_mm / radius for radius in radii_mm if radius > 0)


def likely_range(curve: Mapping[str, Any] | None, radii_mm: Sequence[float]) -> FlatRange | None:
    """Where the data alone allow lambda to be, with the errors that outlines have.

    What is left of the objective counts as noise, up to what errors of `OUTLINE_SD_MM` leave.

    The prior of lambda takes no part: a range that is narrow by its doing says nothing.

    Parameters
    ----------
    curve : mapping or None
        `lambda_mm`, ascending, and `without_prior_of_lambda`, see
        `gbm.search.identifiability.profile`.
    radii_mm : sequence of float
        Radii of discs of the regions' areas.
    """
    if not curve or "without_prior_of_lambda" not in curve:
        return None
    data = curve["without_prior_of_lambda"]
    left = min((j for j in data if j is not None and np.isfinite(j)), default=0.0)
    noise = min(left, outline_loss(radii_mm))
    margin = max(INDISTINCT, hidden_share(radii_mm) * noise)
    return flat_range({"lambda_mm": curve["lambda_mm"], "objective": data}, margin)


def flat_range(curve: Mapping[str, Any] | None, margin: float = INDISTINCT) -> FlatRange | None:
    """Where the objective stays within `margin` of the lowest, between points linear in ln lambda.

    Parameters
    ----------
    curve : mapping or None
        `lambda_mm`, ascending, and `objective`.
    margin : float
        Rise of the objective.
    """
    if not curve:
        return None
    y = np.array([np.nan if j is None else j for j in curve["objective"]], dtype=float)
    x = np.log(np.asarray(curve["lambda_mm"], dtype=float))[np.isfinite(y)]
    y = y[np.isfinite(y)]
    if y.size == 0:
        return None
    level, best = y.min() + margin, int(np.argmin(y))
    ends = []
    for step, stop in ((-1, -1), (1, y.size)):
        k = best
        while k + step != stop and y[k + step] <= level:
            k += step
        outside = k + step != stop
        share = (level - y[k]) / (y[k + step] - y[k]) if outside else 0.0
        ends.append(np.exp(x[k] + share * (x[k + step] - x[k])) if outside else np.exp(x[k]))
        ends.append(not outside)
    return FlatRange(float(ends[0]), float(ends[2]), bool(ends[1]), bool(ends[3]))


def physical(fit: Mapping[str, Any], local: Mapping[str, float]) -> dict[str, Any]:
    """Spreads in the units of the results, by the names of the results.

    Parameters
    ----------
    fit : mapping
        `lambda_mm`, `rhoT`, `DT_mm2`, `rD`, `rRHO` of the fit.
    local : mapping
        See `gbm.search.identifiability.local_spread`; empty where none is known.

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
