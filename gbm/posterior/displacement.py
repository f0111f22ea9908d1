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


def crossing_slope(v: np.ndarray) -> np.ndarray:
    """Derivative (.., 13) of `crossing` by v."""
    inner, outer = v[..., :-1], v[..., 1:]
    falls = (inner > 0) & (outer <= 0)
    width = np.where(falls, inner - outer, 1.0)
    nearest = np.where(falls, np.abs(OFFSETS_MM[:-1] + inner / width), np.inf).argmin(axis=-1)
    at = np.arange(OFFSETS_MM.size - 1) == nearest[..., None]
    found = np.zeros(v.shape)
    found[..., :-1] -= np.where(at, outer / width**2, 0.0)
    found[..., 1:] += np.where(at, inner / width**2, 0.0)
    return np.where(falls.any(axis=-1, keepdims=True), found, _slope_beyond(v))


def _slope_beyond(v: np.ndarray) -> np.ndarray:
    """The same where the level set lies beyond the ray."""
    inside = v[..., _CENTRE : _CENTRE + 1] > 0
    end = np.where(inside, v[..., -1:], v[..., :1])
    step = np.where(inside, v[..., -1:] - v[..., -2:-1], v[..., 1:2] - v[..., :1])
    slope = _LEAST_SLOPE + np.abs(step)
    side = np.where(inside, 1.0, -1.0) * _BEYOND_MM / np.cosh(np.abs(end) / (2 * slope)) ** 2
    by_end = side * np.sign(end) / (2 * slope)
    by_step = -side * np.abs(end) * np.sign(step) / (2 * slope**2)
    at_first, at_last = np.zeros(v.shape), np.zeros(v.shape)
    at_first[..., :1], at_first[..., 1:2] = by_end - by_step, by_step
    at_last[..., -1:], at_last[..., -2:-1] = by_end + by_step, -by_step
    return np.where(inside, at_last, at_first)


def limited(delta: np.ndarray) -> np.ndarray:
    """delta / sqrt(1 + (delta / 8 mm)^2): no single point may count for all others."""
    return np.asarray(delta / np.sqrt(1.0 + (delta / _LIMIT_MM) ** 2))


def limited_slope(delta: np.ndarray) -> np.ndarray:
    """Derivative of `limited`, (1 + (delta / 8 mm)^2)^(-3/2)."""
    return np.asarray((1.0 + (delta / _LIMIT_MM) ** 2) ** -1.5)


def flatness(v: np.ndarray) -> np.ndarray:
    """Scale s = min(2, sqrt(1 + (0.12 / g)^2)) of the errors, from v (.., 13).

    Where the field is flat an error of the threshold moves the outline far; g is the mean slope of
    logit u over t in [-2, 2] mm.
    """
    g = (v[..., _CENTRE - 2] - v[..., _CENTRE + 2]) / (
        OFFSETS_MM[_CENTRE + 2] - OFFSETS_MM[_CENTRE - 2]
    )
    return np.minimum(2.0, np.sqrt(1.0 + (_FLAT / np.maximum(g, 0.02)) ** 2))
