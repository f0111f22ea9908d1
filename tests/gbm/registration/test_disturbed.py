"""Disturbed heads: what is made is what was meant, and a few real ones are registered (slow)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gbm.config.gate_settings import GateSettings
from gbm.imaging.brain import brain_mask
from gbm.io.volumes import Volume
from tests.gbm import disturbed, head


@pytest.fixture(scope="module")
def small() -> disturbed.Disturbed:
    affine, shape = head.ras((2.0, 2.0, 2.0))
    places = head.world(affine, shape)
    image = Volume(head.t1(head.tissue(places), noise=3.0), affine)
    tumour = Volume(head.labels(places) > 0, affine)
    return disturbed.Disturbed({"t1": image, "t1c": image}, tumour, np.eye(4))


@pytest.mark.parametrize("kind", disturbed.KINDS)
def test_a_disturbance_moves_the_tumour_as_it_says(small: disturbed.Disturbed, kind: str) -> None:
    made = disturbed.disturb(small, kind, seed=3)
    assert made is not None

    def centre(v: Volume) -> np.ndarray:
        return v.affine[:3, :3] @ np.argwhere(v.data).mean(axis=0) + v.affine[:3, 3]

    expected = made.moved[:3, :3] @ centre(small.tumour) + made.moved[:3, 3]
    assert np.linalg.norm(centre(made.tumour) - expected) < 0.75  # voxels of 2 mm, the nearest
    for image in made.images.values():
        assert brain_mask(image).any()
        assert image.data.min() >= 0
    if kind not in ("as it is", "moved", "t1c alone"):
        own, new = small.images["t1"], made.images["t1"]
        assert own.data.shape != new.data.shape or np.abs(own.data - new.data).max() > 1


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["20133:6 mm slices interpolated", "TCIA10637:z40", "TCIA01201:moved"]
)
def test_a_disturbed_real_head_gets_the_warp_of_the_undisturbed(data_dir: Path, name: str) -> None:
    own, case = disturbed.case_of(data_dir / "patients", name)
    assert case is not None
    points, gates, warps = disturbed.healthy_points(own), GateSettings(), []
    for each in (own, case):
        found, seen = disturbed.registered(each)
        assert found.brain_dice >= gates.brain_dice_min
        assert found.correlation >= gates.correlation_min
        warps.append(disturbed.warped(found, seen, each, points))
    assert np.nanpercentile(np.linalg.norm(np.subtract(*warps), axis=1), 95) < 3.0
