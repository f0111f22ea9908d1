"""The status that follows from checks."""

from __future__ import annotations

import pytest

from bilo.training.checks import Check, status_of, untested, warnings_of


def _checks(failed: tuple[str, ...], missing: tuple[str, ...] = ()) -> list[Check]:
    names = ("training", "numbers", "equation", "rest", "noise", "bounds")
    made = {name: name not in failed for name in names}
    return [Check(k, None if k in missing else v, f"about {k}") for k, v in made.items()]


@pytest.mark.parametrize(
    ("failed", "confirmed", "status"),
    [
        ((), True, "converged"),
        ((), False, "unverified"),
        (("bounds",), True, "on a bound"),
        (("bounds",), False, "on a bound"),
        (("bounds", "rest"), True, "not converged"),
        (("equation",), True, "not converged"),
        (("training",), False, "not converged"),
        (("numbers",), True, "diverged"),
        (("numbers", "bounds", "equation"), False, "diverged"),
    ],
)
def test_the_status_of_a_fit(failed: tuple[str, ...], confirmed: bool, status: str) -> None:
    assert status_of(_checks(failed), confirmed=confirmed) == status


def test_what_was_not_tested_fails_nothing_and_confirms_nothing() -> None:
    checks = _checks((), missing=("noise", "equation"))
    assert status_of(checks, confirmed=False) == "unverified"
    assert warnings_of(checks) == ()


def test_warnings_are_the_words_of_what_failed() -> None:
    assert warnings_of(_checks(("rest", "noise"))) == ("about rest", "about noise")


def test_a_check_that_does_not_apply_is_not_made() -> None:
    found = untested(Check("equation", False, "the residual is 0.2"))
    assert found == Check("equation", None, "not tested for this problem (the residual is 0.2)")
    assert found.to_json() == {"name": "equation", "passed": None, "words": found.words}
