"""An image of DICOM, be it a series or a segmentation object."""

from __future__ import annotations

from gbm.config.source import Source
from gbm.dicom.index import instances, is_segmentation
from gbm.dicom.segmentation import Segments, read_segments
from gbm.dicom.series import read_series, series_header
from gbm.io.nifti import Header
from gbm.io.volumes import Volume


def segments_of(source: Source) -> Segments | None:
    """The segments, if it is a segmentation object; None of a series."""
    found = instances(source)
    return read_segments(source, found) if is_segmentation(found) else None


def dicom_header(source: Source) -> Header:
    """What it says of its grid; of a series no value is read."""
    found = instances(source)
    if is_segmentation(found):
        segments = read_segments(source, found)
        return Header(segments.shape, segments.affine, (1, 1), (), 0)
    return series_header(source, found)


def dicom_image(source: Source) -> Volume:
    """Values of a series; of a segmentation object its segment numbers."""
    found = instances(source)
    if is_segmentation(found):
        return read_segments(source, found).label_map()
    return read_series(source, found)
