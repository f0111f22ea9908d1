"""What lies in a folder of DICOM: headers by series, and the one series that is meant."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError

from gbm.config.errors import InputError
from gbm.config.source import Source

SEGMENTATIONS = ("1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7")
"""SOP classes of segmentations: one bit or fraction a segment, and label maps."""

USED = (
    "SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID",
    "FrameOfReferenceUID", "PatientID", "PatientName", "Rows", "Columns", "PixelSpacing",
    "ImageOrientationPatient", "ImagePositionPatient",
)  # fmt: skip
"""Elements that are looked at outside the making of objects."""


@dataclass(frozen=True)
class Instance:
    """One file and its header, without pixels."""

    path: Path
    header: Dataset


def instances(source: Source) -> tuple[Instance, ...]:
    """The files of the one series that is meant, by name.

    Raises
    ------
    InputError
        If there is no DICOM, several series and none chosen, or not the chosen one. Files that are
        no DICOM are passed over, and so are objects that hold neither an image nor a segmentation.
    """
    path, key = source.path, source.key
    if not path.exists():
        raise InputError("there is no such file or folder", file=path, key=key)
    files = sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]
    series: dict[str, list[Instance]] = {}
    for file in files:
        header = _header(file)
        if header is not None and "Rows" in header and "SeriesInstanceUID" in header:
            series.setdefault(str(header.SeriesInstanceUID), []).append(Instance(file, header))
    if not series:
        raise InputError("holds no image of DICOM", file=path, key=key)
    if source.series is not None:
        if source.series not in series:
            raise InputError(
                f"holds no series {source.series}; it holds {_told(series)}", file=path, key=key
            )
        return tuple(series[source.series])
    if len(series) > 1:
        raise InputError(
            f"holds {len(series)} series: {_told(series)}; say which with {{path, series}}",
            file=path,
            key=key,
        )
    return tuple(next(iter(series.values())))


def is_segmentation(found: Sequence[Instance]) -> bool:
    """Whether a series is a segmentation."""
    return found[0].header.get("SOPClassUID") in SEGMENTATIONS


def _header(file: Path) -> Dataset | None:
    try:
        with warnings.catch_warnings():  # they quote values, which may be names
            warnings.simplefilter("ignore")
            header = dcmread(file, stop_before_pixels=True)
            for name in USED:
                with suppress(ValueError, TypeError, OverflowError):
                    header.get(name)  # pydicom reads, and warns, when a value is asked for
            return header
    except (InvalidDicomError, OSError, ValueError, AttributeError, KeyError, NotImplementedError):
        return None


def _told(series: dict[str, list[Instance]]) -> str:
    """UIDs with the number of their files: descriptions may name somebody."""
    return ", ".join(f"{uid} ({len(files)} files)" for uid, files in series.items())
