"""How far the model's level set lies from the drawn outline, along the outline's normal.

With v(t) = logit u(p + t n) - logit tau along the ray of a point p with the outward normal n,

    delta = int ([v(t) > 0] - [drawn]) dt,    over the tissue at t in [-15, 15] mm (in space 16),

v linear between readings: the root of v where there is one, and else by how much of the ray one
region exceeds the other. Where a root appears nothing jumps.
"""

from __future__ import annotations

import numpy as np

READINGS_MM = {2: np.arange(-15.0, 16.0), 3: np.arange(-16.0, 17.0, 2.0)}
"""Where a ray is read, t, by dimension: as finely as the samples are solved, and as far as real
outlines are from a model of the whole tumour."""
_SLOPE_MM = 2.0
"""To either side of a point, where the slope of logit u is taken."""
_FLAT = 0.12
"""Error of the threshold in the logit that moves an outline by 0.12 / g mm."""
_TINY = 1e-300
_LIMIT_MM = 8.0


def covered(v: np.ndarray) -> np.ndarray:
    """The part between two readings each of rays (.., n) where v > 0, (.., n - 1)."""
    above, size = np.maximum(v, 0.0), np.abs(v)
    return np.asarray((above[..., 1:] + above[..., :-1]) / (size[..., 1:] + size[..., :-1] + _TINY))


def covered_slope(v: np.ndarray, by: np.ndarray) -> np.ndarray:
    """Derivative (.., n) by v of sum(by covered(v)), by (.., n - 1)."""
    size = np.abs(v)
    each, part = by / (size[..., 1:] + size[..., :-1] + _TINY), covered(v)
    found = np.zeros(v.shape)
    found[..., :-1] += each * ((v[..., :-1] > 0) - part * np.sign(v[..., :-1]))
    found[..., 1:] += each * ((v[..., 1:] > 0) - part * np.sign(v[..., 1:]))
    return found


def limited(delta: np.ndarray) -> np.ndarray:
    """delta / sqrt(1 + (delta / 8 mm)^2): no single point may count for all others."""
    return np.asarray(delta / np.sqrt(1.0 + (delta / _LIMIT_MM) ** 2))


def flatness(v: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Scale s = min(2, sqrt(1 + (0.12 / g)^2)) of the errors, from v (.., T) at t (T,), mm.

    Where the field is flat an error of the threshold moves the outline far; g is the mean slope of
    logit u over t in [-2, 2] mm.
    """
    inner, outer = np.searchsorted(t, (-_SLOPE_MM, _SLOPE_MM))
    g = (v[..., inner] - v[..., outer]) / (2 * _SLOPE_MM)
    return np.minimum(2.0, np.sqrt(1.0 + (_FLAT / np.maximum(g, 0.02)) ** 2))
