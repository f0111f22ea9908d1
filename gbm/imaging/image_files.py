"""The images of a patient file, whatever their format: judged, read, and read to their end."""

from __future__ import annotations

from gbm.config.source import Source
from gbm.io.nifti import Header, examine, read_header, read_volume
from gbm.io.volumes import Volume


def image_header(source: Source) -> Header:
    """What an image says of its grid; no value is read.

    Raises
    ------
    InputError
        See `gbm.io.nifti.read_header`.
    """
    return read_header(source.path, source.key)


def read_image(source: Source) -> Volume:
    """An image as float32 with three axes.

    Raises
    ------
    InputError
        See `gbm.io.nifti.read_volume`.
    """
    return read_volume(source.path, source.key)


def examine_image(source: Source) -> tuple[str, ...]:
    """Read an image to its end, without keeping it, and return remarks on it.

    Raises
    ------
    InputError
        See `gbm.io.nifti.examine`.
    """
    return examine(source.path, source.key)
