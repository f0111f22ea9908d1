"""The characteristic match: real radii, a round trip, and reasons where it cannot be met."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gbm.growth.characteristic import Characteristic, characteristic, growth_on_bound, map_radii
from gbm.growth.parameters import Growth
from gbm.growth.radial import radial, radius_at

# Equal-area radii (WT, TC) in mm of eight real glioblastomas, from oedema-rich to oedema-free.
RADII = [
    (33.7, 26.7), (33.6, 21.4), (26.4, 20.4), (25.9, 21.9),
    (21.9, 12.3), (27.5, 19.7), (29.5, 18.1), (33.5, 32.1),
]  # fmt: skip


@pytest.mark.parametrize(("whole", "core"), RADII)
def test_both_radii_are_met(whole: float, core: float) -> None:
    found = characteristic(whole, core)
    assert found.reason is None
    r, u = radial(found)
    assert radius_at(r, u, 0.35) == pytest.approx(whole, rel=0.01)
    assert radius_at(r, u, 0.6) == pytest.approx(core, rel=0.01)
    assert max(map(abs, found.radius_error.values())) < 0.01


def test_known_parameters_come_back() -> None:
    r, u = radial(Growth(4.0**2 * 7.0, 7.0))
    found = characteristic(radius_at(r, u, 0.35), radius_at(r, u, 0.6))
    assert found.lambda_mm == pytest.approx(4.0, rel=2e-3)
    assert found.rhoT == pytest.approx(7.0, rel=2e-3)


def test_an_empty_core_states_the_second_condition() -> None:
    found = characteristic(30.0, 0.0)
    assert found.lambda_mm == pytest.approx(4.0, rel=1e-3)
    assert abs(found.radius_error["WT"]) < 0.01
    assert "TC" not in found.radius_error
    assert found.reason is not None
    assert "TC is empty" in found.reason


def test_what_cannot_be_met_has_a_reason() -> None:
    found = characteristic(30.0, 29.9)
    assert found.reason is not None
    assert "lambda on a bound" in found.reason


def test_radius_must_be_positive() -> None:
    with pytest.raises(ValueError, match="WT"):
        characteristic(0.0, 0.0)


def test_json_round_trip() -> None:
    found = characteristic(20.0, 15.0)
    assert Characteristic.from_json(found.to_json() | {"map_radii_mm": {}}) == found


def test_bounds_are_noticed() -> None:
    assert growth_on_bound(14.95, 5.0) == ["lambda"]
    assert growth_on_bound(3.0, 1.0) == ["rho T"]
    assert growth_on_bound(3.0, 5.0) == []


def test_radii_on_the_map_count_tissue_only(grown: Any) -> None:
    radii = map_radii(grown.domain, grown.growth, grown.seed, grown.thresholds)
    assert radii["WT"] == pytest.approx(grown.domain.numbers["radius_WT_mm"], rel=0.02)
    assert radii["TC"] == pytest.approx(grown.domain.numbers["radius_TC_mm"], rel=0.03)
    flooded = map_radii(grown.domain, Growth(1000.0, 40.0), grown.seed)
    assert flooded["WT"] == pytest.approx(np.sqrt((grown.domain.phi > 0.5).sum() / np.pi))
