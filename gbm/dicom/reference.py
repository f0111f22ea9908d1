"""Headers of the series that objects refer to, with what objects ask for."""

from __future__ import annotations

from copy import deepcopy

from pydicom.dataset import Dataset

from gbm.dicom.series import Stack

EMPTY = (
    "PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyDate", "StudyTime",
    "ReferringPhysicianName", "StudyID", "AccessionNumber", "PositionReferenceIndicator",
)  # fmt: skip
"""Must be there, be it empty; who takes names away often takes the elements, too."""


def referred(stack: Stack) -> list[Dataset]:
    """Headers of the slices in their order; what is not there of patient and study is empty."""
    found = []
    for instance in stack.instances:
        header = deepcopy(instance.header)
        for name in EMPTY:
            if name not in header:
                setattr(header, name, "")
        found.append(header)
    return found
