"""Numbers of a plan: against counts by hand, and against another program's own formulas."""

from __future__ import annotations

import numpy as np
import pytest

from gbm.io.volumes import Volume
from gbm.plan.scores import Beside, auc, coverage, far_from, scored
from gbm.plan.shapes import Drawn, Ground
from gbm.plan.table import METRICS, plans_tsv, read_plans

SHAPE = (60, 16, 16)


def _box(low: int, high: int) -> np.ndarray:
    mask = np.zeros(SHAPE, bool)
    mask[low:high, 4:12, 4:12] = True
    return mask


@pytest.fixture
def ground() -> Ground:
    """A brain that fills the grid of 1 x 1 x 2 mm, and a core at its low end."""
    return Ground.of(np.ones(SHAPE, bool), Volume(_box(4, 8), np.diag([1.0, 1.0, 2.0, 1.0])))


def test_a_plan_beside_the_standard_one(ground: Ground) -> None:
    """A bar of 64 voxels a layer, 2 mm^3 each, shifted by 10 layers of 20."""
    standard, mask, recurrence = _box(4, 24), _box(14, 34), _box(20, 40)
    whole = Volume(_box(4, 8), np.diag([1.0, 1.0, 2.0, 1.0]))
    other = np.zeros(SHAPE, bool)
    other[30:] = True
    beside = Beside(standard, far_from(whole, ground.brain), other, recurrence)
    values = np.broadcast_to(-np.arange(60.0)[:, None, None], SHAPE)
    found = scored(Drawn(mask, 7), values, ground, beside)
    layer = 64 * 0.002
    assert found == {
        "volume_ml": pytest.approx(20 * layer),
        "dice": pytest.approx(0.5),
        "hd95_mm": pytest.approx(10.0),
        "beyond_20mm_ml": pytest.approx(6 * layer),  # layers 28 to 33: more than 20 mm from 7
        "other_hemisphere_ml": pytest.approx(4 * layer),
        "filled_by_distance": 7,
        "coverage": pytest.approx(14 / 20),
        "missed_ml": pytest.approx(6 * layer),
        "recurrence_ml": pytest.approx(20 * layer),
        "auc": pytest.approx(found["auc"]),
    }
    assert set(found) == set(METRICS)
    assert np.isnan(
        scored(Drawn(mask, 0), values, ground, Beside(standard, mask, None, None))[
            "other_hemisphere_ml"
        ]
    )


def test_an_empty_recurrence_is_covered() -> None:
    empty = np.zeros(SHAPE, bool)
    assert coverage(_box(0, 4), empty) == 1.0
    assert np.isnan(auc(np.zeros(5), np.zeros(5, bool)))


def test_the_area_under_the_curve_counts_pairs(rng: np.random.Generator) -> None:
    values, positive = np.round(rng.random(80), 1), rng.random(80) < 0.3
    one, two = values[positive][:, None], values[~positive][None]
    assert auc(values, positive) == pytest.approx(np.mean((one > two) + 0.5 * (one == two)))


def test_a_table_is_read_as_it_was_written(tmp_path) -> None:
    written = {"standard": {"volume_ml": 12.5, "auc": float("nan")}, "model": {"dice": 0.25}}
    file = tmp_path / "plans.tsv"
    file.write_text(plans_tsv(written))
    assert read_plans(file) == {
        "standard": {"volume_ml": 12.5, "auc": None}, "model": {"dice": 0.25}
    }  # fmt: skip
