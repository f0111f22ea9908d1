"""Metrics: by hand, against MONAI, and the disc."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from gbm.growth.disc import centroid, disc
from gbm.growth.metrics import masks, relative_error, scores
from gbm.imaging.overlap import dice, hd95_mm, size


def test_dice_by_hand() -> None:
    a, b = np.zeros((4, 4), bool), np.zeros((4, 4), bool)
    a[:2], b[1:3] = True, True
    assert dice(a, b) == 0.5
    assert dice(a, a) == 1
    assert np.isnan(dice(a & ~a, b & ~b))


def test_hd95_of_shifted_squares() -> None:
    a = np.zeros((30, 30), bool)
    a[5:15, 5:15] = True
    assert hd95_mm(a, np.roll(a, 4, axis=0)) == pytest.approx(4.0)
    assert hd95_mm(a, np.roll(a, 4, axis=0), spacing_mm=0.5) == pytest.approx(2.0)
    assert hd95_mm(a, a) == 0
    assert np.isnan(hd95_mm(a, a & ~a))


@pytest.mark.filterwarnings("ignore:monai:FutureWarning")
def test_hd95_agrees_with_monai(rng: np.random.Generator) -> None:
    torch = pytest.importorskip("torch")
    monai = pytest.importorskip("monai.metrics")
    x = np.arange(40)
    for _ in range(3):
        c, d = rng.uniform(14, 26, (2, 2))
        a, b = (np.hypot(x[:, None] - p[0], x[None, :] - p[1]) < r for p, r in ((c, 9), (d, 7)))
        tensors = [torch.tensor(m[None, None].astype(np.float32)) for m in (a, b)]
        oracle = monai.compute_hausdorff_distance(*tensors, include_background=True, percentile=95)
        assert hd95_mm(a, b) == pytest.approx(float(oracle), abs=1e-5)


def test_area_and_relative_error() -> None:
    assert size(np.ones((3, 4), bool), 0.5) == 3.0
    u, phi = np.array([[1.0, 2.0, 3.0]]), np.array([[1.0, 0.75, 0.25]])
    assert relative_error(1.1 * u, u, phi) == pytest.approx(0.1)
    assert relative_error(u + np.array([[0, 1, 0]]), u, phi) == pytest.approx(np.sqrt(0.75 / 4))
    assert relative_error(u + np.array([[0, 0, 9]]), u, phi) == 0  # beyond the tissue


def test_predictions_are_clipped_to_tissue(grown: Any) -> None:
    everywhere = masks(grown.domain, np.ones_like(grown.domain.P), grown.thresholds)
    assert everywhere["WT"].sum() == (grown.domain.phi > 0.5).sum()


def test_scores_of_the_segmentation_itself(grown: Any) -> None:
    found = scores(grown.domain, {"WT": grown.domain.WT, "TC": grown.domain.TC})
    assert found["WT"] == {"dice": 1.0, "hd95_mm": 0.0, "area_mm2": float(grown.domain.WT.sum())}
    without = replace(grown.domain, TC=np.zeros_like(grown.domain.TC))
    assert np.isnan(scores(without, {"TC": grown.domain.TC})["TC"]["dice"])


def test_disc_has_the_area_and_the_centre(grown: Any) -> None:
    found = disc(grown.domain)
    for region in ("WT", "TC"):
        assert found[region].sum() == pytest.approx(getattr(grown.domain, region).sum(), rel=0.03)
    moved = replace(grown.domain, TC=found["TC"])
    np.testing.assert_allclose(centroid(moved), centroid(grown.domain), atol=0.3)
    oedema = replace(grown.domain, TC=np.zeros_like(grown.domain.TC))
    assert disc(oedema)["TC"].sum() == 0
