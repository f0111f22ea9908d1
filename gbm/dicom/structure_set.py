"""A DICOM RT structure set of outlines in the frame and slices of a series, by pydicom."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence as Items
from pydicom.uid import ImplicitVRLittleEndian, RTStructureSetStorage

from gbm.dicom.made_by import MANUFACTURER, MODEL, NOT_CLINICAL, Drawn, Identity
from gbm.dicom.outlines import outlines
from gbm.dicom.series import LPS_TO_RAS
from gbm.version import __version__

STUDY_CLASS = "1.2.840.10008.3.1.2.3.1"
"""Of a study that is referred to, as the information object asks for."""
PATIENT = (
    "SpecificCharacterSet", "PatientName", "PatientID", "IssuerOfPatientID", "PatientBirthDate",
    "PatientSex", "OtherPatientIDs", "PatientComments",
)  # fmt: skip
STUDY = (
    "StudyInstanceUID", "StudyDate", "StudyTime", "ReferringPhysicianName", "StudyID",
    "AccessionNumber", "StudyDescription", "PatientAge", "PatientSize", "PatientWeight",
)  # fmt: skip


def structure_set(
    reference: Sequence[Dataset], affine: np.ndarray, drawn: Sequence[Drawn], identity: Identity
) -> Dataset:
    """A structure set of closed planar contours; a mask that is empty has none.

    Parameters
    ----------
    reference : sequence of Dataset
        The slices of the series in their order, see `gbm.dicom.reference.referred`.
    affine : ndarray (4, 4)
        Column, row and slice of the series to RAS world mm.
    drawn : sequence of Drawn
    identity : Identity

    Returns
    -------
    Dataset
        Unapproved; no region has an interpreted type.
    """
    made, first = _head(identity), reference[0]
    for name in (*PATIENT, *STUDY, "FrameOfReferenceUID", "PositionReferenceIndicator"):
        if name in first:
            made[name] = first[name]
    made.OperatorsName = ""
    frame = Dataset()
    frame.FrameOfReferenceUID = first.FrameOfReferenceUID
    study, series = Dataset(), Dataset()
    study.ReferencedSOPClassUID = STUDY_CLASS
    study.ReferencedSOPInstanceUID = first.StudyInstanceUID
    series.SeriesInstanceUID = first.SeriesInstanceUID
    series.ContourImageSequence = Items([_image(header) for header in reference])
    study.RTReferencedSeriesSequence = Items([series])
    frame.RTReferencedStudySequence = Items([study])
    made.ReferencedFrameOfReferenceSequence = Items([frame])
    numbered = list(enumerate(drawn, 1))
    made.StructureSetROISequence = Items(
        [_region(number, each, first.FrameOfReferenceUID) for number, each in numbered]
    )
    made.ROIContourSequence = Items(
        [_contours(number, each, reference, affine) for number, each in numbered]
    )
    made.RTROIObservationsSequence = Items([_observed(number, each) for number, each in numbered])
    return made


def _head(identity: Identity) -> Dataset:
    """What the object is, of itself."""
    made = Dataset()
    made.file_meta = FileMetaDataset()
    # with explicit types a contour of more than 64 KiB, some 2500 corners, has no length
    made.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    made.SOPClassUID = made.file_meta.MediaStorageSOPClassUID = RTStructureSetStorage
    made.SOPInstanceUID = identity.uid("object RTSTRUCT")
    made.file_meta.MediaStorageSOPInstanceUID = made.SOPInstanceUID
    made.SeriesInstanceUID = identity.uid("series RTSTRUCT")
    date, time = identity.time.strftime("%Y%m%d"), identity.time.strftime("%H%M%S")
    made.InstanceCreationDate = made.SeriesDate = made.StructureSetDate = date
    made.InstanceCreationTime = made.SeriesTime = made.StructureSetTime = time
    made.Modality, made.SeriesNumber, made.InstanceNumber = "RTSTRUCT", 903, 1
    made.SeriesDescription = "RESEARCH ONLY, predicted by bilo-gbm"
    made.Manufacturer, made.ManufacturerModelName = MANUFACTURER, MODEL
    made.SoftwareVersions, made.DeviceSerialNumber = __version__, "none"
    made.StructureSetLabel, made.StructureSetName = "RESEARCH ONLY", "RESEARCH ONLY"
    made.StructureSetDescription = NOT_CLINICAL
    made.ApprovalStatus = "UNAPPROVED"
    return made


def _image(header: Dataset) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID = header.SOPClassUID
    item.ReferencedSOPInstanceUID = header.SOPInstanceUID
    return item


def _region(number: int, each: Drawn, frame: str) -> Dataset:
    item = Dataset()
    item.ROINumber = number
    item.ReferencedFrameOfReferenceUID = frame
    item.ROIName = each.label
    item.ROIDescription = NOT_CLINICAL
    item.ROIGenerationAlgorithm = "SEMIAUTOMATIC" if each.algorithm is None else "AUTOMATIC"
    drew = each.algorithm or "as given with the patient"
    item.ROIGenerationDescription = f"{drew}, {MANUFACTURER} {__version__}"[:64]
    return item


def _contours(
    number: int, each: Drawn, reference: Sequence[Dataset], affine: np.ndarray
) -> Dataset:
    """The outlines of a mask, slice by slice."""
    lps = LPS_TO_RAS @ affine
    found: list[Dataset] = []
    for k in np.flatnonzero(each.mask.any(axis=(0, 1))):
        for outline in outlines(each.mask[:, :, k]):
            index = np.column_stack([outline, np.full(len(outline), k), np.ones(len(outline))])
            places = (index @ lps.T)[:, :3]
            item = Dataset()
            item.ContourImageSequence = Items([_image(reference[int(k)])])
            item.ContourGeometricType = "CLOSED_PLANAR"
            item.NumberOfContourPoints = len(places)
            item.ContourNumber = len(found) + 1
            item.ContourData = [f"{value:.4f}" for value in places.ravel()]
            found.append(item)
    made = Dataset()
    made.ReferencedROINumber = number
    made.ROIDisplayColor = list(each.colour)
    if found:
        made.ContourSequence = Items(found)
    return made


def _observed(number: int, each: Drawn) -> Dataset:
    """What a region is: a code, and no type that a treatment could be planned by."""
    code, item = Dataset(), Dataset()
    code.CodeValue, code.CodingSchemeDesignator = each.code[1].value, each.code[1].scheme_designator
    code.CodeMeaning = each.code[1].meaning
    item.ObservationNumber = item.ReferencedROINumber = number
    item.ROIObservationLabel = each.label[:16]
    item.RTROIIdentificationCodeSequence = Items([code])
    item.RTROIInterpretedType = ""
    item.ROIInterpreter = ""
    return item
