"""Which convention a segmentation follows, told by the labels it holds."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gbm.config.errors import InputError
from gbm.imaging.labels import LABEL_TOLERANCE
from gbm.io.nifti import read_volume


@dataclass(frozen=True)
class LabelSet:
    """The labels of a challenge or data set, and the convention they follow.

    Attributes
    ----------
    labels : frozenset of int
        Without the background.
    convention : str
        A name in `gbm.config.conventions.CONVENTIONS`.
    source : str
        Where they are used.
    """

    labels: frozenset[int]
    convention: str
    source: str


SETS = (
    LabelSet(frozenset({1, 2, 4}), "brats", "BraTS 2017 to 2021"),
    LabelSet(frozenset({1, 2, 3}), "brats", "BraTS 2023"),
    LabelSet(frozenset({1, 3, 4}), "gliodil", "GliODIL"),
)
"""Known label sets, the likelier first: 1 necrosis, 2 oedema, 4 or 3 enhancing tumour in BraTS
(Menze et al. 2015; Bakas et al. 2018); 1 enhancing tumour, 3 oedema, 4 necrosis in GliODIL."""


@dataclass(frozen=True)
class Detected:
    """A convention, and one line of text that states the labels and where they are used."""

    convention: str
    statement: str
    warning: str | None = None


def detect(present: frozenset[int]) -> Detected:
    """Return the convention of the labels that a segmentation holds.

    >>> detect(frozenset({1, 2, 4}))
    Detected(convention='brats', statement='labels 1, 2, 4: BraTS 2017 to 2021', warning=None)
    >>> detect(frozenset({2})).statement
    'labels 2: BraTS 2017 to 2021 or BraTS 2023'

    Raises
    ------
    InputError
        If they belong to no known set, such as 1, 2, 3, 4 of BraTS 2024, where 4 is a resection
        cavity and no enhancing tumour.
    """
    if not present:
        return Detected(SETS[0].convention, f"no labels found; convention {SETS[0].convention}")
    shown = _list(present)
    fitting = [known for known in SETS if present <= known.labels]
    if not fitting:
        known = "; ".join(f"{_list(s.labels)} {s.source}" for s in SETS)
        raise InputError(
            f"its labels {shown} are those of no known set ({known}); write its patient file by "
            "hand, with convention: {WT: [...], TC: [...]}"
        )
    chosen = fitting[0].convention
    sources = " or ".join(s.source for s in fitting if s.convention == chosen)
    others = [s for s in fitting if s.convention != chosen]
    warning = None
    if others:
        warning = f"labels {shown} could also be those of {others[0].source}; taken as {sources}"
    return Detected(chosen, f"labels {shown}: {sources}", warning)


def labels_of(path: Path) -> frozenset[int]:
    """Read the labels that a segmentation holds, without the background.

    Raises
    ------
    InputError
        If it is unreadable or holds other values than integers.
    """
    data = read_volume(path).data
    values = np.unique(data[data != 0])  # most voxels are background: sorting them takes longest
    if not np.all(np.abs(values - np.rint(values)) <= LABEL_TOLERANCE):
        raise InputError("holds values that are no integers", file=path)
    return frozenset(int(value) for value in np.rint(values)) - {0}


def _list(labels: frozenset[int]) -> str:
    return ", ".join(map(str, sorted(labels)))
