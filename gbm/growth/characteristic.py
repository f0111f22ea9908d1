"""Characteristic growth parameters: a first guess from the sizes of the two regions alone.

Two numbers, D_c T and rho_c T, are found such that in homogeneous tissue the radii at which the
radial solution passes the prior thresholds equal the radii of discs (in three dimensions: balls) of
the sizes of the patient's WT and TC:

    u(R_WT) = u_WT,    u(R_TC) = u_TC.

Where TC is empty the second condition is lambda = sqrt(D/rho) = 4 mm, in the middle of the range
fitted to glioblastomas, because the size of the oedema alone cannot tell the two numbers apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.optimize import least_squares
from scipy.special import logit

from gbm.config.settings import BoundSettings
from gbm.growth.finite_volume import solve
from gbm.growth.parameters import Growth, Seed
from gbm.growth.radial import AT_CENTRE, radial, radius_at
from gbm.growth.thresholds import PRIOR_MEANS
from gbm.imaging.overlap import equal_radius

if TYPE_CHECKING:
    from gbm.domain.domain import Domain

GROWTH_BOUNDS: dict[str, tuple[float, float]] = {
    "lambda_mm": BoundSettings().lambda_mm,
    "rhoT": BoundSettings().rhoT,
}
LAMBDA_WITHOUT_TC_MM = 4.0
RADIUS_TOLERANCE = 0.01


@dataclass(frozen=True)
class Characteristic(Growth):
    """Characteristic parameters, D_c T in mm^2 and rho_c T, and how well they meet the radii.

    Attributes
    ----------
    radius_error : dict
        Relative error of the radius of the radial solution, per region that is not empty.
    reason : str or None
        Why a radius is missed by more than one percent, or which condition replaced it.
    """

    radius_error: dict[str, float]
    reason: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain values with the units in their names."""
        values = asdict(self)
        return {"DT_mm2": values.pop("DT"), "lambda_mm": self.lambda_mm, **values}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Characteristic:
        """Inverse of `to_json`; further keys are ignored."""
        return cls(values["DT_mm2"], values["rhoT"], dict(values["radius_error"]), values["reason"])


def characteristic(
    radius_WT: float,
    radius_TC: float,
    thresholds: Mapping[str, float] = PRIOR_MEANS,
    bounds: Mapping[str, tuple[float, float]] = GROWTH_BOUNDS,
    seed: Seed = AT_CENTRE,
    dimensions: int = 2,
) -> Characteristic:
    """Match D_c T and rho_c T to the radii of the two regions.

    Parameters
    ----------
    radius_WT, radius_TC : float
        Radii of discs or balls of equal size, mm; `radius_TC` is 0 where TC is empty.
    thresholds : mapping
        Prior thresholds of WT and TC.
    bounds : mapping
        Bounds of `lambda_mm` and `rhoT`.
    seed, dimensions
        See `radial`.

    Returns
    -------
    Characteristic
        With the reason where bounds or the model forbid the match.

    Raises
    ------
    ValueError
        If the radius of WT is not positive.
    """
    if not radius_WT > 0:
        raise ValueError(f"the radius of WT must be positive, not {radius_WT}")
    wanted = {"WT": radius_WT} | ({"TC": radius_TC} if radius_TC > 0 else {})
    levels = logit([thresholds[region] for region in wanted])

    def residual(p: np.ndarray) -> np.ndarray:
        r, u = radial(Growth(np.exp(2 * p[0] + p[1]), np.exp(p[1])), seed, dimensions)
        at = np.interp(list(wanted.values()), r, logit(np.clip(u, 1e-12, 1 - 1e-12)))
        misfit = at - levels
        if "TC" not in wanted:
            misfit = np.append(misfit, p[0] - np.log(LAMBDA_WITHOUT_TC_MM))
        return misfit

    low, high = np.log([bounds["lambda_mm"], bounds["rhoT"]]).T
    starts = [
        np.array([a, b])
        for a in np.linspace(low[0], high[0], 9)[1:-1]
        for b in np.linspace(low[1], high[1], 9)[1:-1]
    ]
    start = min(starts, key=lambda p: float(np.sum(np.arctan(residual(p)) ** 2)))
    p = least_squares(residual, start, bounds=(low, high), x_scale=0.1, xtol=1e-10).x
    DT, rhoT = float(np.exp(2 * p[0] + p[1])), float(np.exp(p[1]))
    r, u = radial(Growth(DT, rhoT), seed, dimensions)
    error = {name: radius_at(r, u, thresholds[name]) / R - 1 for name, R in wanted.items()}
    return Characteristic(DT, rhoT, error, _reason(error, float(np.exp(p[0])), rhoT, bounds))


def growth_on_bound(
    lambda_mm: float,
    rhoT: float,
    bounds: Mapping[str, tuple[float, float]] = GROWTH_BOUNDS,
    margin: float = 0.01,
) -> list[str]:
    """Which of lambda and rho T lie within a fraction `margin` of a bound."""
    values = {"lambda": (lambda_mm, bounds["lambda_mm"]), "rho T": (rhoT, bounds["rhoT"])}
    return [
        name
        for name, (value, (low, high)) in values.items()
        if min(value / low, high / value) < 1 + margin
    ]


def _reason(
    error: Mapping[str, float],
    lambda_mm: float,
    rhoT: float,
    bounds: Mapping[str, tuple[float, float]],
) -> str | None:
    reasons = []
    if "TC" not in error:
        reasons.append(f"TC is empty: lambda was set to {LAMBDA_WITHOUT_TC_MM:g} mm")
    if max(abs(e) for e in error.values()) > RADIUS_TOLERANCE:
        missed = ", ".join(f"{name} by {100 * e:+.1f} %" for name, e in error.items())
        bound = growth_on_bound(lambda_mm, rhoT, bounds)
        cause = f"{' and '.join(bound)} on a bound" if bound else "no pair fits both radii"
        reasons.append(f"radii missed ({missed}): {cause}")
    return "; ".join(reasons) or None


def map_radii(
    domain: Domain, growth: Growth, seed: Seed, thresholds: Mapping[str, float] = PRIOR_MEANS
) -> dict[str, float]:
    """Radii, mm, of discs (balls) as large as the thresholded solution on the patient's map."""
    u = solve(domain, growth, seed)[0]
    regions = {name: (u > t) & domain.tissue for name, t in thresholds.items()}
    return {name: equal_radius(mask, domain.spacing) for name, mask in regions.items()}
