"""Where a network starts: the characteristic parameters, unless no grid sees their front."""

from __future__ import annotations

from typing import Any

import pytest

from gbm.growth.characteristic import Characteristic, characteristic
from gbm.growth.inverse_problem import GrowthInverseProblem
from gbm.network_fit import start


def test_the_own_characteristic_parameters_are_kept(grown: Any) -> None:
    numbers = grown.domain.numbers
    own = characteristic(numbers["radius_WT_mm"], numbers["radius_TC_mm"])
    found = start.start_of(grown.domain, own, grown.x0, GrowthInverseProblem.of(grown.domain))
    assert found == start.NetworkStart(own.DT, own.rhoT, "characteristic")


@pytest.mark.parametrize(("lambda_mm", "source"), [(0.9, "table"), (1.1, "characteristic")])
def test_a_front_narrower_than_a_voxel_is_left_for_any_gain(
    grown: Any, monkeypatch: pytest.MonkeyPatch, lambda_mm: float, source: str
) -> None:
    monkeypatch.setattr(start, "CLEARLY_BETTER", 10.0)  # no gain is clear enough
    narrow = Characteristic(lambda_mm**2 * 12.0, 12.0, {}, None)
    found = start.start_of(grown.domain, narrow, grown.x0, GrowthInverseProblem.of(grown.domain))
    assert found.source == source
