"""The damping rule: which factor follows which step, and which steps are taken."""

from __future__ import annotations

import math

import pytest

from bilo.optimisation.damping import ANY_DECREASE, NO_DECREASE, Damping

RULE = Damping(0.1, 0.5, 8.0, least=1e-3, greatest=10.0)


@pytest.mark.parametrize(
    ("gain_ratio", "factor"),
    [
        (ANY_DECREASE, 0.1),
        (1.0, 0.1),
        (0.7501, 0.1),
        (0.75, 0.5),
        (0.2501, 0.5),
        (0.25, 8.0),
        (0.0, 8.0),
        (-1.0, 8.0),
        (NO_DECREASE, 8.0),
        (math.nan, 8.0),
    ],
)
def test_the_next_mu_answers_to_the_gain(gain_ratio: float, factor: float) -> None:
    assert RULE.next(0.1, gain_ratio) == pytest.approx(0.1 * factor)


def test_limits_of_a_good_and_a_fair_step_are_the_searchs_own() -> None:
    rule = Damping(2.0, 1.0, 0.35, good=0.7, fair=0.1)
    assert [rule.next(1.0, ratio) for ratio in (0.71, 0.7, 0.11, 0.1)] == [2.0, 1.0, 1.0, 0.35]


def test_mu_stays_within_its_limits() -> None:
    assert RULE.next(2e-3, 1.0) == 1e-3
    assert RULE.next(2.0, -1.0) == 10.0
    assert Damping(0.1, 1.0, 8.0).next(1e300, NO_DECREASE) == pytest.approx(8e300)


@pytest.mark.parametrize("accepted", [0.0, 0.05])
def test_a_step_is_taken_above_the_limit_alone(accepted: float) -> None:
    rule = Damping(0.1, 1.0, 8.0, accepted=accepted)
    assert rule.accepts(accepted + 1e-9)
    assert rule.accepts(ANY_DECREASE)
    assert not rule.accepts(accepted)
    assert not rule.accepts(NO_DECREASE)
    assert not rule.accepts(math.nan)
