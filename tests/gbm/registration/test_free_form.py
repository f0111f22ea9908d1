"""Splines with a penalty: the gradient, a known bend, what is not seen, other intensities."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from gbm.registration.free_form import FreeForm

MM = 4.0
SHAPE = (28, 32, 30)


@pytest.fixture(scope="module")
def pair() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A fixed texture, the moving one, and the displacements, mm, from one to the other."""
    rng = np.random.default_rng(2)
    moving = 100.0 + 200.0 * ndimage.gaussian_filter(rng.standard_normal(SHAPE), 2.0)
    places = np.indices(SHAPE).astype(float)
    bend = 4.0 * np.sin(places[[1, 2, 0]] * MM / 25.0)
    return ndimage.map_coordinates(moving, places + bend / MM, mode="nearest"), moving, bend


def _looked() -> np.ndarray:
    looked = np.zeros(SHAPE, bool)
    looked[4:-4, 4:-4, 4:-4] = True
    return looked


def _errors(found: np.ndarray, bend: np.ndarray, where: np.ndarray) -> np.ndarray:
    return np.linalg.norm(found - bend, axis=0)[where]


def test_gradients_are_those_of_what_they_come_with(pair: tuple[np.ndarray, ...]) -> None:
    form, rng = FreeForm(pair[0], pair[1], _looked(), MM), np.random.default_rng(0)
    controls = rng.standard_normal((3, *(part.shape[1] for part in form._splines)))
    for function, at in ((form._strain, controls), (form._correlation, pair[1])):
        along, step = rng.standard_normal(at.shape), 1e-4
        ends = [function(at + sign * step * along)[0] for sign in (1, -1)]
        slope = float(np.sum(function(at)[1] * along))
        assert np.isclose((ends[0] - ends[1]) / (2 * step), slope, rtol=1e-4)


def test_a_known_bend_is_undone_where_the_image_shows_it(pair: tuple[np.ndarray, ...]) -> None:
    fixed, moving, bend = pair
    found = FreeForm(fixed, moving, _looked(), MM).fitted()
    before, after = _errors(0 * bend, bend, _looked()), _errors(found, bend, _looked())
    assert np.median(after) < 0.4 * np.median(before)


def test_what_is_not_looked_at_follows_its_surroundings(pair: tuple[np.ndarray, ...]) -> None:
    fixed, moving, bend = pair
    away = np.linalg.norm(np.indices(SHAPE) - np.array(SHAPE).reshape(3, 1, 1, 1) / 2, axis=0)
    hole = away * MM < 16.0
    spoilt = np.where(hole, 500.0, fixed)
    found = FreeForm(spoilt, moving, _looked() & ~hole, MM).fitted()
    assert np.median(_errors(found, bend, hole)) < 0.6 * np.median(_errors(0 * bend, bend, hole))


def test_contrast_and_brightness_change_nothing(pair: tuple[np.ndarray, ...]) -> None:
    fixed, moving, _ = pair
    bent = [FreeForm(v, moving, _looked(), MM).fitted() for v in (fixed, 900.0 - 0.3 * fixed)]
    assert np.percentile(_errors(bent[0], bent[1], _looked()), 95) < 0.2
