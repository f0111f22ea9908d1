"""The images of a patient file, whatever their format: judged, read, and read to their end.

A file is NIfTI, or a segmentation object of DICOM; a folder is one DICOM series.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from gbm.config.source import Source
from gbm.io.nifti import Header, examine, read_header, read_volume
from gbm.io.provenance import InputFile, inputs
from gbm.io.volumes import Volume

if TYPE_CHECKING:
    from gbm.dicom.segmentation import Segments


def image_header(source: Source) -> Header:
    """What an image says of its grid; of a NIfTI file or a series no value is read.

    Raises
    ------
    InputError
        See `gbm.io.nifti.read_header` and `gbm.dicom.series.stacked`.
    """
    if not source.dicom:
        return read_header(source.path, source.key)
    from gbm.dicom.image import dicom_header

    return dicom_header(source)


def read_image(source: Source) -> Volume:
    """An image as float32 with three axes; of a segmentation object the segment numbers.

    Raises
    ------
    InputError
        See `gbm.io.nifti.read_volume`, `gbm.dicom.series.read_series` and
        `gbm.dicom.segmentation.Segments.label_map`.
    """
    if not source.dicom:
        return read_volume(source.path, source.key)
    from gbm.dicom.image import dicom_image

    return dicom_image(source)


def segments_in(source: Source) -> Segments | None:
    """The segments of a DICOM segmentation object; None of any other image."""
    if not source.dicom:
        return None
    from gbm.dicom.image import segments_of

    return segments_of(source)


def input_files(sources: Mapping[str, Source]) -> tuple[InputFile, ...]:
    """Digests of images by their keys; of DICOM with that of the SeriesInstanceUID."""
    series = {}
    for key, source in sources.items():
        if source.dicom:
            from gbm.dicom.index import instances

            series[key] = str(instances(source)[0].header.SeriesInstanceUID)
    return inputs({key: source.path for key, source in sources.items()}, series)


def examine_image(source: Source) -> tuple[str, ...]:
    """Read an image to its end, without keeping it, and return remarks on it.

    Raises
    ------
    InputError
        See `gbm.io.nifti.examine`; of DICOM see `read_image`.
    """
    if not source.dicom:
        return examine(source.path, source.key)
    if segments_in(source) is None:
        read_image(source)
    return ()
