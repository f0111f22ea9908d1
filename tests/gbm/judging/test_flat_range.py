"""Where the objective itself leaves lambda open."""

from __future__ import annotations

import numpy as np
import pytest

from gbm.judging.flat_range import flat_range


def test_flat_range_of_a_profile() -> None:
    curve = {"lambda_mm": [1, 2, 4, 8, 16], "objective": [0.4, 0.304, 0.300, None, 0.3005]}
    flat = flat_range(curve["lambda_mm"], curve["objective"], 2e-3)
    assert flat is not None
    # Half of the rise from 4 to 2 mm is allowed; nothing is known beyond 16 mm.
    assert flat.low == pytest.approx(4 / np.sqrt(2))
    assert (flat.high, flat.open_low, flat.open_high) == (pytest.approx(16.0), False, True)
    assert flat_range([1, 2], [None, None], 2e-3) is None
