"""How far the parameters can move: local spreads, and what a profile of lambda leaves open.

A fit knows how far ln lambda and ln(rho T) can move; the results speak of lambda, rho T and
D T = lambda^2 rho T in their own units, to first order: sd(p) = p sd(ln p).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from scipy import stats

from gbm.config.conventions import REGIONS
from gbm.growth.records import INDISTINCT
from gbm.results.references import FlatRange, LocalSpread, ObjectiveProfile

PIECE_MM = 14.0
"""Length of an outline over which its errors hang together: noise smoothed by a Gaussian of sd 4 mm
has the integral scale 2 sqrt(pi) 4 mm."""
OUTLINE_SD_MM = 1.0
"""Errors of an outline, about one voxel. A fit that misses the outlines by more misses them because
tumours are no solutions of the model, and that is no noise in which lambda could hide."""


def hidden_share(radii_mm: Sequence[float], dimensions: int = 2) -> float:
    """Rise of the objective, relative to what is left of it, that errors of the outlines hide.

    Outlines of discs of these radii have N = sum 2 pi R / `PIECE_MM` independent pieces, surfaces
    of balls N = sum 4 pi R^2 / `PIECE_MM`^2. A fit of p unknowns (lambda, rho T, both thresholds
    and the origin) leaves a sum of squared errors that along one of them rises to 1 + F / (N - p)
    times itself, F the 90 % quantile of F(1, N - p); one minus Dice is proportional to the root:

        sqrt(1 + F / (N - p)) - 1,

    without limit where there are no more pieces than unknowns.

    >>> [round(hidden_share(radii), 2) for radii in ((30, 20), (20, 14), (12, 5))]
    [0.09, 0.17, 1.86]
    >>> round(hidden_share((28, 20), 3), 3)
    0.02
    """
    if dimensions == 2:
        pieces = sum(2 * np.pi * radius / PIECE_MM for radius in radii_mm)
    else:
        pieces = sum(4 * np.pi * (radius / PIECE_MM) ** 2 for radius in radii_mm)
    spare = pieces - (4 + dimensions)
    if spare <= 0:
        return np.inf
    return float(np.sqrt(1 + stats.f.ppf(0.9, 1, spare) / spare) - 1)


def outline_loss(
    radii_mm: Sequence[float], sd_mm: float = OUTLINE_SD_MM, dimensions: int = 2
) -> float:
    """The objective that errors of the outlines alone leave.

    An outline that errs by d mm, normal with an sd, misplaces E|d| 2 pi R of a disc's area pi R^2,
    and E|d| 4 pi R^2 of a ball's volume 4/3 pi R^3. One minus Dice is half of what is misplaced to
    the size: E|d| D / 2R in D dimensions, E|d| = sqrt(2 / pi) sd.

    >>> round(outline_loss((28, 20)), 3)
    0.068
    """
    error = float(np.sqrt(2 / np.pi)) * sd_mm * dimensions / 2
    return sum(error / radius for radius in radii_mm if radius > 0)


def likely_range(
    curve: ObjectiveProfile, radii_mm: Sequence[float], dimensions: int = 2
) -> FlatRange | None:
    """Where the data alone allow lambda to be, with the errors that outlines have.

    What is left of the objective counts as noise, up to what errors of `OUTLINE_SD_MM` leave.

    The prior of lambda takes no part: a range that is narrow by its doing says nothing.

    Parameters
    ----------
    curve : ObjectiveProfile
        See `gbm.search.identifiability.profile`.
    radii_mm : sequence of float
        Radii of discs or balls of the regions' sizes.
    dimensions : int
    """
    data = curve.without_prior_of_lambda
    left = min((j for j in data if j is not None), default=0.0)
    noise = min(left, outline_loss(radii_mm, dimensions=dimensions))
    margin = max(INDISTINCT, hidden_share(radii_mm, dimensions) * noise)
    return flat_range(curve.lambda_mm, data, margin)


def flat_range(
    lambda_mm: Sequence[float], objective: Sequence[float | None], margin: float = INDISTINCT
) -> FlatRange | None:
    """Where the objective stays within `margin` of the lowest, between points linear in ln lambda.

    Parameters
    ----------
    lambda_mm : sequence of float
        Ascending.
    objective : sequence of float or None
        At each lambda; None where it is not known.
    margin : float
        Rise of the objective.

    Returns
    -------
    FlatRange or None
        None where the objective is known nowhere.
    """
    y = np.array([np.nan if j is None else j for j in objective], dtype=float)
    x = np.log(np.asarray(lambda_mm, dtype=float))[np.isfinite(y)]
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
    return FlatRange(
        low=float(ends[0]), high=float(ends[2]), open_low=bool(ends[1]), open_high=bool(ends[3])
    )


def physical(growth: Mapping[str, float], local: LocalSpread) -> dict[str, float]:
    """Spreads in the units of the results, by the names of the results.

    Parameters
    ----------
    growth : mapping
        `lambda_mm`, `rhoT`, `DT_mm2`, `rD` and `rRHO`.
    local : LocalSpread
        See `gbm.search.identifiability.local_spread`.

    Returns
    -------
    dict
        Of `lambda_mm`, `rhoT`, `DT_mm2`, `rD`, `rRHO`, `WT` and `TC`.
    """
    found = {name: abs(growth[name]) * sd for name, sd in _logarithmic(local).items()}
    return found | {region: getattr(local, region) for region in REGIONS}


def _logarithmic(local: LocalSpread) -> dict[str, float]:
    """Spread of the logarithm of each positive parameter."""
    a, b, c = local.ln_lambda, local.ln_rhoT, local.correlation_ln_lambda_ln_rhoT
    # ln(D T) = 2 ln lambda + ln(rho T); the two move against each other along the valley.
    d = float(np.sqrt(max(4 * a * a + b * b + 4 * c * a * b, 0.0)))
    return {"lambda_mm": a, "rhoT": b, "rRHO": b, "DT_mm2": d, "rD": d}
