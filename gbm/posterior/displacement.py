"""How far the model's level set lies from the drawn outline, along the outline's normal.

With v(t) = logit u(p + t n) - logit tau along the ray of a point p with the outward normal n,

    delta = the root of v nearest to t = 0 at which u falls outwards, t in [-6, 6] mm,

linear between readings 1 mm apart. Where there is none the level set is somewhere beyond,

    delta = +-(6 + 2 tanh(|v_end| / 2 slope_end)),   + if v(0) > 0, at the end in that direction.
"""

from __future__ import annotations

import numpy as np

OFFSETS_MM = np.arange(-6.0, 7.0)
"""Where a ray is read, t."""
_CENTRE = OFFSETS_MM.size // 2
_BEYOND_MM = 2.0
_LEAST_SLOPE = 0.1
_LIMIT_MM = 8.0
_FLAT = 0.12
"""Error of the threshold in the logit that moves an outline by 0.12 / g mm."""


def crossing(v: np.ndarray) -> np.ndarray:
    """Displacement delta (..,) in mm, positive outside of the outline, from v (.., 13)."""
    inner, outer = v[..., :-1], v[..., 1:]
    falls = (inner > 0) & (outer <= 0)
    root = OFFSETS_MM[:-1] + inner / np.where(falls, inner - outer, 1.0)
    nearest = np.where(falls, np.abs(root), np.inf).argmin(axis=-1)
    found = np.take_along_axis(root, nearest[..., None], axis=-1)[..., 0]
    inside = v[..., _CENTRE] > 0
    end = np.where(inside, v[..., -1], v[..., 0])
    step = np.where(inside, v[..., -1] - v[..., -2], v[..., 1] - v[..., 0])
    slope = _LEAST_SLOPE + np.abs(step)
    beyond = OFFSETS_MM[-1] + _BEYOND_MM * np.tanh(np.abs(end) / (2 * slope))
    return np.where(falls.any(axis=-1), found, np.where(inside, beyond, -beyond))


def limited(delta: np.ndarray) -> np.ndarray:
    """delta / sqrt(1 + (delta / 8 mm)^2): no single point may count for all others."""
    return np.asarray(delta / np.sqrt(1.0 + (delta / _LIMIT_MM) ** 2))


def flatness(v: np.ndarray) -> np.ndarray:
    """Scale s = min(2, sqrt(1 + (0.12 / g)^2)) of the errors, from v (.., 13).

    Where the field is flat an error of the threshold moves the outline far; g is the mean slope of
    logit u over t in [-2, 2] mm.
    """
    g = (v[..., _CENTRE - 2] - v[..., _CENTRE + 2]) / (
        OFFSETS_MM[_CENTRE + 2] - OFFSETS_MM[_CENTRE - 2]
    )
    return np.minimum(2.0, np.sqrt(1.0 + (_FLAT / np.maximum(g, 0.02)) ** 2))
