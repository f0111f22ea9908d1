"""One DICOM series as a volume: its grid from the headers, its values through GDCM."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import UID

from gbm.config.errors import InputError
from gbm.config.source import Source
from gbm.dicom.index import Instance, instances
from gbm.io.head_size import require_head
from gbm.io.nifti import Header
from gbm.io.volumes import Volume

LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
NEEDED = {
    "Rows": 1, "Columns": 1,
    "ImageOrientationPatient": 6, "ImagePositionPatient": 3, "PixelSpacing": 2,
}  # fmt: skip
"""Elements that place a slice, and how many numbers they have."""
UNEVEN = 0.05
"""Steps between slices may differ by this part of the usual one."""
APART_MM = 0.05
"""In-plane shifts of a slice against the line of the others that are rounding."""
DECODED = (
    "1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.2",
    "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51", "1.2.840.10008.1.2.4.57",
    "1.2.840.10008.1.2.4.70", "1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.81",
    "1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.91", "1.2.840.10008.1.2.5",
)  # fmt: skip
"""Transfer syntaxes that GDCM decodes: uncompressed, JPEG, JPEG-LS, JPEG 2000 and run lengths."""
PLAIN = (DECODED[0], DECODED[1], DECODED[3])
"""Those in which pixels lie as they are: how many bytes there must be is known."""


@dataclass(frozen=True)
class Stack:
    """The slices of a series in their order, and their grid.

    Attributes
    ----------
    instances : tuple of Instance
        Along the normal of their planes.
    affine : ndarray (4, 4)
        Column, row and slice to RAS world mm.
    """

    instances: tuple[Instance, ...]
    affine: np.ndarray

    @property
    def shape(self) -> tuple[int, int, int]:
        """Columns, rows and slices."""
        first = self.instances[0].header
        return int(first.Columns), int(first.Rows), len(self.instances)


def read_stack(source: Source) -> Stack:
    """The slices of a series, judged by their headers; no value is read.

    Raises
    ------
    InputError
        If they make no volume: no or several series, slices of different planes, sizes or grids,
        one missing or there twice, colour, or a compression that nothing here decodes.
    """
    return stacked(instances(source), source)


def stacked(found: Sequence[Instance], source: Source) -> Stack:
    """See `read_stack`."""

    def refuse(text: str) -> InputError:
        return InputError(text, file=source.path, key=source.key)

    headers = [instance.header for instance in found]
    for header in headers:
        fault = _fault(header)
        if fault is not None:
            raise refuse(fault)
    if len({_grid(header) for header in headers}) > 1:
        raise refuse("its slices differ in size, voxel size or orientation")
    if len(found) < 2:
        raise refuse("holds a single slice: a volume has two or more")
    cosines = np.array(headers[0].ImageOrientationPatient, float).reshape(2, 3)
    normal = np.cross(*cosines)
    places = np.array([header.ImagePositionPatient for header in headers], float)
    order = np.argsort(places @ normal, kind="stable")
    places = places[order]
    step = _step(places, normal, refuse)
    row_mm, column_mm = (float(value) for value in headers[0].PixelSpacing)
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1], affine[:3, 2] = cosines[0] * column_mm, cosines[1] * row_mm, step
    affine[:3, 3] = places[0]
    return Stack(tuple(found[k] for k in order), LPS_TO_RAS @ affine)


def series_header(source: Source, found: Sequence[Instance]) -> Header:
    """What a series says of its grid; see `read_stack`."""
    stack = stacked(found, source)
    require_head(stack.shape, stack.affine, source.path, source.key)
    return Header(stack.shape, stack.affine, (1, 1), (), 0)


def read_series(source: Source, found: Sequence[Instance]) -> Volume:
    """A series as a float32 volume (columns, rows, slices), rescaled as its headers say.

    Raises
    ------
    InputError
        See `read_stack`; also if its values cannot be read.
    """
    import SimpleITK as sitk

    stack = stacked(found, source)
    require_head(stack.shape, stack.affine, source.path, source.key)
    if not all(_whole(instance) for instance in stack.instances):
        text = "the pixel data of a slice are cut off"  # the reader would fill them up in silence
        raise InputError(text, file=source.path, key=source.key)
    sitk.ProcessObject.SetGlobalWarningDisplay(False)  # it would name files
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames([str(instance.path) for instance in stack.instances])
    try:
        data = sitk.GetArrayFromImage(reader.Execute()).astype(np.float32)
    except RuntimeError:
        text = "its pixel data cannot be read: damaged, or compressed in a way that is not decoded"
        raise InputError(text, file=source.path, key=source.key) from None
    values = np.ascontiguousarray(data.transpose(2, 1, 0))
    if values.shape != stack.shape:
        text = f"its pixel data have the shape {values.shape}, not {stack.shape}"
        raise InputError(text, file=source.path, key=source.key)
    return Volume(values, stack.affine, source.path)


def _fault(header: Dataset) -> str | None:
    """Why a file is no slice of a volume."""
    missing = [name for name, n in NEEDED.items() if not _holds_numbers(header, name, n)]
    if int(header.get("NumberOfFrames", 1) or 1) > 1:
        return "holds a file of many frames: give a series of single slices"
    if missing:
        return f"a slice has no {missing[0]}: it has no place in space"
    cosines = np.array(header.ImageOrientationPatient, float).reshape(2, 3)
    if not np.allclose(cosines @ cosines.T, np.eye(2), atol=1e-3):
        return "the directions of its rows and columns are not at right angles"
    if int(header.get("SamplesPerPixel", 1)) != 1:
        return "is a picture in colour"
    syntax = header.file_meta.get("TransferSyntaxUID", UID(DECODED[0]))
    if syntax not in DECODED:
        return f"its pixel data are compressed ({syntax.name}), and there is no decoder for it"
    return None


def _holds_numbers(header: Dataset, name: str, count: int) -> bool:
    """Whether an element holds so many finite numbers, and nothing else."""
    try:
        values = np.atleast_1d(np.array(header.get(name), float))
    except (TypeError, ValueError):
        return False
    return values.shape == (count,) and bool(np.isfinite(values).all())


def _whole(instance: Instance) -> bool:
    """Whether the pixels of a slice are all there; of compressed ones the reader knows."""
    header = instance.header
    if header.file_meta.get("TransferSyntaxUID", DECODED[0]) not in PLAIN:
        return True
    needed = int(header.Rows) * int(header.Columns) * int(header.get("BitsAllocated", 16)) // 8
    pixels = dcmread(instance.path, specific_tags=["PixelData"]).get("PixelData")
    return pixels is not None and len(pixels) >= needed


def _grid(header: Dataset) -> tuple[float, ...]:
    """What all slices of a volume share, rounded."""
    spacing = (round(float(v), 4) for v in header.PixelSpacing)
    turned = (round(float(v), 3) for v in header.ImageOrientationPatient)
    return (int(header.Rows), int(header.Columns), *spacing, *turned)


def _step(
    places: np.ndarray, normal: np.ndarray, refuse: Callable[[str], InputError]
) -> np.ndarray:
    """The step from slice to slice; refused where slices are missing or at one place."""
    steps = np.diff(places @ normal)
    usual = float(np.median(steps))
    if usual <= 1e-3 or steps.min() < 1e-3:
        raise refuse("two of its slices lie at one place")
    wide = np.flatnonzero(np.abs(steps - usual) > UNEVEN * usual)
    if wide.size:
        k = int(wide[0])
        raise refuse(
            f"a slice is missing, or slices are uneven: {steps[k]:.2f} mm after slice {k + 1} of "
            f"{len(places)}, elsewhere {usual:.2f} mm"
        )
    step: np.ndarray = (places[-1] - places[0]) / (len(places) - 1)
    line = places[0] + np.arange(len(places))[:, None] * step
    off = places - line
    across = off - (off @ normal)[:, None] * normal
    if float(np.linalg.norm(across, axis=1).max()) > max(APART_MM, UNEVEN * usual):
        raise refuse("its slices do not lie on one line")
    return step
