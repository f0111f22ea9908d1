"""The DICOM series that results refer to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gbm.config.errors import InputError
from gbm.config.patient import Patient
from gbm.imaging.labels import TumourRegions
from gbm.io.head_size import require_head
from gbm.io.volumes import Volume, coverage

if TYPE_CHECKING:
    from gbm.dicom.series import Stack

SHARED = {
    "PatientID": "is of another patient than {other}, by its PatientID",
    "FrameOfReferenceUID": "lies in another frame of reference than {other}: are they registered?",
}
"""What inputs of DICOM should have in common, and what is said where they have not."""
COVERED = 0.999
"""Part of the tumour that the series must show."""


def reference_of(patient: Patient, regions: TumourRegions) -> Stack:
    """The slices of that series.

    Raises
    ------
    InputError
        If there is none, it is no volume, its slices cannot be referred to (`gbm.dicom.reference`),
        or it does not cover the tumour.
    """
    from gbm.dicom.index import instances
    from gbm.dicom.reference import unfit
    from gbm.dicom.series import stacked

    source = patient.reference()
    if source is None:
        text = "there is no DICOM series to refer to"
        raise InputError(text, file=patient.file, key="patient.dicom.reference")
    stack = stacked(instances(source), source)
    require_head(stack.shape, stack.affine, source.path, source.key)
    fault = unfit(stack)
    if fault is not None:
        raise InputError(fault, file=source.path, key=source.key)
    grid = Volume(np.broadcast_to(np.uint8(0), stack.shape), stack.affine)
    share = coverage(regions.WT, grid)
    if share < COVERED:
        text = (
            f"covers only {share:.1%} of the tumour of {regions.source}; results refer to it: name "
            "another series with patient.dicom.reference"
        )
        raise InputError(text, file=source.path, key=source.key)
    return stack


def check_together(patient: Patient) -> list[str]:
    """Remarks where inputs of DICOM are not of one patient, or not in one frame of reference.

    Each is compared with the reference series; values, which identify somebody, are not told.
    """
    from gbm.dicom.index import instances

    given = {**patient.sources(), **patient.later()}
    headers = {key: instances(source)[0].header for key, source in given.items() if source.dicom}
    reference = patient.reference()
    first = next(iter(headers), None) if reference is None else reference.key
    remarks = []
    for key, header in headers.items():
        for name, text in SHARED.items():
            own, others = (str(h.get(name) or "") for h in (header, headers[str(first)]))
            if own and others and own != others:
                remarks.append(f"{key}: {text.format(other=first)}")
    return remarks
