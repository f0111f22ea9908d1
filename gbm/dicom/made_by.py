"""What every object of ours says of itself: who made it, how it is coded, and its identifiers."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code
from pydicom.uid import UID, generate_uid

from gbm.version import __version__

MANUFACTURER = "bilo-gbm"
MODEL = "gbm"
RESEARCH = "RESEARCH"
"""Begins the name of everything that is drawn."""
NOT_CLINICAL = "Research use only, not meant for diagnosis or treatment"

MORPHOLOGY = (codes.SCT.MorphologicallyAbnormalStructure, codes.SCT.Glioblastoma)
"""Category and type of a tumour's outline, SNOMED CT."""
REGION = (
    codes.SCT.SpatialAndRelationalConcept,
    Code("C85402", "NCIt", "Imaging Region of Interest"),
)
"""Category and type of a plan: a region of interest, and no anatomy or disease."""


@dataclass(frozen=True)
class Drawn:
    """A mask that is written.

    Attributes
    ----------
    name : str
        After `RESEARCH`, such as ``TC predicted``.
    mask : bool ndarray (columns, rows, slices)
        On the grid of the reference series.
    code : pair of Code
        Category and type: `MORPHOLOGY` or `REGION`.
    colour : tuple of int
        Red, green and blue.
    algorithm : str or None
        What drew it; None: it was given with the patient.
    """

    name: str
    mask: np.ndarray
    code: tuple[Any, Any]
    colour: tuple[int, int, int]
    algorithm: str | None

    @property
    def label(self) -> str:
        """As objects call it."""
        return f"{RESEARCH} {self.name}"


@dataclass(frozen=True)
class Identity:
    """Identifiers of the objects of one run: other content or another time, other objects."""

    content: str
    time: datetime

    @classmethod
    def of(cls, arrays: Mapping[str, np.ndarray], reference: str, time: datetime) -> Identity:
        """Of what is written, and of the series it refers to."""
        digest = hashlib.sha256(f"{reference} {__version__}".encode())
        for name, values in arrays.items():
            digest.update(name.encode() + np.ascontiguousarray(values).tobytes())
        return cls(digest.hexdigest(), time)

    def uid(self, what: str) -> UID:
        """The identifier of an object or of its series."""
        return generate_uid(entropy_srcs=[self.content, self.time.isoformat(), what])
