"""Imaging thresholds 0 < u_WT < u_TC < 1 within their bounds, free of constraints.

With s the logistic function and [a, b] the bounds of a region,

    u_WT = a_WT + (b_WT - a_WT) s(p),    u_TC = l + (b_TC - l) s(q),    l = smooth max(a_TC, u_WT),

so every (p, q) in R^2 is an ordered, admissible pair. The smooth maximum lies above the true one by
at most log(2)/80 = 0.009.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy.special import expit, logit

from gbm.config.objective_settings import GAP, ObjectiveSettings
from gbm.config.settings import BoundSettings

Bounds = Mapping[str, tuple[float, float]]

BOUNDS: dict[str, tuple[float, float]] = {"WT": BoundSettings().WT, "TC": BoundSettings().TC}
PRIOR_MEANS: dict[str, float] = ObjectiveSettings().thresholds.model_dump()
PRIOR_SD = 0.1
_SHARPNESS = 80.0
_MARGIN = 0.01
"""How far from its bounds a threshold is moved inside, where they leave so much room."""


def _floor(wt: float, least: float) -> tuple[float, float]:
    """Smooth maximum of `wt` and `least`, and its derivative by `wt`."""
    value = np.logaddexp(_SHARPNESS * wt, _SHARPNESS * least) / _SHARPNESS
    return float(value), float(expit(_SHARPNESS * (wt - least)))


def from_unconstrained(p: np.ndarray, bounds: Bounds = BOUNDS) -> tuple[np.ndarray, np.ndarray]:
    """Thresholds of an unconstrained pair.

    Parameters
    ----------
    p : ndarray (2,)
        Unconstrained values of WT and TC.
    bounds : mapping
        Least and greatest value of each threshold.

    Returns
    -------
    thresholds : ndarray (2,)
        u_WT < u_TC.
    jacobian : ndarray (2, 2)
        d thresholds[i] / d p[j]; lower triangular.
    """
    (a, b), (least, c) = bounds["WT"], bounds["TC"]
    s = expit(p)
    wt = a + (b - a) * s[0]
    d_wt = (b - a) * s[0] * (1 - s[0])
    floor, slope = _floor(wt, least)
    tc = floor + (c - floor) * s[1]
    jacobian = [[d_wt, 0.0], [(1 - s[1]) * slope * d_wt, (c - floor) * s[1] * (1 - s[1])]]
    return np.array([wt, tc]), np.array(jacobian)


def to_unconstrained(thresholds: np.ndarray, bounds: Bounds = BOUNDS) -> np.ndarray:
    """Inverse of `from_unconstrained`.

    Raises
    ------
    ValueError
        If the pair is not ordered or not strictly inside the bounds.
    """
    (a, b), (least, c) = bounds["WT"], bounds["TC"]
    wt, tc = float(thresholds[0]), float(thresholds[1])
    floor, _ = _floor(wt, least)
    s = np.array([(wt - a) / (b - a), (tc - floor) / (c - floor)])
    if np.any(s <= 0) or np.any(s >= 1):
        raise ValueError(f"thresholds WT {wt:g}, TC {tc:g} are not ordered inside {dict(bounds)}")
    return np.asarray(logit(s))


def inside(thresholds: np.ndarray, bounds: Bounds = BOUNDS) -> np.ndarray:
    """The thresholds (2,), those out of bounds or out of order moved to where they are possible."""
    (a, b), (least, c) = bounds["WT"], bounds["TC"]
    wt = _within(float(thresholds[0]), a, min(b, c - GAP))
    return np.array([wt, _within(float(thresholds[1]), _floor(wt, least)[0], c)])


def _within(value: float, low: float, high: float) -> float:
    margin = min(_MARGIN, (high - low) / 4)
    return min(max(value, low + margin), high - margin)


def on_bound(thresholds: np.ndarray, bounds: Bounds = BOUNDS, margin: float = _MARGIN) -> list[str]:
    """Regions whose threshold lies within `margin` of a bound or, for TC, of u_WT."""
    wt, tc = float(thresholds[0]), float(thresholds[1])
    (a, b), (least, c) = bounds["WT"], bounds["TC"]
    hit = []
    if min(wt - a, b - wt) < margin:
        hit.append("WT")
    if min(tc - max(least, wt), c - tc) < margin:
        hit.append("TC")
    return hit
