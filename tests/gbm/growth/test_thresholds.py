"""Thresholds: ordered and bounded by construction, invertible, exact derivatives."""

from __future__ import annotations

import numpy as np
import pytest

from gbm.growth.thresholds import BOUNDS, from_unconstrained, inside, on_bound, to_unconstrained


def test_every_pair_is_admissible(rng: np.random.Generator) -> None:
    for p in rng.normal(0, 6, (200, 2)):
        (wt, tc), _ = from_unconstrained(p)
        assert BOUNDS["WT"][0] <= wt <= BOUNDS["WT"][1]
        assert BOUNDS["TC"][0] <= tc <= BOUNDS["TC"][1]
        assert 0 < wt < tc < 1


@pytest.mark.parametrize("pair", [(0.35, 0.6), (0.07, 0.32), (0.58, 0.61), (0.3, 0.9)])
def test_round_trip(pair: tuple[float, float]) -> None:
    back, _ = from_unconstrained(to_unconstrained(np.array(pair)))
    np.testing.assert_allclose(back, pair, rtol=1e-12)


def test_jacobian_is_the_derivative(rng: np.random.Generator) -> None:
    for p in rng.normal(0, 2, (20, 2)):
        _, jacobian = from_unconstrained(p)
        for j, step in enumerate(1e-6 * np.eye(2)):
            numeric = (from_unconstrained(p + step)[0] - from_unconstrained(p - step)[0]) / 2e-6
            np.testing.assert_allclose(jacobian[:, j], numeric, atol=1e-8)


@pytest.mark.parametrize("pair", [(0.6, 0.5), (0.35, 0.96), (0.04, 0.6), (0.5, 0.5)])
def test_inadmissible_pairs_are_refused(pair: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="not ordered inside"):
        to_unconstrained(np.array(pair))


def test_bounds_are_noticed() -> None:
    assert on_bound(np.array([0.055, 0.6])) == ["WT"]
    assert on_bound(np.array([0.35, 0.945])) == ["TC"]
    assert on_bound(np.array([0.55, 0.555])) == ["TC"]
    assert on_bound(np.array([0.35, 0.6])) == []


@pytest.mark.parametrize(
    "bounds",
    [
        {"WT": (0.61, 0.9), "TC": (0.3, 0.95)},
        {"WT": (0.03, 0.2), "TC": (0.3, 0.95)},
        {"WT": (0.4, 0.42), "TC": (0.42, 0.45)},
        {"WT": (0.05, 0.9), "TC": (0.3, 0.5)},
        {"WT": (0.05, 0.6), "TC": (0.7, 0.95)},
    ],
)
def test_a_start_out_of_bounds_is_moved_inside(bounds: dict[str, tuple[float, float]]) -> None:
    moved = inside(np.array([0.35, 0.6]), bounds)
    back, _ = from_unconstrained(to_unconstrained(moved, bounds), bounds)
    np.testing.assert_allclose(back, moved, rtol=1e-9)
    assert np.array_equal(inside(moved, bounds), moved)


def test_a_start_within_bounds_stays() -> None:
    assert inside(np.array([0.35, 0.6])).tolist() == [0.35, 0.6]
