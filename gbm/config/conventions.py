"""Label conventions of segmentations: one entry in `CONVENTIONS` each."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Convention:
    """Which labels make the whole tumour (WT), the tumour core (TC) and its enhancing part (ET).

    Zero is background, and so are labels of tissue, such as a resection cavity. Another label in
    neither WT nor TC is outside the convention. ET serves one gate, that on the enhancing part of
    the tumour.
    """

    WT: frozenset[int]
    TC: frozenset[int]
    ET: frozenset[int]
    tissue: frozenset[int] = frozenset()

    @property
    def labels(self) -> frozenset[int]:
        """All labels a file of this convention may hold, background included."""
        return self.WT | self.TC | {0}


CONVENTIONS: dict[str, Convention] = {
    # 1 necrosis/non-enhancing core, 2 oedema, 3 or 4 enhancing tumour
    "brats": Convention(WT=frozenset({1, 2, 3, 4}), TC=frozenset({1, 3, 4}), ET=frozenset({3, 4})),
    # 1 enhancing tumour, 3 oedema, 4 necrosis/non-enhancing core
    "gliodil": Convention(WT=frozenset({1, 3, 4}), TC=frozenset({1, 4}), ET=frozenset({1})),
    # of the benchmark: 1 necrosis/non-enhancing core, 2 oedema, 3 enhancing tumour, 4 cavity
    "predict_gbm": Convention(
        WT=frozenset({1, 2, 3}), TC=frozenset({1, 3}), ET=frozenset({3}), tissue=frozenset({4})
    ),
}

REGIONS = ("WT", "TC")
