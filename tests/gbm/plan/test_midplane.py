"""The mid-sagittal plane: found again in the atlas after a known motion."""

from __future__ import annotations

import numpy as np

from gbm.demo.phantoms import atlas
from gbm.io.volumes import Volume
from gbm.plan.midplane import midplane


def test_the_plane_moves_with_the_head() -> None:
    """Turned by 8 and 5 degrees and moved by 6 mm: to half a degree and half a millimetre."""
    template = atlas().t1
    a, b = np.radians([8.0, 5.0])
    turned = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1.0]])
    tilted = np.array([[np.cos(b), 0, np.sin(b)], [0, 1.0, 0], [-np.sin(b), 0, np.cos(b)]])
    move = np.eye(4)
    move[:3, :3], move[:3, 3] = turned @ tilted, [6.0, -3.0, 2.0]
    found = midplane(Volume(template.data, move @ template.affine))
    normal = move[:3, 0]  # the atlas is symmetric about x = 0
    assert np.degrees(np.arccos(found.normal @ normal)) < 0.5
    assert abs(found.offset_mm - normal @ move[:3, 3]) < 0.5


def test_the_right_is_positive_however_the_file_is_stored() -> None:
    affine = np.diag([-2.0, 1.0, 1.0, 1.0])
    affine[0, 3] = 30.0
    template = atlas().t1
    side = midplane(template).side(Volume(np.zeros((30, 4, 4)), affine))
    world_x = 30.0 - 2.0 * np.arange(30)
    assert np.abs(side[:, 0, 0] - world_x).max() < 0.5
