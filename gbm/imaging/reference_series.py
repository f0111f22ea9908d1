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
