"""The series that objects refer to: whether they can, and its headers with what they ask for."""

from __future__ import annotations

from copy import deepcopy

from pydicom.dataset import Dataset

from gbm.dicom.series import Stack

EMPTY = (
    "PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyDate", "StudyTime",
    "ReferringPhysicianName", "StudyID", "AccessionNumber", "PositionReferenceIndicator",
)  # fmt: skip
"""Must be there, be it empty; who takes names away often takes the elements, too."""

ONE = ("StudyInstanceUID", "FrameOfReferenceUID", "PatientID")
"""What slices that are referred to share."""
OWN = ("SOPInstanceUID", "SOPClassUID")
"""What each of them has."""
UTF8 = "ISO_IR 192"


def unfit(stack: Stack) -> str | None:
    """Why no object can refer to a series; None where it can."""
    headers = [instance.header for instance in stack.instances]
    if not headers[0].get("FrameOfReferenceUID"):
        return "has no frame of reference that results could be given in"
    for name in ("StudyInstanceUID", *OWN):
        if not all(header.get(name) for header in headers):
            return f"a slice has no {name}: results cannot refer to it"
    for name in ONE:
        if len({str(header.get(name) or "") for header in headers}) > 1:
            return f"its slices differ in {name}: results cannot refer to them as one series"
    if len({str(header.SOPInstanceUID) for header in headers}) < len(headers):
        return "two of its slices have one SOPInstanceUID: results cannot refer to them"
    return None


def referred(stack: Stack) -> list[Dataset]:
    """Headers of the slices in their order; what is not there of patient and study is empty.

    Texts in several character sets, or in those of China, become UTF-8: highdicom knows but some.
    """
    found = []
    for instance in stack.instances:
        header = deepcopy(instance.header)
        sets = header.get("SpecificCharacterSet") or ""
        if not isinstance(sets, str) or sets.startswith("GB"):
            header.decode()
            header.SpecificCharacterSet = UTF8
        for name in EMPTY:
            if name not in header:
                setattr(header, name, "")
        found.append(header)
    return found
