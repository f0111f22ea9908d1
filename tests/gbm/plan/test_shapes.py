"""Plans of equal volume: against brute force, to the voxel, and the same bits at every run."""

from __future__ import annotations

import numpy as np
import pytest

from gbm.io.volumes import Volume
from gbm.plan.brain import brain_of_image, brain_of_tissue, filled
from gbm.plan.shapes import Ground

SHAPE = (24, 20, 18)


def _grid(spacing: tuple[float, float, float], turn: float = 0.0) -> np.ndarray:
    """An affine of orthogonal axes, turned about z, the first axis to the left."""
    affine = np.eye(4)
    c, s = np.cos(turn), np.sin(turn)
    affine[:3, :3] = np.array([[-c, -s, 0], [s, -c, 0], [0, 0, 1]]) * spacing
    affine[:3, 3] = [40.0, -20.0, 7.0]
    return affine


def _head(rng: np.random.Generator, affine: np.ndarray) -> tuple[Volume, Volume]:
    """A brain with a hole in it and a speck beside it, and a core of scattered voxels."""
    index = np.indices(SHAPE) - np.array(SHAPE)[:, None, None, None] / 2
    image = np.where((index**2).sum(axis=0) < 8.5**2, 100.0, 0.0)
    image[12, 10, 9] = 0.0
    image[0, 0, 0] = 50.0
    core = np.zeros(SHAPE, bool)
    core[tuple(rng.integers(7, 13, (3, 12)))] = True
    return Volume(image, affine), Volume(core, affine)


@pytest.mark.parametrize(
    ("spacing", "turn"),
    [((1.0, 1.0, 1.0), 0.0), ((0.8, 0.9, 2.5), 0.3), ((1.0, 1.0, 5.0), 0.0)],
)
def test_the_standard_plan_is_what_brute_force_finds(
    rng: np.random.Generator, spacing: tuple[float, float, float], turn: float
) -> None:
    """Distances of the centres in the world, one by one; the margin itself is inside."""
    affine = _grid(spacing, turn)
    image, core = _head(rng, affine)
    brain = brain_of_image(image)
    assert brain[12, 10, 9]
    assert not brain[0, 0, 0]
    found = Ground.of(brain, core).standard(5.0)
    places = np.argwhere(np.ones(SHAPE, bool)) @ affine[:3, :3].T
    cores = np.argwhere(core.data) @ affine[:3, :3].T
    nearest = np.min(np.linalg.norm(places[:, None] - cores[None], axis=2), axis=1)
    wanted = brain & (nearest.reshape(SHAPE) <= 5.0 + 1e-9)
    assert np.array_equal(found, wanted)
    assert 0 < wanted.sum() < brain.sum()


def test_a_model_plan_has_exactly_the_volume_and_the_highest_density(
    rng: np.random.Generator,
) -> None:
    image, core = _head(rng, _grid((1.0, 1.0, 1.0)))
    brain = brain_of_image(image)
    ground = Ground.of(brain, core)
    voxels = int(ground.standard(5.0).sum())
    u = rng.random(SHAPE).astype(np.float32)
    drawn = ground.of_volume(u, voxels)
    assert drawn.mask.sum() == voxels
    assert not (drawn.mask & ~brain).any()
    assert u[drawn.mask].min() > u[brain & ~drawn.mask].max()
    assert drawn.filled_by_distance == 0


def test_equals_and_zeros_are_filled_by_the_distance_from_the_core(
    rng: np.random.Generator,
) -> None:
    image, core = _head(rng, _grid((1.0, 1.0, 1.0)))
    ground = Ground.of(brain_of_image(image), core)
    steps = np.where(core.data, np.float32(0.5), np.float32(0.0))
    voxels = int(core.data.sum()) + 40
    drawn = ground.of_volume(steps, voxels)
    assert drawn.filled_by_distance == 40
    assert drawn.mask[core.data].all()
    rest = ground.brain & ~drawn.mask
    assert ground.distance[drawn.mask].max() <= ground.distance[rest].min()


def test_every_run_draws_the_same_bits(rng: np.random.Generator) -> None:
    image, core = _head(rng, _grid((0.8, 0.9, 2.5)))
    u = np.round(rng.random(SHAPE), 1)
    runs = [Ground.of(brain_of_image(image), core).of_volume(u, 700) for _ in range(2)]
    assert runs[0].mask.tobytes() == runs[1].mask.tobytes()
    assert runs[0].filled_by_distance == runs[1].filled_by_distance > 0


@pytest.mark.parametrize("voxels", [0, "all"])
def test_nothing_and_the_whole_brain_are_plans_too(
    rng: np.random.Generator, voxels: int | str
) -> None:
    image, core = _head(rng, _grid((1.0, 1.0, 1.0)))
    brain = brain_of_image(image)
    wanted = int(brain.sum()) if voxels == "all" else 0
    drawn = Ground.of(brain, core).of_volume(rng.random(SHAPE), wanted)
    assert drawn.mask.sum() == wanted


def test_a_brain_of_tissue_maps_is_closed_too() -> None:
    wm, gm, csf = np.zeros((3, *SHAPE))
    wm[4:16, 4:16, 4:16], gm[4:16, 4:16, 4:10], csf[2:4, 2:4, 2:4] = 0.4, 0.2, 0.6
    wm[4:16, 4:16, 10:16] = 0.7
    wm[10, 10, 12] = 0.0
    brain = brain_of_tissue(wm, gm, csf)
    assert brain.sum() == 12**3
    assert not filled(np.zeros(SHAPE, bool)).any()
