"""Outlines of masks: their area and what they enclose, against the masks themselves."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.path import Path
from scipy.ndimage import gaussian_filter

from gbm.dicom.outlines import area, outlines


def _inside(found: list[np.ndarray], shape: tuple[int, int]) -> np.ndarray:
    """Pixels whose centre lies inside an odd number of times, by another program."""
    centres = np.argwhere(np.ones(shape, bool))
    count = np.zeros(len(centres), int)
    for outline in found:
        codes = [Path.MOVETO, *[Path.LINETO] * (len(outline) - 1), Path.CLOSEPOLY]
        count += Path(np.vstack([outline, outline[:1]]), codes).contains_points(centres)
    return (count % 2 == 1).reshape(shape)


def _random(seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return gaussian_filter(rng.random((40, 30)), 1.5) > 0.5


RING = np.zeros((12, 11), bool)
RING[2:10, 2:9] = True
RING[4:6, 4:6] = RING[7:9, 3:8] = False
RING[7, 5] = True  # an island in a hole
CORNERS = np.zeros((4, 4), bool)
CORNERS[0, 0] = CORNERS[1, 1] = CORNERS[2, 2] = CORNERS[3, 2] = True


@pytest.mark.parametrize(
    "mask", [RING, CORNERS, np.ones((3, 5), bool), *(_random(seed) for seed in range(6))]
)
def test_outlines_enclose_what_the_mask_does(mask: np.ndarray) -> None:
    found = outlines(mask)
    assert sum(area(outline) for outline in found) == pytest.approx(mask.sum())
    assert all(area(outline) > 0 for outline in found)
    assert np.array_equal(_inside(found, mask.shape), mask)


def test_straight_parts_have_two_corners() -> None:
    (found,) = outlines(np.ones((30, 20), bool))
    assert sorted(map(tuple, found)) == [(-0.5, -0.5), (-0.5, 19.5), (29.5, -0.5), (29.5, 19.5)]


def test_nothing_has_no_outline() -> None:
    assert outlines(np.zeros((5, 5), bool)) == []
