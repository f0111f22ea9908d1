"""A DICOM series made of a volume: MR images of single slices, as a scanner would send them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage, generate_uid

from gbm.io.volumes import Volume

NAME = "Mustermann^Erika"
BORN, ID = "19700101", "MRN-4711"


def axial(spacing: tuple[float, float, float] = (1.0, 1.0, 1.0)) -> np.ndarray:
    """Columns to the left, rows to the back, slices upwards: the usual axial grid in RAS."""
    affine = np.diag([-spacing[0], -spacing[1], spacing[2], 1.0])
    affine[:3, 3] = [20.0, 15.0, -10.0]
    return affine


def oblique(spacing: tuple[float, float, float] = (1.0, 1.0, 1.0)) -> np.ndarray:
    """The same, turned by 20 and 12 degrees."""
    a, b = np.radians([20.0, 12.0])
    turn = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1.0]])
    tilt = np.array([[1.0, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
    affine = axial(spacing)
    affine[:3, :3] = turn @ tilt @ affine[:3, :3]
    return affine


def write_series(folder: Path, volume: Volume, seed: str = "one", **changed: object) -> list[Path]:
    """Write a series of (columns, rows, slices) with a RAS affine; return its files in order.

    `changed` are elements of every header that differ.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lps = np.diag([-1.0, -1.0, 1.0, 1.0]) @ volume.affine
    spacing = np.linalg.norm(lps[:3, :3], axis=0)
    axes = lps[:3, :3] / spacing
    uid = {name: generate_uid(entropy_srcs=[seed, name]) for name in ("series", "study", "frame")}
    files = []
    for k in range(volume.data.shape[2]):
        image = Dataset()
        image.file_meta = FileMetaDataset()
        image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        image.SOPClassUID = MRImageStorage
        image.SOPInstanceUID = generate_uid(entropy_srcs=[seed, f"image {k}"])
        image.StudyInstanceUID, image.SeriesInstanceUID = uid["study"], uid["series"]
        image.FrameOfReferenceUID = uid["frame"]
        image.PatientName, image.PatientID = NAME, ID
        image.PatientBirthDate, image.PatientSex = BORN, "F"
        image.StudyDate, image.StudyTime = "20240102", "101112"
        image.SeriesDate, image.SeriesTime = "20240102", "101112"
        image.ContentDate, image.ContentTime = "20240102", "101112"
        image.StudyID, image.AccessionNumber, image.ReferringPhysicianName = "7", "ACC9", "Dr^Who"
        image.Modality, image.Manufacturer, image.SeriesNumber = "MR", "Maker", 3
        image.ManufacturerModelName, image.DeviceSerialNumber = "Scanner", "SN123"
        image.SoftwareVersions = "1"
        image.PositionReferenceIndicator, image.Laterality = "", ""
        image.ImageType = ["DERIVED", "SECONDARY"]
        image.ScanningSequence, image.SequenceVariant, image.ScanOptions = "GR", "NONE", ""
        image.MRAcquisitionType, image.EchoTime, image.EchoTrainLength = "3D", "3", "1"
        image.RepetitionTime, image.InstanceNumber = "9", k + 1
        image.ImageOrientationPatient = [f"{v:.9f}" for v in (*axes[:, 0], *axes[:, 1])]
        place = lps[:3, 3] + k * lps[:3, 2]
        image.ImagePositionPatient = [f"{v:.6f}" for v in place]
        image.PixelSpacing = [f"{spacing[1]:.6f}", f"{spacing[0]:.6f}"]
        image.SliceThickness = f"{spacing[2]:.6f}"
        image.Columns, image.Rows = volume.data.shape[0], volume.data.shape[1]
        image.SamplesPerPixel, image.PhotometricInterpretation = 1, "MONOCHROME2"
        image.BitsAllocated = image.BitsStored = 16
        image.HighBit, image.PixelRepresentation = 15, 1
        image.PixelData = np.ascontiguousarray(volume.data[:, :, k].T.astype("<i2")).tobytes()
        for element, value in changed.items():
            setattr(image, element, value)
        file = folder / f"{seed}_{k:03d}.dcm"
        image.save_as(file, enforce_file_format=True)
        files.append(file)
    return files


def blob(affine: np.ndarray, shape: tuple[int, int, int] = (30, 26, 12)) -> Volume:
    """An image without any symmetry: bright towards one corner, with a bright box."""
    i, j, k = np.indices(shape)
    data = (100 + 3 * i + 2 * j + 5 * k).astype(np.float32)
    data[4:9, 3:12, 2:5] += 500
    return Volume(data, affine)
