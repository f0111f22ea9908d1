"""A wrong answer is never called converged, and a right one mostly is."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.bilo.status.right import RIGHT
from tests.bilo.status.row import REFUSED, Row, run
from tests.bilo.status.wrong import WRONG

FAST = {
    "01-nan.sigma", "02-other-data.neither", "05-lm-3-5.reference", "05-lm-3-5.sigma",
    "05-lm-3-5.neither", "10-tensor.sigma", "11-one-value.neither", "14-helmholtz.reference",
    "15-decay.reference", "15-decay.sigma", "15-decay.neither", "18-plate.reference",
    "18-plate.sigma", "18-plate.neither", "21-interrupted.reference", "21-interrupted.sigma",
    "25-raised.neither", "33-bounds.sigma", "36-shuffled.reference", "36-shuffled.sigma",
    "40-outliers.reference", "44-infinite.neither", "54-particles.sigma", "58-tikhonov.reference",
    "58-tikhonov.sigma", "59-adjoint-heavy.sigma", "60-adjoint-none.reference",
    "60-adjoint-none.sigma", "Fin-0-0.01.reference", "Fin-0-0.01.sigma", "Fin-0-0.01.neither",
    "Particles-0-0.01.sigma",
}  # fmt: skip
"""Less than 90 seconds together; the others take half an hour."""
REFUSED_ROWS = ("01", "02", "03", "10", "11", "44")
"""What never comes to a fit; anything else that is refused is a mistake of the row."""


def _param(row: Row) -> object:
    return pytest.param(row, id=row.key, marks=() if row.key in FAST else pytest.mark.slow)


@pytest.mark.parametrize("row", [_param(row) for row in WRONG])
def test_a_wrong_answer_is_not_called_converged(row: Row) -> None:
    found = run(row)
    assert (found.status == REFUSED) == row.name.startswith(REFUSED_ROWS), found.words
    assert not (found.wrong and found.status == "converged"), found.answer


@pytest.mark.parametrize("row", [_param(row) for row in RIGHT if row.key in FAST])
def test_a_right_answer_is_called_what_it_was_checked_against(row: Row) -> None:
    found = run(row)
    assert not found.wrong, found.answer
    assert found.status == ("unverified" if row.evidence == "neither" else "converged"), found.words


@pytest.mark.slow
def test_most_right_answers_are_converged_where_something_confirms_them() -> None:
    """Sixty fits of eight problems."""
    found = [(row, run(row)) for row in RIGHT]
    tally = Counter((row.evidence == "neither", o.status) for row, o in found)
    assert tally[False, "converged"] >= 0.85 * sum(row.evidence != "neither" for row, _ in found)
    assert tally[True, "unverified"] >= 0.95 * sum(row.evidence == "neither" for row, _ in found)
    assert tally[True, "converged"] == 0
